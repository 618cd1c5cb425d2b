#![allow(
    unsafe_code,
    reason = "tokio's buffer fills memory that may be uninitialised"
)]

use std::{
    io::{self, BufRead, IoSlice, Read, Write},
    pin::Pin,
    task::{Context, Poll, ready},
};

use ::tokio::io::ReadBuf;

use super::fan::Fan;
use crate::{AsyncBufRead, AsyncRead, AsyncWrite, ReadCursor, async_read::poll_read_slice, task};

/// An object of tokio's traits as one of ours.
///
/// An object that needs tokio's own event loop needs it here as well.
#[derive(Debug)]
pub struct FromTokio<T> {
    object: T,
    reads: Fan,
    writes: Fan,
}

impl<T> FromTokio<T> {
    /// Adapts an object.
    pub fn new(object: T) -> Self {
        Self {
            object,
            reads: Fan::new(),
            writes: Fan::new(),
        }
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

impl<T: ::tokio::io::AsyncRead + Unpin> Read for FromTokio<T> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        task::poll(|cx| poll_read_slice(self, cx, buf))
    }
}

impl<T: ::tokio::io::AsyncWrite + Unpin> Write for FromTokio<T> {
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

impl<T: ::tokio::io::AsyncBufRead + Unpin> BufRead for FromTokio<T> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        task::poll(move |cx| self.poll_fill_buf(cx))
    }

    fn consume(&mut self, n: usize) {
        Pin::new(&mut self.object).consume(n);
    }
}

impl<T: ::tokio::io::AsyncRead + Unpin> AsyncRead for FromTokio<T> {
    fn poll_read_into(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadCursor<'_>,
    ) -> Poll<io::Result<usize>> {
        let room = buf.remaining();
        if room == 0 {
            return Poll::Ready(Ok(0));
        }
        let initialized = buf.is_initialized();
        // SAFETY: a `ReadBuf` writes bytes; what could un-write them is its own unsafe methods, whose
        // callers promise not to.
        let memory = unsafe { buf.unfilled_mut() };
        let start = memory.as_ptr().cast::<u8>();
        let mut read_buf = ReadBuf::uninit(memory);
        if initialized {
            // SAFETY: the cursor says so.
            unsafe { read_buf.assume_init(room) };
        }
        let object = Pin::new(&mut self.object);
        ready!(
            self.reads
                .poll(cx, |cx| object.poll_read(cx, &mut read_buf))
        )?;
        let filled = read_buf.filled();
        let n = filled.len();
        // It was lent as `&mut`, so a reader can put another one in its place.
        if filled.as_ptr() != start || n > room {
            return Poll::Ready(Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "a reader exchanged the buffer it was given",
            )));
        }
        // SAFETY: what a `ReadBuf` counts as filled is initialised, and it is the memory of this cursor.
        unsafe { buf.assume_filled(n) };
        Poll::Ready(Ok(n))
    }
}

impl<T: ::tokio::io::AsyncBufRead + Unpin> AsyncBufRead for FromTokio<T> {
    fn poll_fill_buf(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let object = Pin::new(&mut self.object);
        self.reads.poll(cx, |cx| object.poll_fill_buf(cx))
    }
}

impl<T: ::tokio::io::AsyncWrite + Unpin> AsyncWrite for FromTokio<T> {
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
        let object = Pin::new(&mut self.object);
        self.writes
            .poll(cx, |cx| object.poll_write_vectored(cx, bufs))
    }

    fn writes_slices(&self) -> bool {
        self.object.is_write_vectored()
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let object = Pin::new(&mut self.object);
        self.writes.poll(cx, |cx| object.poll_flush(cx))
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let object = Pin::new(&mut self.object);
        self.writes.poll(cx, |cx| object.poll_shutdown(cx))
    }
}
