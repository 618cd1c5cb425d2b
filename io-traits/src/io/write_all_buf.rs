use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Buf;

use super::rounds::Rounds;
use crate::{AsyncWrite, poll_write_buf, task::budget};

/// Writes the whole of `buf`, which is advanced by what was written; resolves to `()`. It does not flush.
///
/// Several chunks are written with one vectored write where the writer can.
///
/// # Cancel safety
///
/// Cancel safe: `buf` holds what has not been written. A new call goes on.
///
/// # Errors
///
/// [`WriteZero`](io::ErrorKind::WriteZero) if the writer takes no more bytes. Otherwise those of the
/// writer, but never `WouldBlock` nor `Interrupted`.
///
/// # Examples
///
/// ```
/// use bytes::{Buf, Bytes};
///
/// # futures::executor::block_on(async {
/// let mut stream = Vec::new();
/// let mut message = Bytes::from("head ").chain(Bytes::from("body"));
/// io_traits::io::write_all_buf(&mut stream, &mut message).await?;
/// assert_eq!(stream, b"head body");
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
pub fn write_all_buf<'a, W, B>(writer: &'a mut W, buf: &'a mut B) -> WriteAllBuf<'a, W, B>
where
    W: AsyncWrite + ?Sized,
    B: Buf + ?Sized,
{
    WriteAllBuf { writer, buf }
}

/// The future of [`write_all_buf()`].
#[derive(Debug)]
#[must_use = "futures do nothing unless they are polled"]
pub struct WriteAllBuf<'a, W: ?Sized, B: ?Sized> {
    writer: &'a mut W,
    buf: &'a mut B,
}

impl<W: AsyncWrite + ?Sized, B: Buf + ?Sized> Future for WriteAllBuf<'_, W, B> {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { writer, buf } = &mut *self;
        let mut rounds = Rounds::new();
        while buf.has_remaining() {
            ready!(rounds.poll_left(cx));
            let n = ready!(poll_write_buf(*writer, cx, *buf))?;
            budget::spend();
            if n == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
        }
        Poll::Ready(Ok(()))
    }
}
