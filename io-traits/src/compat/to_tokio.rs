#![allow(
    unsafe_code,
    reason = "tokio's buffer lends memory that may be uninitialised"
)]

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use ::tokio::io::ReadBuf;

use crate::{AsyncBufRead, AsyncRead, AsyncWrite, ReadCursor, async_read::believe};

/// An object of ours as one of tokio's traits.
///
/// It works on any executor, tokio's among them: what wakes is the event loop of the object.
#[derive(Debug, Clone)]
pub struct ToTokio<T> {
    object: T,
}

impl<T> ToTokio<T> {
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
impl<T> Unpin for ToTokio<T> {}

impl<T: AsyncRead> ::tokio::io::AsyncRead for ToTokio<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let object = &mut self.object;
        // Memory that is initialised already is not zeroed again.
        let polled = if buf.initialized().len() == buf.capacity() {
            ReadCursor::with_initialized(buf.initialize_unfilled(), |buf| {
                object.poll_read_into(cx, buf)
            })
        } else {
            // SAFETY: a cursor writes initialised bytes only.
            let memory = unsafe { buf.unfilled_mut() };
            ReadCursor::with(memory, |buf| object.poll_read_into(cx, buf))
        };
        let filled = ready!(believe(polled))?;
        // SAFETY: the cursor was made for this very memory, and counts initialised bytes only.
        unsafe { buf.assume_init(filled) };
        buf.advance(filled);
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncBufRead> ::tokio::io::AsyncBufRead for ToTokio<T> {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        self.get_mut().object.poll_fill_buf(cx)
    }

    fn consume(mut self: Pin<&mut Self>, n: usize) {
        self.object.consume(n);
    }
}

impl<T: AsyncWrite> ::tokio::io::AsyncWrite for ToTokio<T> {
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
