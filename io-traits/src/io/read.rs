use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use crate::{
    AsyncRead,
    async_read::{believe, poll_read_slice},
    cursor::Memory,
    task::budget,
};

/// Reads once into `buf`; resolves to the number of bytes read.
///
/// `Ok(0)` means the end, or that `buf` is empty, which is answered without a wait.
///
/// # Cancel safety
///
/// Cancel safe: a future that was dropped before it was ready has read nothing.
///
/// # Errors
///
/// Those of the reader, but never `WouldBlock` nor `Interrupted`.
///
/// # Examples
///
/// ```
/// # futures::executor::block_on(async {
/// let mut stream: &[u8] = b"hello";
/// let mut buf = [0; 3];
/// assert_eq!(io_traits::io::read(&mut stream, &mut buf).await?, 3);
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
pub fn read<'a, R: AsyncRead + ?Sized>(reader: &'a mut R, buf: &'a mut [u8]) -> Read<'a, R> {
    Read { reader, buf }
}

/// The future of [`read()`].
#[derive(Debug)]
#[must_use = "futures do nothing unless they are polled"]
pub struct Read<'a, R: ?Sized> {
    reader: &'a mut R,
    buf: &'a mut [u8],
}

impl<R: AsyncRead + ?Sized> Future for Read<'_, R> {
    type Output = io::Result<usize>;

    // Always: a call of its own would be a tenth of the instructions of an echo (`make count`).
    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { reader, buf } = &mut *self;
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        ready!(budget::poll_left(cx));
        let n = ready!(poll_read_slice(*reader, cx, buf))?;
        budget::spend();
        Poll::Ready(Ok(n))
    }
}

/// Reads at most `limit` bytes to the front of scratch memory, believing the cursor and not the reader.
#[inline]
pub(super) fn poll_read_scratch<R: AsyncRead + ?Sized>(
    reader: &mut R,
    cx: &mut Context<'_>,
    memory: &mut Memory,
    limit: usize,
) -> Poll<io::Result<usize>> {
    believe(memory.lend(limit, |cursor| reader.poll_read_into(cx, cursor)))
}
