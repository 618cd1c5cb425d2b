use std::{
    io::{self, Read},
    task::{Context, Poll},
};

use crate::{ReadCursor, task};

/// A [`Read`] that never blocks and that schedules the current task when it would.
///
/// Implementing it is a promise, not work: for a type whose `read` keeps the two promises of this
/// crate, `impl AsyncRead for X {}` is complete. The trait is object safe; the generic operations over
/// it ([`read_buf`](crate::read_buf), [`io`](crate::io)) are free functions and take `?Sized` readers.
///
/// Do not use `Read`'s own provided methods on such a type: `read_exact` and `read_to_string` lose
/// what they have read when a `WouldBlock` comes. The functions of [`crate::io`] do not.
///
/// # Implementer notes
///
/// * `read` returns at once. `Ok(0)` for a non-empty buffer means the end and nothing else; for an
///   empty one it is returned at once, without a wait.
/// * After `WouldBlock` the current task is woken when a read may make progress. Objects of `reactor`
///   and `net` do that by themselves; a type of another making goes through
///   [`task::poll`](crate::task::poll).
/// * `read` only writes into the buffer, and returns the number of bytes it wrote. A number larger than the
///   buffer is an error of the operation, never undefined behaviour. One that is larger than what was
///   written hands out whatever was in the buffer: what the caller had put there, zeros, or what another
///   reader wrote on this thread and did not report.
/// * A wrapper forwards `poll_read_into`, or the wrapped object loses its fast path.
///
/// # Examples
///
/// ```
/// use std::io::{self, Read};
/// use io_traits::AsyncRead;
///
/// /// Turns every byte to upper case on its way.
/// struct Upper<R>(R);
///
/// impl<R: Read> Read for Upper<R> {
///     fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
///         let n = self.0.read(buf)?; // a `WouldBlock` passes through, registered below
///         buf[..n].make_ascii_uppercase();
///         Ok(n)
///     }
/// }
///
/// impl<R: AsyncRead> AsyncRead for Upper<R> {}
/// ```
pub trait AsyncRead: Read {
    /// Reads into `buf`, which may be uninitialised, with the task of `cx` as the one to wake.
    ///
    /// The provided method calls `read`, with initialised memory ([`ReadCursor::fill_with`]). A type that
    /// can read into uninitialised memory overrides it.
    ///
    /// # Errors
    ///
    /// Those of `read`, but never `WouldBlock` nor `Interrupted`. The number returned is a courtesy:
    /// callers believe the cursor.
    fn poll_read_into(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadCursor<'_>,
    ) -> Poll<io::Result<usize>> {
        task::poll_io(cx, || buf.fill_with(|memory| self.read(memory)))
    }
}

/// Reads into initialised memory, believing the cursor and not the reader.
#[inline]
pub(crate) fn poll_read_slice<R: AsyncRead + ?Sized>(
    reader: &mut R,
    cx: &mut Context<'_>,
    buf: &mut [u8],
) -> Poll<io::Result<usize>> {
    believe(ReadCursor::with_initialized(buf, |cursor| {
        reader.poll_read_into(cx, cursor)
    }))
}

/// What a read came to, by what the cursor says was filled.
///
/// A reader that filled something and then says `Pending` has made progress all the same.
#[inline]
pub(crate) fn believe(
    (polled, filled): (Poll<io::Result<usize>>, usize),
) -> Poll<io::Result<usize>> {
    match polled {
        Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
        Poll::Pending if filled == 0 => Poll::Pending,
        Poll::Ready(Ok(_)) | Poll::Pending => Poll::Ready(Ok(filled)),
    }
}
