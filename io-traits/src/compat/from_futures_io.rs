use std::{
    io::{self, BufRead, IoSlice, Read, Write},
    pin::Pin,
    task::{Context, Poll},
};

use super::fan::Fan;
use crate::{AsyncBufRead, AsyncRead, AsyncWrite, ReadCursor, async_read::poll_read_slice, task};

/// An object of the `futures-io` traits as one of ours.
///
/// Those traits read into initialised memory only, so into memory that is not they read by way of some
/// that is ([`ReadCursor::fill_with`]). They do not tell whether an object writes from several slices at
/// once; who knows says so with [`takes_slices`](Self::takes_slices).
///
/// Shutting it down is the object's `poll_close`. Some only flush there, such as `Async` of async-io; the
/// peer of such a one does not learn of the end before it is dropped.
#[derive(Debug)]
pub struct FromFuturesIo<T> {
    object: T,
    reads: Fan,
    writes: Fan,
    slices: Slices,
}

/// Whether the object is known to write from several slices at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slices {
    Unknown,
    Taken,
}

impl<T> FromFuturesIo<T> {
    /// Adapts an object.
    pub fn new(object: T) -> Self {
        Self {
            object,
            reads: Fan::new(),
            writes: Fan::new(),
            slices: Slices::Unknown,
        }
    }

    /// Says that the object's `poll_write_vectored` writes from several slices at once.
    pub fn takes_slices(mut self) -> Self {
        self.slices = Slices::Taken;
        self
    }

    /// The object.
    pub fn get_ref(&self) -> &T {
        &self.object
    }

    /// The object. A task that is made to wait past the adapter takes the place of those that wait
    /// through it.
    pub fn get_mut(&mut self) -> &mut T {
        &mut self.object
    }

    /// Gives the object back. Whoever waits through the adapter is not woken any more.
    pub fn into_inner(self) -> T {
        self.object
    }
}

impl<T: futures_io::AsyncRead + Unpin> Read for FromFuturesIo<T> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        task::poll(|cx| poll_read_slice(self, cx, buf))
    }
}

impl<T: futures_io::AsyncWrite + Unpin> Write for FromFuturesIo<T> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        task::poll(|cx| self.poll_write_from(cx, buf))
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        task::poll(|cx| self.poll_write_slices(cx, bufs))
    }

    fn flush(&mut self) -> io::Result<()> {
        task::poll(|cx| self.poll_flush(cx))
    }
}

impl<T: futures_io::AsyncBufRead + Unpin> BufRead for FromFuturesIo<T> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        task::poll(move |cx| self.poll_fill_buf(cx))
    }

    fn consume(&mut self, n: usize) {
        Pin::new(&mut self.object).consume(n);
    }
}

impl<T: futures_io::AsyncRead + Unpin> AsyncRead for FromFuturesIo<T> {
    fn poll_read_into(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadCursor<'_>,
    ) -> Poll<io::Result<usize>> {
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(0));
        }
        let object = Pin::new(&mut self.object);
        let reads = &self.reads;
        buf.lend(
            |memory| reads.poll(cx, |cx| object.poll_read(cx, memory)),
            |polled| match polled {
                Poll::Ready(Ok(n)) => Some(*n),
                Poll::Ready(Err(_)) | Poll::Pending => None,
            },
        )?
    }
}

impl<T: futures_io::AsyncBufRead + Unpin> AsyncBufRead for FromFuturesIo<T> {
    fn poll_fill_buf(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let object = Pin::new(&mut self.object);
        self.reads.poll(cx, |cx| object.poll_fill_buf(cx))
    }
}

impl<T: futures_io::AsyncWrite + Unpin> AsyncWrite for FromFuturesIo<T> {
    fn poll_write_from(&mut self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        // What the others do with nothing is not said everywhere.
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let object = Pin::new(&mut self.object);
        self.writes.poll(cx, |cx| object.poll_write(cx, buf))
    }

    fn poll_write_slices(
        &mut self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if bufs.iter().all(|buf| buf.is_empty()) {
            return Poll::Ready(Ok(0));
        }
        match self.slices {
            Slices::Taken => {
                let object = Pin::new(&mut self.object);
                self.writes
                    .poll(cx, |cx| object.poll_write_vectored(cx, bufs))
            }
            Slices::Unknown => {
                let first = bufs.iter().find(|buf| !buf.is_empty());
                self.poll_write_from(cx, first.map_or(&[], |first| &**first))
            }
        }
    }

    fn writes_slices(&self) -> bool {
        self.slices == Slices::Taken
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let object = Pin::new(&mut self.object);
        self.writes.poll(cx, |cx| object.poll_flush(cx))
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let object = Pin::new(&mut self.object);
        self.writes.poll(cx, |cx| object.poll_close(cx))
    }
}
