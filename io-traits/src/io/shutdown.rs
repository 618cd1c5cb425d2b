use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll},
};

use crate::AsyncWrite;

/// Flushes and ends the writing side (a socket sends its FIN); resolves to `()`.
///
/// Reading stays possible.
///
/// # Cancel safety
///
/// Cancel safe: call it again to go on.
///
/// # Errors
///
/// Those of the writer, but never `WouldBlock` nor `Interrupted`.
pub fn shutdown<W: AsyncWrite + ?Sized>(writer: &mut W) -> Shutdown<'_, W> {
    Shutdown { writer }
}

/// The future of [`shutdown()`].
#[derive(Debug)]
#[must_use = "futures do nothing unless they are polled"]
pub struct Shutdown<'a, W: ?Sized> {
    writer: &'a mut W,
}

impl<W: AsyncWrite + ?Sized> Future for Shutdown<'_, W> {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.writer.poll_shutdown(cx)
    }
}
