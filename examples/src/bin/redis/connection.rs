use std::{
    future::poll_fn,
    io,
    sync::{Arc, atomic::Ordering},
    task::Poll,
};

use codec::{BytesCodec, Framed};
use futures::StreamExt;
use net::TcpStream;

use crate::{
    channels::Inbox,
    command,
    resp::{Reply, Request, Resp, RespError},
    server::Server,
    session::Session,
};

/// One client's connection.
pub(crate) struct Connection<'a> {
    frames: Framed<&'a TcpStream, Resp>,
    session: Session,
    inbox: Inbox,
}

/// What a connection waits for.
enum Event {
    Request(Result<Request, RespError>),
    /// Somebody has published something.
    Message(Reply),
    /// The client does not keep up with its messages.
    Overrun,
    /// The client has said everything.
    End,
}

impl<'a> Connection<'a> {
    pub(crate) fn new(stream: &'a TcpStream, server: Arc<Server>, max_request: usize) -> Self {
        let (session, inbox) = Session::new(server);
        Self {
            frames: Framed::new(stream, Resp::new(max_request)),
            session,
            inbox,
        }
    }

    /// Answers requests until the client, or an error, ends the connection.
    pub(crate) async fn serve(mut self) -> io::Result<()> {
        loop {
            let reply = match self.next().await {
                Event::Request(Ok(request)) => self.execute(&request),
                Event::Request(Err(RespError::Io(error))) => return Err(error),
                Event::Request(Err(error)) => return self.refuse(&error).await,
                Event::Message(message) => message,
                Event::Overrun => return Err(io::ErrorKind::TimedOut.into()),
                Event::End => return self.frames.close().await,
            };
            self.frames.feed(reply).await?;
            if self.session.is_ending {
                return self.frames.close().await;
            }
        }
    }

    /// Nothing is lost if a poll of it finds one thing and not the other: both are streams.
    async fn next(&mut self) -> Event {
        poll_fn(|cx| {
            if let Poll::Ready(message) = self.inbox.poll_next_unpin(cx) {
                return Poll::Ready(message.map_or(Event::Overrun, Event::Message));
            }
            // Flushes all replies and messages before it waits.
            self.frames
                .poll_next_unpin(cx)
                .map(|request| request.map_or(Event::End, Event::Request))
        })
        .await
    }

    fn execute(&mut self, request: &Request) -> Reply {
        let server = &self.session.server;
        server.commands.fetch_add(1, Ordering::Relaxed);
        let before = self.session.protocol;
        let reply = command::execute(&mut self.session, request);
        if self.session.protocol != before {
            self.frames.codec_mut().protocol = self.session.protocol;
        }
        reply
    }

    /// Says what is wrong, then ends the connection.
    async fn refuse(mut self, error: &RespError) -> io::Result<()> {
        let reply = Reply::error(format!("ERR Protocol error: {error}"));
        self.frames.send(reply).await?;
        self.frames.close().await?;
        // Closing a socket in which something is unread would take the reply away from the client.
        let mut rest =
            Framed::from_parts(self.frames.into_parts().map_codec(|_| BytesCodec::new()));
        let mut discarded = 0;
        while let Some(piece) = rest.next().await {
            discarded += piece?.len();
            if discarded > MOST_DISCARDED {
                break;
            }
        }
        Ok(())
    }
}

/// How many bytes are read from a client that has broken the protocol.
const MOST_DISCARDED: usize = 1024 * 1024;
