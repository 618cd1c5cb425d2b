use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll},
};

use crate::AsyncWrite;

/// Hands everything written so far on to where it goes; resolves to `()`.
///
/// # Cancel safety
///
/// Cancel safe: what has not been handed on yet stays with the writer.
///
/// # Errors
///
/// Those of the writer, but never `WouldBlock` nor `Interrupted`.
pub fn flush<W: AsyncWrite + ?Sized>(writer: &mut W) -> Flush<'_, W> {
    Flush { writer }
}

/// The future of [`flush()`].
#[derive(Debug)]
#[must_use = "futures do nothing unless they are polled"]
pub struct Flush<'a, W: ?Sized> {
    writer: &'a mut W,
}

impl<W: AsyncWrite + ?Sized> Future for Flush<'_, W> {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.writer.poll_flush(cx)
    }
}
