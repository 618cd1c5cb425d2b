use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use super::{read::poll_read_scratch, rounds::Rounds};
use crate::{AsyncRead, cursor::Memory, pool::CAPACITY, scratch, task::budget};

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
        let mut memory = scratch::take(CAPACITY);
        let polled = this.poll_with(cx, &mut memory);
        scratch::give_back(memory);
        polled
    }
}

impl<R: AsyncRead + ?Sized> Skip<'_, R> {
    fn poll_with(&mut self, cx: &mut Context<'_>, memory: &mut Memory) -> Poll<io::Result<()>> {
        let mut rounds = Rounds::new();
        while self.skipped < self.n {
            ready!(rounds.poll_left(cx));
            let left = usize::try_from(self.n - self.skipped).unwrap_or(usize::MAX);
            let n = ready!(poll_read_scratch(self.reader, cx, memory, left))?;
            budget::spend();
            if n == 0 {
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
            self.skipped += n as u64;
        }
        Poll::Ready(Ok(()))
    }
}
