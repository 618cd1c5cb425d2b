use std::{
    fmt,
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use super::{pump::Pump, rounds::Rounds};
use crate::{AsyncRead, AsyncWrite};

/// Copies from `reader` to `writer` until the reader's end; resolves to the number of bytes copied.
///
/// What was written, here or before, is flushed before the copy waits for more, and at the end. The
/// writer is not shut down. While it waits for the reader, the copy holds no buffer. It yields to other
/// tasks after each 128 reads of up to 64 KiB.
///
/// # Cancel safety
///
/// Not cancel safe while the writer blocks: up to 64 KiB may have been read and not yet written, and
/// are dropped with the future. [`Copy::unwritten`] tells how many.
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
/// assert_eq!(io_traits::io::copy(&mut from, &mut to).await?, 5);
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
pub fn copy<'a, R, W>(reader: &'a mut R, writer: &'a mut W) -> Copy<'a, R, W>
where
    R: AsyncRead + ?Sized,
    W: AsyncWrite + ?Sized,
{
    Copy {
        reader,
        writer,
        pump: Pump::new(),
    }
}

/// The future of [`copy()`].
#[must_use = "futures do nothing unless they are polled"]
pub struct Copy<'a, R: ?Sized, W: ?Sized> {
    reader: &'a mut R,
    writer: &'a mut W,
    pump: Pump,
}

impl<R: ?Sized, W: ?Sized> Copy<'_, R, W> {
    /// How many bytes have been written so far.
    pub fn copied(&self) -> u64 {
        self.pump.copied()
    }

    /// How many bytes have been read and not yet written.
    pub fn unwritten(&self) -> usize {
        self.pump.unwritten()
    }
}

impl<R: AsyncRead + ?Sized, W: AsyncWrite + ?Sized> Future for Copy<'_, R, W> {
    type Output = io::Result<u64>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let mut rounds = Rounds::new();
        ready!(this.pump.poll(cx, &mut rounds, this.reader, this.writer))?;
        Poll::Ready(Ok(this.pump.copied()))
    }
}

impl<R: ?Sized, W: ?Sized> fmt::Debug for Copy<'_, R, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Copy")
            .field("copied", &self.copied())
            .field("unwritten", &self.unwritten())
            .finish_non_exhaustive()
    }
}
