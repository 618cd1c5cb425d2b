#![allow(
    unsafe_code,
    reason = "hyper's cursor offers only an unsafe way to fill it in place"
)]

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use ::hyper::rt::ReadBufCursor;

use crate::{AsyncRead, AsyncWrite, ReadCursor, async_read::believe};

/// An object of ours as one of hyper's traits.
#[derive(Debug, Clone)]
pub struct ToHyper<T> {
    object: T,
}

impl<T> ToHyper<T> {
    /// Adapts an object.
    pub fn new(object: T) -> Self {
        Self { object }
    }

    /// The object.
    pub fn get_ref(&self) -> &T {
        &self.object
    }

    /// The object.
    pub fn get_mut(&mut self) -> &mut T {
        &mut self.object
    }

    /// Gives the object back.
    pub fn into_inner(self) -> T {
        self.object
    }
}

// Our traits know no pinning: the object is only ever used through `&mut`.
impl<T> Unpin for ToHyper<T> {}

impl<T: AsyncRead> ::hyper::rt::Read for ToHyper<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        // SAFETY: no initialised byte may be made uninitialised; a cursor writes initialised bytes only.
        let memory = unsafe { buf.as_mut() };
        let polled = ReadCursor::with(memory, |buf| self.object.poll_read_into(cx, buf));
        let filled = ready!(believe(polled))?;
        // SAFETY: the cursor was made for this very memory, and counts initialised bytes only.
        unsafe { buf.advance(filled) };
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite> ::hyper::rt::Write for ToHyper<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.object.poll_write_from(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.object.poll_write_slices(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.object.writes_slices()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.object.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.object.poll_shutdown(cx)
    }
}
