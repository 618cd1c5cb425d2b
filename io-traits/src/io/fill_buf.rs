use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use crate::{AsyncBufRead, task::budget};

/// Waits until something is buffered; resolves to the number of bytes, 0 at the end.
///
/// The bytes themselves are in the reader: [`BufRead::fill_buf`](io::BufRead::fill_buf) on the current
/// task lends them, [`BufRead::consume`](io::BufRead::consume) takes them.
///
/// # Cancel safety
///
/// Cancel safe: what was read is in the reader.
///
/// # Errors
///
/// Those of the reader, but never `WouldBlock` nor `Interrupted`.
pub fn fill_buf<R: AsyncBufRead + ?Sized>(reader: &mut R) -> FillBuf<'_, R> {
    FillBuf { reader }
}

/// The future of [`fill_buf()`].
#[derive(Debug)]
#[must_use = "futures do nothing unless they are polled"]
pub struct FillBuf<'a, R: ?Sized> {
    reader: &'a mut R,
}

impl<R: AsyncBufRead + ?Sized> Future for FillBuf<'_, R> {
    type Output = io::Result<usize>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        ready!(budget::poll_left(cx));
        let n = ready!(self.reader.poll_fill_buf(cx))?.len();
        budget::spend();
        Poll::Ready(Ok(n))
    }
}
