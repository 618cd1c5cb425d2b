use std::{
    fmt,
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use super::{attempt::Stall, budget};

/// Turns an implicit operation into a future: `task::io(|| stream.read(&mut buf)).await`.
///
/// The closure is called once a poll, so it must be fit to be called again. One that moves something
/// out keeps it in an `Option`:
///
/// ```
/// # use io_traits::task;
/// # use futures::executor::block_on;
/// # struct Socket;
/// # impl Socket { fn send(&mut self, _: Option<String>) -> std::io::Result<()> { Ok(()) } }
/// # let mut socket = Socket;
/// # block_on(async {
/// let mut message = Some(String::from("hello"));
/// // The first call hands the message over, a later one only goes on with what is under way.
/// task::io(|| socket.send(message.take())).await?;
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
///
/// # Cancel safety
///
/// As the operation: dropping the future between two calls of the closure does nothing.
///
/// # Errors
///
/// The operation's own, but never `WouldBlock` nor `Interrupted`. [`Stalled`](super::Stalled) when the operation says
/// "would block" through 16 polls in a row without having asked anybody to wake the task. A debug
/// build logs a warning at the first of them, with the place where this was called.
#[track_caller]
pub fn io<T, F: FnMut() -> io::Result<T>>(operation: F) -> Io<F> {
    Io {
        operation,
        stall: Stall::new(),
    }
}

/// Calls an implicit operation with the task of `cx` as the current one.
///
/// `WouldBlock` becomes `Pending`, `Interrupted` is tried again. If the operation would block but
/// nobody has been asked to wake the task, it is called again a few times and then the task is woken
/// at once, so that it cannot hang. A caller that wants such a series to end holds an [`Io`], which
/// remembers.
#[track_caller]
#[inline]
pub fn poll_io<T>(
    cx: &mut Context<'_>,
    operation: impl FnMut() -> io::Result<T>,
) -> Poll<io::Result<T>> {
    Stall::new().poll(cx, operation)
}

/// The future of [`io()`].
#[must_use = "futures do nothing unless they are polled"]
pub struct Io<F> {
    operation: F,
    stall: Stall,
}

// The closure is only ever called, never pinned.
impl<F> Unpin for Io<F> {}

impl<T, F: FnMut() -> io::Result<T>> Future for Io<F> {
    type Output = io::Result<T>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        ready!(budget::poll_left(cx));
        let Self { operation, stall } = &mut *self;
        let result = ready!(stall.poll(cx, operation));
        budget::spend();
        Poll::Ready(result)
    }
}

impl<F> fmt::Debug for Io<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Io").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;
    use crate::task::{
        Stalled,
        attempt::{STALLED_AFTER_POLLS, TRIES_IN_PLACE},
        poll,
    };

    fn drive<T>(future: &mut (impl Future<Output = T> + Unpin)) -> Poll<T> {
        Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn a_would_block_with_nobody_to_wake_ends_as_stalled() {
        let mut calls = 0;
        let mut future = io(|| -> io::Result<()> {
            calls += 1;
            Err(io::ErrorKind::WouldBlock.into())
        });
        let mut polls = 1;
        let error = loop {
            match drive(&mut future) {
                Poll::Pending => polls += 1,
                Poll::Ready(result) => break result.unwrap_err(),
            }
        };
        assert!(Stalled::is_source_of(&error));
        assert_eq!(polls, u32::from(STALLED_AFTER_POLLS));
        assert_eq!(calls, polls * TRIES_IN_PLACE);
    }

    #[test]
    fn a_registered_would_block_is_never_stalled() {
        let mut future = io(|| poll::<()>(|_| Poll::Pending));
        for _ in 0..1_000 {
            assert!(drive(&mut future).is_pending());
        }
    }

    #[test]
    fn interrupted_is_tried_again_and_never_surfaces() {
        let mut left = 2;
        let mut future = io(|| {
            if left == 0 {
                return Ok(7);
            }
            left -= 1;
            Err(io::ErrorKind::Interrupted.into())
        });
        assert!(matches!(drive(&mut future), Poll::Ready(Ok(7))));
    }
}
