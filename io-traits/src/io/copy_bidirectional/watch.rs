use std::{
    io,
    task::{Context, Poll},
};

use super::Way;

/// Looks on at a [`copy_bidirectional`](super::copy_bidirectional()): for counters, and to end it.
///
/// Every method has an empty default. Limits in time are there already:
/// [`linger`](super::CopyBidirectional::linger) and [`idle_limit`](super::CopyBidirectional::idle_limit).
///
/// # Examples
///
/// A limit to what is carried, whoever sends it:
///
/// ```
/// use std::{io, task::{Context, Poll}};
/// use io_traits::io::{Watch, Way};
///
/// struct Quota { left: usize }
///
/// impl Watch for Quota {
///     fn carried(&mut self, _: Way, bytes: usize) {
///         self.left = self.left.saturating_sub(bytes);
///     }
///
///     fn poll_stop(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
///         match self.left {
///             0 => Poll::Ready(Err(io::ErrorKind::QuotaExceeded.into())),
///             _ => Poll::Pending, // asked again at every poll that has carried something
///         }
///     }
/// }
/// ```
pub trait Watch {
    /// Some bytes have been written to where `way` leads; `bytes` is more than 0.
    fn carried(&mut self, way: Way, bytes: usize) {
        let _ = (way, bytes);
    }

    /// The reader of `way` has ended, and everything from it has been written.
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
