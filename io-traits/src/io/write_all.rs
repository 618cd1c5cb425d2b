use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use super::rounds::Rounds;
use crate::{AsyncWrite, async_write::checked, task::budget};

/// Writes the whole of `buf`; resolves to `()`. It does not flush.
///
/// # Cancel safety
///
/// Not cancel safe by itself: only the future knows how much has been written. Whoever wants to go on
/// later keeps the future and asks [`WriteAll::written`].
///
/// # Errors
///
/// [`WriteZero`](io::ErrorKind::WriteZero) if the writer takes no more bytes. Otherwise those of the
/// writer, but never `WouldBlock` nor `Interrupted`.
///
/// # Examples
///
/// ```
/// # futures::executor::block_on(async {
/// let mut stream = Vec::new();
/// io_traits::io::write_all(&mut stream, b"hello").await?;
/// assert_eq!(stream, b"hello");
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
pub fn write_all<'a, W: AsyncWrite + ?Sized>(writer: &'a mut W, buf: &'a [u8]) -> WriteAll<'a, W> {
    WriteAll {
        writer,
        buf,
        written: 0,
    }
}

/// The future of [`write_all()`].
#[derive(Debug)]
#[must_use = "futures do nothing unless they are polled"]
pub struct WriteAll<'a, W: ?Sized> {
    writer: &'a mut W,
    buf: &'a [u8],
    written: usize,
}

impl<W: ?Sized> WriteAll<'_, W> {
    /// How many bytes of the buffer have been written so far.
    pub fn written(&self) -> usize {
        self.written
    }
}

impl<W: AsyncWrite + ?Sized> Future for WriteAll<'_, W> {
    type Output = io::Result<()>;

    // Always: a call of its own would be a tenth of the instructions of an echo (`make count`).
    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self {
            writer,
            buf,
            written,
        } = &mut *self;
        let mut rounds = Rounds::new();
        while *written < buf.len() {
            ready!(rounds.poll_left(cx));
            let rest = &buf[*written..];
            let n = checked(ready!(writer.poll_write_from(cx, rest))?, rest.len())?;
            budget::spend();
            if n == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            *written += n;
        }
        Poll::Ready(Ok(()))
    }
}
