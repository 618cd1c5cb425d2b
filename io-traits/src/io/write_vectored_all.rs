use std::{
    future::Future,
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use super::rounds::Rounds;
use crate::{
    AsyncWrite,
    async_write::{checked, total},
    task::budget,
};

/// Writes the whole of `bufs`, which are advanced by what was written; resolves to `()`. It does not
/// flush.
///
/// `bufs` is advanced as by [`IoSlice::advance_slices`]. A writer that [takes
/// slices](AsyncWrite::writes_slices) gets up to 1024 at a time, the limit of the system; another one
/// gets them one by one.
///
/// # Cancel safety
///
/// Cancel safe: `bufs` holds what has not been written. A new call goes on.
///
/// # Errors
///
/// [`WriteZero`](io::ErrorKind::WriteZero) if the writer takes no more bytes. Otherwise those of the
/// writer, but never `WouldBlock` nor `Interrupted`.
///
/// # Examples
///
/// ```
/// use std::io::IoSlice;
///
/// # futures::executor::block_on(async {
/// let mut stream = Vec::new();
/// let mut slices = [IoSlice::new(b"head "), IoSlice::new(b"body")];
/// io_traits::io::write_vectored_all(&mut stream, &mut &mut slices[..]).await?;
/// assert_eq!(stream, b"head body");
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
pub fn write_vectored_all<'a, 'b, 'c, W: AsyncWrite + ?Sized>(
    writer: &'a mut W,
    bufs: &'a mut &'b mut [IoSlice<'c>],
) -> WriteVectoredAll<'a, 'b, 'c, W> {
    WriteVectoredAll { writer, bufs }
}

/// The future of [`write_vectored_all()`].
#[derive(Debug)]
#[must_use = "futures do nothing unless they are polled"]
pub struct WriteVectoredAll<'a, 'b, 'c, W: ?Sized> {
    writer: &'a mut W,
    bufs: &'a mut &'b mut [IoSlice<'c>],
}

impl<W: AsyncWrite + ?Sized> Future for WriteVectoredAll<'_, '_, '_, W> {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { writer, bufs } = &mut *self;
        let mut rounds = Rounds::new();
        loop {
            // Empty slices at the front would make a write of nothing look like a full writer.
            IoSlice::advance_slices(bufs, 0);
            let Some(first) = bufs.first() else {
                return Poll::Ready(Ok(()));
            };
            ready!(rounds.poll_left(cx));
            let (polled, given) = if writer.writes_slices() {
                let some = &bufs[..bufs.len().min(MOST)];
                (writer.poll_write_slices(cx, some), total(some))
            } else {
                (writer.poll_write_from(cx, first), first.len())
            };
            let n = checked(ready!(polled)?, given)?;
            budget::spend();
            if n == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            IoSlice::advance_slices(bufs, n);
        }
    }
}

/// `IOV_MAX` of Linux, macOS and the BSDs; see writev(2).
const MOST: usize = 1024;
