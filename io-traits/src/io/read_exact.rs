use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use super::rounds::Rounds;
use crate::{AsyncRead, async_read::poll_read_slice, task::budget};

/// Fills the whole of `buf`; resolves to `()`.
///
/// # Cancel safety
///
/// Not cancel safe by itself: what has been read is in `buf`, and only the future knows how much it
/// is. Whoever wants to go on later keeps the future and asks [`ReadExact::filled`].
///
/// # Errors
///
/// [`UnexpectedEof`](io::ErrorKind::UnexpectedEof) if the end comes before `buf` is full; what came
/// before it is in `buf`. Otherwise those of the reader, but never `WouldBlock` nor `Interrupted`.
///
/// # Examples
///
/// ```
/// # futures::executor::block_on(async {
/// let mut stream: &[u8] = b"header and body";
/// let mut header = [0; 6];
/// io_traits::io::read_exact(&mut stream, &mut header).await?;
/// assert_eq!(&header, b"header");
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
pub fn read_exact<'a, R: AsyncRead + ?Sized>(
    reader: &'a mut R,
    buf: &'a mut [u8],
) -> ReadExact<'a, R> {
    ReadExact {
        reader,
        buf,
        filled: 0,
    }
}

/// The future of [`read_exact()`].
#[derive(Debug)]
#[must_use = "futures do nothing unless they are polled"]
pub struct ReadExact<'a, R: ?Sized> {
    reader: &'a mut R,
    buf: &'a mut [u8],
    filled: usize,
}

impl<R: ?Sized> ReadExact<'_, R> {
    /// How many bytes of the buffer have been read so far.
    pub fn filled(&self) -> usize {
        self.filled
    }
}

impl<R: AsyncRead + ?Sized> Future for ReadExact<'_, R> {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self {
            reader,
            buf,
            filled,
        } = &mut *self;
        let mut rounds = Rounds::new();
        while *filled < buf.len() {
            ready!(rounds.poll_left(cx));
            let n = ready!(poll_read_slice(*reader, cx, &mut buf[*filled..]))?;
            budget::spend();
            if n == 0 {
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
            *filled += n;
        }
        Poll::Ready(Ok(()))
    }
}
