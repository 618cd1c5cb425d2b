use std::{
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll, ready},
};

use reactor::{Handle, Options, PollEvented, mio::net::TcpStream as MioStream};

use super::TcpStream;

/// A connection that is being made; from [`TcpStream::connect`].
///
/// # Cancel safety
///
/// Cancel safe: dropping it gives the attempt up and closes the socket.
///
/// # Errors
///
/// Those of the system, with their code: [`ConnectionRefused`](io::ErrorKind::ConnectionRefused),
/// [`TimedOut`](io::ErrorKind::TimedOut) (after minutes; see
/// [`Handle::timeout`](reactor::Handle::timeout) for a limit of your own),
/// [`NetworkUnreachable`](io::ErrorKind::NetworkUnreachable).
///
/// # Panics
///
/// When it is polled after it was ready.
#[derive(Debug)]
#[must_use = "futures do nothing unless they are polled"]
pub struct Connect {
    state: State,
}

#[derive(Debug)]
enum State {
    Connecting(PollEvented<MioStream>),
    /// The socket could not even be made.
    Failed(io::Error),
    Done,
}

impl Connect {
    pub(super) fn new(addr: SocketAddr, handle: &Handle) -> Self {
        let state = match start(addr, handle) {
            Ok(io) => State::Connecting(io),
            Err(error) => State::Failed(error),
        };
        Self { state }
    }
}

fn start(addr: SocketAddr, handle: &Handle) -> io::Result<PollEvented<MioStream>> {
    let stream = MioStream::connect(addr)?;
    let options = Options::connecting().watch_urgent();
    Ok(PollEvented::with_options(stream, handle, options)?)
}

impl Future for Connect {
    type Output = io::Result<TcpStream>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let State::Connecting(io) = &self.state {
            let connected = ready!(io.poll_write_with(cx, is_connected));
            if let Err(error) = connected {
                self.state = State::Done;
                return Poll::Ready(Err(error));
            }
        }
        match std::mem::replace(&mut self.state, State::Done) {
            State::Connecting(io) => Poll::Ready(Ok(TcpStream::from_evented(io))),
            State::Failed(error) => Poll::Ready(Err(error)),
            State::Done => panic!("a Connect was polled after it was ready"),
        }
    }
}

/// "Writable" alone is not success: the socket may have failed, and some systems report it early.
fn is_connected(stream: &MioStream) -> io::Result<()> {
    if let Some(error) = stream.take_error()? {
        return Err(error);
    }
    match stream.peer_addr() {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotConnected => {
            Err(io::ErrorKind::WouldBlock.into())
        }
        Err(error) => Err(error),
    }
}
