use std::{
    io::{self, BufRead},
    task::{Context, Poll, ready},
};

use crate::{AsyncRead, task};

/// A [`BufRead`] that never blocks and that schedules the current task when it would.
///
/// What reads up to a delimiter needs to look before it takes: [`read_until`](crate::io::read_until()),
/// [`lines`](crate::io::lines()) and [`copy_buf`](crate::io::copy_buf()) ask for this trait. Bytes are taken with
/// [`BufRead::consume`], which never waits.
///
/// For a type whose `fill_buf` keeps the two promises of this crate, `impl AsyncBufRead for X {}` is
/// complete.
///
/// # Implementer notes
///
/// * `fill_buf` answers an empty slice at the end and there alone. Called again before anything was
///   consumed, it gives the same bytes or more, and does not wait.
/// * A wrapper forwards `poll_fill_buf`, or the wrapped object loses its fast path.
pub trait AsyncBufRead: AsyncRead + BufRead {
    /// Lends what is buffered, after reading if that is nothing; the task of `cx` is the one to wake.
    ///
    /// The provided method calls `fill_buf` twice: a slice that was lent inside of a closure cannot
    /// leave it.
    ///
    /// # Errors
    ///
    /// Those of `fill_buf`, but never `WouldBlock` nor `Interrupted`.
    fn poll_fill_buf(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let filled = ready!(task::poll_io(cx, || Ok(self.fill_buf()?.len())))?;
        if filled == 0 {
            return Poll::Ready(Ok(&[]));
        }
        match task::enter(cx, || self.fill_buf()) {
            // Not what it promised a moment ago; but nobody shall hang for it, nor see what it is.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
                ) =>
            {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            result => Poll::Ready(result),
        }
    }
}
