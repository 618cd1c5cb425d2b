use std::{
    fmt,
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use super::rounds::Rounds;
use crate::{AsyncBufRead, AsyncWrite, async_write::checked, task::budget};

/// Copies from a reader that buffers, without a buffer of its own, until the reader's end; resolves to
/// the number of bytes copied.
///
/// As [`copy`](super::copy()) it flushes before it waits for more and at the end, and does not shut the
/// writer down. It yields to other tasks after each 128 writes.
///
/// # Cancel safety
///
/// Cancel safe: what has not been written is still in the reader. [`CopyBuf::copied`] tells how much
/// has been.
///
/// # Errors
///
/// [`WriteZero`](io::ErrorKind::WriteZero) if the writer takes no more bytes. Otherwise those of the
/// reader and the writer, but never `WouldBlock` nor `Interrupted`.
///
/// # Examples
///
/// ```
/// # futures::executor::block_on(async {
/// let mut from: &[u8] = b"hello";
/// let mut to = Vec::new();
/// assert_eq!(io_traits::io::copy_buf(&mut from, &mut to).await?, 5);
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
pub fn copy_buf<'a, R, W>(reader: &'a mut R, writer: &'a mut W) -> CopyBuf<'a, R, W>
where
    R: AsyncBufRead + ?Sized,
    W: AsyncWrite + ?Sized,
{
    CopyBuf {
        reader,
        writer,
        copied: 0,
        dirty: true,
    }
}

/// The future of [`copy_buf()`].
#[must_use = "futures do nothing unless they are polled"]
pub struct CopyBuf<'a, R: ?Sized, W: ?Sized> {
    reader: &'a mut R,
    writer: &'a mut W,
    copied: u64,
    /// Something may have been written since the last flush; at the beginning by somebody else.
    dirty: bool,
}

impl<R: ?Sized, W: ?Sized> CopyBuf<'_, R, W> {
    /// How many bytes have been written so far.
    pub fn copied(&self) -> u64 {
        self.copied
    }
}

impl<R: AsyncBufRead + ?Sized, W: AsyncWrite + ?Sized> Future for CopyBuf<'_, R, W> {
    type Output = io::Result<u64>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let mut rounds = Rounds::new();
        loop {
            ready!(rounds.poll_left(cx));
            let Poll::Ready(there) = this.reader.poll_fill_buf(cx)? else {
                // Flush before parking: what the peer waits for must not wait for the peer.
                if this.dirty && this.writer.poll_flush(cx)?.is_ready() {
                    this.dirty = false;
                }
                return Poll::Pending;
            };
            if there.is_empty() {
                ready!(this.writer.poll_flush(cx))?;
                return Poll::Ready(Ok(this.copied));
            }
            let n = checked(ready!(this.writer.poll_write_from(cx, there))?, there.len())?;
            if n == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            this.reader.consume(n);
            budget::spend();
            this.copied += n as u64;
            this.dirty = true;
        }
    }
}

impl<R: ?Sized, W: ?Sized> fmt::Debug for CopyBuf<'_, R, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CopyBuf")
            .field("copied", &self.copied)
            .finish_non_exhaustive()
    }
}
