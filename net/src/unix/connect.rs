use std::{
    future::Future,
    io,
    os::unix::net::SocketAddr,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use reactor::{Handle, Sleep, mio::net::UnixStream as MioStream};

use super::UnixStream;

/// A connection that is being made; from [`UnixStream::connect`].
///
/// It is made at once, or refused at once, with one exception: the queue of the listener is full. On
/// Linux connect(2) then says `EAGAIN`, and no event tells when there is room. The future sleeps and
/// tries again, 1 ms later at first and up to 50 ms, for as long as it is polled; see
/// [`Handle::timeout`](reactor::Handle::timeout) for a limit. Those that wait are not served in the
/// order in which they came.
///
/// # Cancel safety
///
/// Cancel safe: dropping it gives the attempt up. A connection that was made and not yet handed out
/// is closed, and the listener may see it.
///
/// # Errors
///
/// Those of the system, with their code: [`NotFound`](io::ErrorKind::NotFound),
/// [`ConnectionRefused`](io::ErrorKind::ConnectionRefused) (nobody listens there any more),
/// [`PermissionDenied`](io::ErrorKind::PermissionDenied);
/// [`InvalidInput`](io::ErrorKind::InvalidInput) for a path that is too long or contains a zero byte.
///
/// # Panics
///
/// When it is polled after it was ready.
#[derive(Debug)]
#[must_use = "futures do nothing unless they are polled"]
pub struct UnixConnect {
    state: State,
}

#[derive(Debug)]
enum State {
    Attempted(io::Result<UnixStream>),
    /// The listener's queue is full.
    Pausing(Pause),
    Done,
}

#[derive(Debug)]
struct Pause {
    sleep: Sleep,
    length: Duration,
    addr: SocketAddr,
    handle: Handle,
}

impl UnixConnect {
    pub(super) fn new(addr: io::Result<SocketAddr>, handle: &Handle) -> Self {
        let state = match addr {
            Ok(addr) => attempt(addr, handle.clone(), FIRST_PAUSE),
            Err(error) => State::Attempted(Err(error)),
        };
        Self { state }
    }
}

/// Tries to connect; `pause` is how long to wait if the queue is full.
fn attempt(addr: SocketAddr, handle: Handle, pause: Duration) -> State {
    State::Attempted(match MioStream::connect_addr(&addr) {
        Ok(stream) => UnixStream::connected(stream, &handle).map_err(io::Error::from),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            return State::Pausing(Pause {
                sleep: handle.sleep(pause),
                length: pause,
                addr,
                handle,
            });
        }
        Err(error) => Err(error),
    })
}

impl Future for UnixConnect {
    type Output = io::Result<UnixStream>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            if let State::Pausing(pause) = &mut self.state {
                ready!(Pin::new(&mut pause.sleep).poll(cx))?;
            }
            match std::mem::replace(&mut self.state, State::Done) {
                State::Attempted(result) => return Poll::Ready(result),
                State::Pausing(pause) => {
                    let next = (pause.length * 2).min(LONGEST_PAUSE);
                    self.state = attempt(pause.addr, pause.handle, next);
                }
                State::Done => panic!("a UnixConnect was polled after it was ready"),
            }
        }
    }
}

const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);
