use std::{
    future::Future,
    io,
    net::{SocketAddr, TcpStream as StdStream},
    pin::Pin,
    task::{Context, Poll, ready},
};

use reactor::{Handle, Options, PollEvented, mio::net::TcpStream as MioStream};
use socket2::SockRef;

use super::TcpStream;
use crate::sys;

/// A connection that is being made; from [`TcpStream::connect`], [`TcpStream::connect_std`] or
/// [`TcpBuilder::connect`](super::TcpBuilder::connect).
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
    Connecting {
        io: PollEvented<MioStream>,
        fast_open: bool,
    },
    /// The socket could not even be made.
    Failed(io::Error),
    Done,
}

impl Connect {
    pub(super) fn new(addr: SocketAddr, handle: &Handle) -> Self {
        Self::registered(MioStream::connect(addr), handle, false)
    }

    /// `start` makes a non-blocking socket, and begins to connect it; if it says `fast_open`, that may
    /// be all until the first write.
    pub(super) fn start(
        handle: &Handle,
        start: impl FnOnce() -> io::Result<StdStream>,
        fast_open: bool,
    ) -> Self {
        Self::registered(start().map(MioStream::from_std), handle, fast_open)
    }

    fn registered(stream: io::Result<MioStream>, handle: &Handle, fast_open: bool) -> Self {
        let options = Options::connecting().watch_urgent();
        let io = stream.and_then(|stream| Ok(PollEvented::with_options(stream, handle, options)?));
        let state = match io {
            Ok(io) => State::Connecting { io, fast_open },
            Err(error) => State::Failed(error),
        };
        Self { state }
    }
}

/// Begins to connect a socket of any mode, and sets it to non-blocking mode.
pub(super) fn begin(stream: &StdStream, addr: &SocketAddr) -> io::Result<()> {
    stream.set_nonblocking(true)?;
    match SockRef::from(stream).connect(&(*addr).into()) {
        Err(error) if !sys::is_in_progress(&error) => Err(error),
        _ => Ok(()),
    }
}

impl Future for Connect {
    type Output = io::Result<TcpStream>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let State::Connecting { io, fast_open } = &self.state {
            let is_connected = match fast_open {
                true => has_not_failed,
                false => is_connected,
            };
            let connected = ready!(io.poll_write_with(cx, is_connected));
            if let Err(error) = connected {
                self.state = State::Done;
                return Poll::Ready(Err(error));
            }
        }
        match std::mem::replace(&mut self.state, State::Done) {
            State::Connecting { io, .. } => Poll::Ready(Ok(TcpStream::from_evented(io))),
            State::Failed(error) => Poll::Ready(Err(error)),
            State::Done => panic!("a Connect was polled after it was ready"),
        }
    }
}

/// "Writable" alone is not success: the socket may have failed, and some systems report it early.
fn is_connected(stream: &MioStream) -> io::Result<()> {
    has_not_failed(stream)?;
    match stream.peer_addr() {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotConnected => {
            Err(io::ErrorKind::WouldBlock.into())
        }
        Err(error) => Err(error),
    }
}

/// With fast open the socket is writable before it has a peer.
fn has_not_failed(stream: &MioStream) -> io::Result<()> {
    stream.take_error()?.map_or(Ok(()), Err)
}
