use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::BufMut;

use crate::{
    AsyncRead, poll_read_buf,
    pool::{self, Lent},
    task::budget,
};

/// Reads `n` bytes and drops them; resolves to `()`.
///
/// While it waits, it holds no buffer.
///
/// # Cancel safety
///
/// Not cancel safe by itself: only the future knows how much has been skipped. Whoever wants to go on
/// later keeps the future and asks [`Skip::skipped`].
///
/// # Errors
///
/// [`UnexpectedEof`](io::ErrorKind::UnexpectedEof) if the end comes first. Otherwise those of the
/// reader, but never `WouldBlock` nor `Interrupted`.
///
/// # Examples
///
/// ```
/// # futures::executor::block_on(async {
/// let mut stream: &[u8] = b"padding!data";
/// io_traits::io::skip(&mut stream, 8).await?;
/// assert_eq!(stream, b"data");
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
pub fn skip<R: AsyncRead + ?Sized>(reader: &mut R, n: u64) -> Skip<'_, R> {
    Skip {
        reader,
        n,
        skipped: 0,
    }
}

/// The future of [`skip()`].
#[derive(Debug)]
#[must_use = "futures do nothing unless they are polled"]
pub struct Skip<'a, R: ?Sized> {
    reader: &'a mut R,
    n: u64,
    skipped: u64,
}

impl<R: ?Sized> Skip<'_, R> {
    /// How many bytes have been skipped so far.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }
}

impl<R: AsyncRead + ?Sized> Future for Skip<'_, R> {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let mut buf: Option<Lent> = None;
        while this.skipped < this.n {
            ready!(budget::poll_left(cx));
            let buf = buf.get_or_insert_with(pool::take);
            buf.clear();
            let left = usize::try_from(this.n - this.skipped).unwrap_or(usize::MAX);
            let n = ready!(poll_read_buf(
                this.reader,
                cx,
                &mut (&mut **buf).limit(left)
            ))?;
            budget::spend();
            if n == 0 {
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
            this.skipped += n as u64;
        }
        Poll::Ready(Ok(()))
    }
}
