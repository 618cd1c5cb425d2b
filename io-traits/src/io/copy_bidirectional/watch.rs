use std::{
    io,
    task::{Context, Poll},
};

use super::Way;

/// Looks on at a [`copy_bidirectional`](super::copy_bidirectional()): for counters, an idle timeout, and
/// how long one way may linger after the other has ended.
///
/// Every method has an empty default. This crate knows no time, so the timer comes from outside.
///
/// # Examples
///
/// An idle timeout: a timer, of which only a part is shown, that starts anew with each byte carried.
///
/// ```
/// use std::{io, pin::Pin, task::{Context, Poll}, time::Duration};
/// use io_traits::io::{Watch, Way};
///
/// struct Idle<T> { timer: Pin<Box<T>>, start: fn(Duration) -> T }
///
/// impl<T: Future> Watch for Idle<T> {
///     fn carried(&mut self, _: Way, _: usize) {
///         self.timer.set((self.start)(Duration::from_secs(30)));
///     }
///
///     fn poll_stop(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
///         self.timer.as_mut().poll(cx).map(|_| Err(io::ErrorKind::TimedOut.into()))
///     }
/// }
/// ```
pub trait Watch {
    /// Some bytes have been written to where `way` leads; `bytes` is more than 0.
    fn carried(&mut self, way: Way, bytes: usize) {
        let _ = (way, bytes);
    }

    /// The reader of `way` has ended, and everything from it has been written.
    ///
    /// A watch that starts a timer at the first call lets the other way linger that long.
    fn ended(&mut self, way: Way) {
        let _ = way;
    }

    /// Asked at every poll, before the copy parks; it is to wake the task when its answer may change.
    ///
    /// `Ready(Ok(()))` ends the copy as [stopped](super::Carried::stopped).
    ///
    /// # Errors
    ///
    /// An error ends the copy with it.
    fn poll_stop(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let _ = cx;
        Poll::Pending
    }
}

/// Nobody looks on.
impl Watch for () {}
