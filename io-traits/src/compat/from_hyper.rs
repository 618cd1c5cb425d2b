#![allow(
    unsafe_code,
    reason = "hyper's buffer fills memory that may be uninitialised"
)]

use std::{
    io::{self, IoSlice, Read, Write},
    pin::Pin,
    task::{Context, Poll, ready},
};

use ::hyper::rt::ReadBuf;

use super::fan::Fan;
use crate::{AsyncRead, AsyncWrite, ReadCursor, async_read::poll_read_slice, task};

/// An object of hyper's traits, such as an upgraded connection, as one of ours.
#[derive(Debug)]
pub struct FromHyper<T> {
    object: T,
    reads: Fan,
    writes: Fan,
}

impl<T> FromHyper<T> {
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

impl<T: ::hyper::rt::Read + Unpin> Read for FromHyper<T> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        task::poll(|cx| poll_read_slice(self, cx, buf))
    }
}

impl<T: ::hyper::rt::Write + Unpin> Write for FromHyper<T> {
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

impl<T: ::hyper::rt::Read + Unpin> AsyncRead for FromHyper<T> {
    fn poll_read_into(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadCursor<'_>,
    ) -> Poll<io::Result<usize>> {
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(0));
        }
        // SAFETY: hyper's buffer writes bytes; what could un-write them is its own unsafe methods, whose
        // callers promise not to.
        let mut read_buf = ReadBuf::uninit(unsafe { buf.unfilled_mut() });
        let object = Pin::new(&mut self.object);
        ready!(
            self.reads
                .poll(cx, |cx| object.poll_read(cx, read_buf.unfilled()))
        )?;
        let n = read_buf.filled().len();
        // SAFETY: what hyper's buffer counts as filled is initialised, and it is lent by value, so that
        // it is the memory of this cursor.
        unsafe { buf.assume_filled(n) };
        Poll::Ready(Ok(n))
    }
}

impl<T: ::hyper::rt::Write + Unpin> AsyncWrite for FromHyper<T> {
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
