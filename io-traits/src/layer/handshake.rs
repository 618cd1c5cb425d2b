use std::{
    fmt,
    future::Future,
    io, mem,
    pin::Pin,
    task::{Context, Poll},
};

use crate::task::attempt::{Attempt, Stall, enter_once};

/// How far a handshake has come.
#[derive(Debug)]
pub enum Step<T, M> {
    /// It is over.
    Done(T),
    /// It would block; this is what it goes on from.
    Blocked(M),
}

/// Drives a handshake that gives back a half-made object whenever it would block.
///
/// `start` begins it, `resume` goes on; both with the task as the current one.
///
/// # Cancel safety
///
/// Not cancel safe: the half-made object is dropped with the future.
///
/// # Errors
///
/// Those of the handshake. [`Stalled`](crate::task::Stalled) when it says "would block" through 16 polls
/// in a row without having asked anybody to wake the task.
///
/// # Panics
///
/// When it is polled after it was ready.
///
/// # Examples
///
/// With a library whose `accept` fails with a half-made object in its error (tungstenite, native-tls):
///
/// ```
/// # use std::io;
/// # use io_traits::layer::{handshake, Step};
/// # struct Mid(u8); struct Socket;
/// # enum HandshakeError { Interrupted(Mid), Failure(io::Error) }
/// # impl Mid { fn handshake(self) -> Result<Socket, HandshakeError> {
/// #   match self.0 { 0 => Ok(Socket), n => again(n - 1) } } }
/// # fn again(n: u8) -> Result<Socket, HandshakeError> {
/// #   let _ = io_traits::task::poll::<()>(|cx| { cx.waker().wake_by_ref(); std::task::Poll::Pending });
/// #   Err(HandshakeError::Interrupted(Mid(n))) }
/// # fn accept() -> Result<Socket, HandshakeError> { again(2) }
/// fn step(result: Result<Socket, HandshakeError>) -> io::Result<Step<Socket, Mid>> {
///     match result {
///         Ok(socket) => Ok(Step::Done(socket)),
///         Err(HandshakeError::Interrupted(mid)) => Ok(Step::Blocked(mid)),
///         Err(HandshakeError::Failure(error)) => Err(error),
///     }
/// }
/// # futures::executor::block_on(async {
/// let socket = handshake(|| step(accept()), |mid| step(mid.handshake())).await?;
/// # let _ = socket; io::Result::Ok(()) }).unwrap();
/// ```
#[track_caller]
pub fn handshake<T, M, E, S, R>(start: S, resume: R) -> Handshake<M, S, R>
where
    S: FnOnce() -> Result<Step<T, M>, E>,
    R: FnMut(M) -> Result<Step<T, M>, E>,
    E: From<io::Error>,
{
    Handshake {
        state: State::Start(start),
        resume,
        stall: Stall::new(),
    }
}

/// The future of [`handshake()`].
#[must_use = "futures do nothing unless they are polled"]
pub struct Handshake<M, S, R> {
    state: State<M, S>,
    resume: R,
    stall: Stall,
}

enum State<M, S> {
    Start(S),
    Blocked(M),
    Over,
}

// What is in here is only ever moved, never pinned.
impl<M, S, R> Unpin for Handshake<M, S, R> {}

impl<T, M, E, S, R> Future for Handshake<M, S, R>
where
    S: FnOnce() -> Result<Step<T, M>, E>,
    R: FnMut(M) -> Result<Step<T, M>, E>,
    E: From<io::Error>,
{
    type Output = Result<T, E>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let state = mem::replace(&mut this.state, State::Over);
        let resume = &mut this.resume;
        let (step, registered) = enter_once(cx, || match state {
            State::Start(start) => start(),
            State::Blocked(mid) => resume(mid),
            State::Over => panic!("a Handshake was polled after it was ready"),
        });
        let attempt = match step {
            Ok(Step::Done(value)) => Attempt::Done(Ok(value)),
            Err(error) => Attempt::Done(Err(error)),
            Ok(Step::Blocked(mid)) => {
                this.state = State::Blocked(mid);
                if registered {
                    Attempt::Registered
                } else {
                    Attempt::Unregistered
                }
            }
        };
        this.stall.settle(cx, attempt)
    }
}

impl<M, S, R> fmt::Debug for Handshake<M, S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handshake").finish_non_exhaustive()
    }
}
