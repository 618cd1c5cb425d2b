use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::BufMut;

use crate::{AsyncRead, poll_read_buf, task::budget};

/// Reads once into the free part of `buf`, which is advanced; resolves to the number of bytes read.
///
/// `Ok(0)` means the end and nothing else.
///
/// # Cancel safety
///
/// Cancel safe: a future that was dropped before it was ready has read nothing.
///
/// # Errors
///
/// [`InvalidInput`](io::ErrorKind::InvalidInput) if `buf` is full. Otherwise those of the reader, but
/// never `WouldBlock` nor `Interrupted`.
///
/// # Examples
///
/// ```
/// # futures::executor::block_on(async {
/// let mut stream: &[u8] = b"hello";
/// let mut buf = bytes::BytesMut::new();
/// assert_eq!(io_traits::io::read_buf(&mut stream, &mut buf).await?, 5);
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
pub fn read_buf<'a, R, B>(reader: &'a mut R, buf: &'a mut B) -> ReadBuf<'a, R, B>
where
    R: AsyncRead + ?Sized,
    B: BufMut + ?Sized,
{
    ReadBuf { reader, buf }
}

/// The future of [`read_buf()`].
#[derive(Debug)]
#[must_use = "futures do nothing unless they are polled"]
pub struct ReadBuf<'a, R: ?Sized, B: ?Sized> {
    reader: &'a mut R,
    buf: &'a mut B,
}

impl<R: AsyncRead + ?Sized, B: BufMut + ?Sized> Future for ReadBuf<'_, R, B> {
    type Output = io::Result<usize>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        ready!(budget::poll_left(cx));
        let Self { reader, buf } = &mut *self;
        let n = ready!(poll_read_buf(*reader, cx, *buf))?;
        budget::spend();
        Poll::Ready(Ok(n))
    }
}
