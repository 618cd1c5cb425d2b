use std::{io, net::SocketAddr, time::Duration};

use bytes::Bytes;
use codec::{Framed, LengthDelimitedCodec};
use examples::any_port;
use io_traits::task;
use net::{TcpStream, UdpSocket};
use reactor::Handle;

use crate::{answer::Answer, message::Query};

/// The name server that is asked.
pub(crate) struct Upstream {
    addr: SocketAddr,
    limit: Duration,
    handle: Handle,
}

impl Upstream {
    /// `limit` is how long one answer may take.
    pub(crate) fn new(addr: SocketAddr, limit: Duration, handle: &Handle) -> Self {
        let handle = handle.clone();
        Self {
            addr,
            limit,
            handle,
        }
    }

    /// Asks, and asks once more if there is no answer.
    ///
    /// Each time with a new socket, whose port the system chooses at random, and with a new number: both
    /// have to be guessed by who wants to answer in the name server's place. The socket is connected, so it
    /// hears nobody else, and that nobody is there.
    ///
    /// # Errors
    ///
    /// `TimedOut`; those of the system.
    pub(crate) async fn ask_by_udp(&self, query: &Query) -> io::Result<Answer> {
        let mut result = self.ask_once(query).await;
        if matches!(&result, Err(error) if error.kind() == io::ErrorKind::TimedOut) {
            result = self.ask_once(query).await;
        }
        result
    }

    async fn ask_once(&self, query: &Query) -> io::Result<Answer> {
        let socket = UdpSocket::bind(&any_port(self.addr), &self.handle)?;
        socket.connect(&self.addr)?;
        let (id, question) = numbered(query)?;
        task::io(|| socket.send(&question)).await?;
        let answer = async {
            let mut buf = [0; LONGEST_ANSWER];
            loop {
                let n = task::io(|| socket.recv(&mut buf)).await?;
                if query.is_answered_by(id, &buf[..n]) {
                    return Ok(Answer::new(buf[..n].to_vec()));
                }
                tracing::debug!("an answer to another question");
            }
        };
        self.handle.timeout(self.limit, answer).await?
    }

    /// Asks by TCP, for an answer that does not fit into a datagram.
    ///
    /// # Errors
    ///
    /// `TimedOut`; those of the system; that the answer is to another question.
    pub(crate) async fn ask_by_tcp(&self, query: &Query) -> io::Result<Answer> {
        let asking = async {
            let stream = TcpStream::connect(&self.addr, &self.handle).await?;
            stream.set_nodelay(true)?;
            let mut messages = Framed::new(stream, messages());
            let (id, question) = numbered(query)?;
            messages.send(Bytes::from(question)).await?;
            let answer = messages
                .next()
                .await
                .ok_or(io::ErrorKind::UnexpectedEof)??;
            if !query.is_answered_by(id, &answer) {
                return Err(io::ErrorKind::InvalidData.into());
            }
            Ok(Answer::new(answer.to_vec()))
        };
        self.handle.timeout(self.limit, asking).await?
    }
}

/// Messages in a stream: two bytes of length before each, RFC 1035, 4.2.2.
pub(crate) fn messages() -> LengthDelimitedCodec {
    LengthDelimitedCodec::builder(usize::from(u16::MAX))
        .length_field_length(2)
        .build()
        .expect("all lengths of two bytes are allowed")
}

fn numbered(query: &Query) -> io::Result<(u16, Vec<u8>)> {
    let mut id = [0; 2];
    getrandom::fill(&mut id).map_err(io::Error::other)?;
    let id = u16::from_ne_bytes(id);
    let question = query.for_upstream(id);
    Ok((id, question.ok_or(io::ErrorKind::InvalidInput)?))
}

/// Bytes: more than we say that we take.
const LONGEST_ANSWER: usize = 4096;
