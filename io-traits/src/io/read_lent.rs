use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use crate::{
    AsyncRead, poll_read_buf,
    pool::{self, Lent},
    task::budget,
};

/// Reads once into a buffer that is lent by the [pool](crate::pool) of this thread; resolves to it.
///
/// A future that waits holds no buffer, so that ten thousand idle connections cost none. An empty
/// buffer means the end and nothing else.
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
/// let message = io_traits::io::read_lent(&mut stream).await?;
/// assert_eq!(&message[..], b"hello");
/// assert!(io_traits::io::read_lent(&mut stream).await?.is_empty());
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
pub fn read_lent<R: AsyncRead + ?Sized>(reader: &mut R) -> ReadLent<'_, R> {
    ReadLent { reader }
}

/// Reads once into a lent buffer, with the task of `cx` as the one to wake; as [`read_lent()`].
///
/// # Errors
///
/// Those of the reader, but never `WouldBlock` nor `Interrupted`.
pub fn poll_read_lent<R: AsyncRead + ?Sized>(
    reader: &mut R,
    cx: &mut Context<'_>,
) -> Poll<io::Result<Lent>> {
    let mut buf = pool::take();
    ready!(poll_read_buf(reader, cx, &mut *buf))?;
    Poll::Ready(Ok(buf))
}

/// The future of [`read_lent()`].
#[derive(Debug)]
#[must_use = "futures do nothing unless they are polled"]
pub struct ReadLent<'a, R: ?Sized> {
    reader: &'a mut R,
}

impl<R: AsyncRead + ?Sized> Future for ReadLent<'_, R> {
    type Output = io::Result<Lent>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        ready!(budget::poll_left(cx));
        let buf = ready!(poll_read_lent(self.reader, cx))?;
        budget::spend();
        Poll::Ready(Ok(buf))
    }
}
