use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use crate::{AsyncWrite, async_write::checked, task::budget};

/// Writes once from `buf`; resolves to the number of bytes taken, which may be fewer than there are.
///
/// An empty `buf` is answered with `Ok(0)`, without a wait.
///
/// # Cancel safety
///
/// Cancel safe: a future that was dropped before it was ready has written nothing.
///
/// # Errors
///
/// Those of the writer, but never `WouldBlock` nor `Interrupted`.
///
/// # Examples
///
/// ```
/// # futures::executor::block_on(async {
/// let mut stream = Vec::new();
/// assert_eq!(io_traits::io::write(&mut stream, b"hello").await?, 5);
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
pub fn write<'a, W: AsyncWrite + ?Sized>(writer: &'a mut W, buf: &'a [u8]) -> Write<'a, W> {
    Write { writer, buf }
}

/// The future of [`write()`].
#[derive(Debug)]
#[must_use = "futures do nothing unless they are polled"]
pub struct Write<'a, W: ?Sized> {
    writer: &'a mut W,
    buf: &'a [u8],
}

impl<W: AsyncWrite + ?Sized> Future for Write<'_, W> {
    type Output = io::Result<usize>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let buf = self.buf;
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        ready!(budget::poll_left(cx));
        let n = checked(ready!(self.writer.poll_write_from(cx, buf))?, buf.len())?;
        budget::spend();
        Poll::Ready(Ok(n))
    }
}
