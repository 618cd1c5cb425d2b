use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::BufMut;

use super::{TooLong, rounds::Rounds};
use crate::{AsyncRead, poll_read_buf, task::budget};

/// Appends everything up to the reader's end to `buf`, but at most `limit` bytes; resolves to the
/// number of bytes read.
///
/// There is always a limit: a peer that never ends must not fill the memory.
///
/// # Cancel safety
///
/// Cancel safe: what was read is in `buf`. A new call goes on, with a limit of its own.
///
/// # Errors
///
/// One with the source [`TooLong`] if there is more than `limit` bytes; `buf` then has those and one
/// more. Otherwise those of the reader, but never `WouldBlock` nor `Interrupted`.
///
/// # Examples
///
/// ```
/// # futures::executor::block_on(async {
/// let mut stream: &[u8] = b"hello";
/// let mut all = Vec::new();
/// assert_eq!(io_traits::io::read_to_end(&mut stream, &mut all, 1024).await?, 5);
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
pub fn read_to_end<'a, R: AsyncRead + ?Sized>(
    reader: &'a mut R,
    buf: &'a mut Vec<u8>,
    limit: usize,
) -> ReadToEnd<'a, R> {
    ReadToEnd {
        reader,
        buf,
        limit,
        read: 0,
    }
}

/// The future of [`read_to_end()`].
#[derive(Debug)]
#[must_use = "futures do nothing unless they are polled"]
pub struct ReadToEnd<'a, R: ?Sized> {
    reader: &'a mut R,
    buf: &'a mut Vec<u8>,
    limit: usize,
    read: usize,
}

impl<R: ?Sized> ReadToEnd<'_, R> {
    /// How many bytes have been appended so far.
    pub fn appended(&self) -> usize {
        self.read
    }
}

impl<R: AsyncRead + ?Sized> Future for ReadToEnd<'_, R> {
    type Output = io::Result<usize>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let mut rounds = Rounds::new();
        while this.read <= this.limit {
            ready!(rounds.poll_left(cx));
            if this.buf.len() == this.buf.capacity() {
                // Doubles what is there; the limit is no reason to reserve on the peer's word.
                this.buf.reserve(SMALLEST_ROOM);
            }
            // One byte beyond the limit tells too much from just enough.
            let room = (this.limit - this.read).saturating_add(1);
            let n = ready!(poll_read_buf(this.reader, cx, &mut this.buf.limit(room)))?;
            budget::spend();
            if n == 0 {
                return Poll::Ready(Ok(this.read));
            }
            this.read += n;
        }
        Poll::Ready(Err(TooLong::new(this.limit).into()))
    }
}

const SMALLEST_ROOM: usize = 64;
