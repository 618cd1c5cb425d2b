use std::{
    io::{self, IoSlice, Write},
    task::{Context, Poll},
};

use crate::task;

/// A [`Write`] that never blocks and that schedules the current task when it would.
///
/// For a type whose `write` and `flush` keep the two promises of this crate, `impl AsyncWrite for X {}`
/// is complete. The trait is object safe; the generic operations over it
/// ([`write_buf`](crate::write_buf), [`io`](crate::io)) are free functions and take `?Sized` writers.
///
/// Do not use `Write`'s own provided methods on such a type: `write_all` and `write_fmt` lose track of
/// what they have written when a `WouldBlock` comes. [`io::write_all`](crate::io::write_all()) does not.
///
/// # Implementer notes
///
/// * `write` returns at once with the number of bytes taken. `Ok(0)` for a non-empty buffer means that
///   no byte will ever be taken again; callers make a [`WriteZero`](io::ErrorKind::WriteZero) of it.
/// * After `WouldBlock` the current task is woken when the operation may make progress, in whichever
///   direction it was that blocked.
/// * A type with an own `write_vectored` says so in [`writes_slices`](Self::writes_slices). The method
///   has that name because std's unstable `is_write_vectored` would collide with its better-known one.
/// * A wrapper forwards every method, or the wrapped object loses its fast path.
pub trait AsyncWrite: Write {
    /// Writes from `buf`, with the task of `cx` as the one to wake; returns the number of bytes taken.
    ///
    /// # Errors
    ///
    /// Those of `write`, but never `WouldBlock` nor `Interrupted`.
    fn poll_write_from(&mut self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        task::poll_io(cx, || checked(self.write(buf)?, buf.len()))
    }

    /// Writes from several buffers in turn; returns the number of bytes taken.
    ///
    /// Without an own `write_vectored` of the type, only the first non-empty buffer is written from.
    ///
    /// # Errors
    ///
    /// As [`poll_write_from`](Self::poll_write_from).
    fn poll_write_slices(
        &mut self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        task::poll_io(cx, || checked(self.write_vectored(bufs)?, total(bufs)))
    }

    /// Whether [`poll_write_slices`](Self::poll_write_slices) takes from more than the first buffer.
    fn writes_slices(&self) -> bool {
        false
    }

    /// Hands everything written so far on to where it goes.
    ///
    /// # Errors
    ///
    /// Those of `flush`, but never `WouldBlock` nor `Interrupted`.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        task::poll_io(cx, || self.flush())
    }

    /// Flushes, then ends the writing side: a socket tells its peer that no byte will follow.
    ///
    /// Reading stays possible. The provided method only flushes, which is right for a type that has
    /// nobody to tell.
    ///
    /// # Errors
    ///
    /// Those of `flush`, but never `WouldBlock` nor `Interrupted`.
    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}

/// How many bytes there are in several slices; they may be the same ones, so that they add up to anything.
#[inline]
pub(crate) fn total(bufs: &[IoSlice<'_>]) -> usize {
    bufs.iter()
        .fold(0, |total, buf| total.saturating_add(buf.len()))
}

/// A writer that claims to have taken more than it was given would make callers skip bytes.
#[inline]
pub(crate) fn checked(taken: usize, given: usize) -> io::Result<usize> {
    if taken > given {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "a writer reported more bytes than it was given",
        ));
    }
    Ok(taken)
}
