//! std's adapters, over objects that keep the two promises.
//!
//! Where std lets us at the inner object, its fast path is kept. `Chain` does not tell which of its two
//! objects is being read, so it reads through plain `read`; [`crate::Chain`] has no such need.

use std::{
    io::{self, BufRead, BufReader, BufWriter},
    task::{Context, Poll, ready},
};

use crate::{AsyncBufRead, AsyncRead, AsyncWrite, ReadCursor};

impl<R: AsyncRead> AsyncRead for io::Take<R> {
    fn poll_read_into(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadCursor<'_>,
    ) -> Poll<io::Result<usize>> {
        // At the limit it is not asked: it could wait, or fail, where the end is known.
        let limit = usize::try_from(self.limit()).unwrap_or(usize::MAX);
        if limit == 0 {
            return Poll::Ready(Ok(0));
        }
        let (polled, filled) = buf.limited(limit, |buf| self.get_mut().poll_read_into(cx, buf));
        self.set_limit(self.limit() - filled as u64);
        polled
    }
}

impl<R: AsyncBufRead> AsyncBufRead for io::Take<R> {}

impl<R: AsyncRead, S: AsyncRead> AsyncRead for io::Chain<R, S> {}
impl<R: AsyncBufRead, S: AsyncBufRead> AsyncBufRead for io::Chain<R, S> {}

impl<R: AsyncRead> AsyncRead for BufReader<R> {
    fn poll_read_into(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadCursor<'_>,
    ) -> Poll<io::Result<usize>> {
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(0));
        }
        // A read that would empty the buffer anyway needs none.
        if self.buffer().is_empty() && buf.remaining() >= self.capacity() {
            return self.get_mut().poll_read_into(cx, buf);
        }
        let n = buf.append(ready!(self.poll_fill_buf(cx))?);
        self.consume(n);
        Poll::Ready(Ok(n))
    }
}

impl<R: AsyncRead> AsyncBufRead for BufReader<R> {}

/// A `BufWriter` flushes when it is dropped. Outside of a task that cannot wait, and what does not go
/// out at once is lost: flush it first.
impl<W: AsyncWrite> AsyncWrite for BufWriter<W> {
    fn writes_slices(&self) -> bool {
        true
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_flush(cx))?;
        self.get_mut().poll_shutdown(cx)
    }
}
