//! Reading into a `BufMut` and writing from a `Buf`.
#![allow(
    unsafe_code,
    reason = "BufMut hands out and takes back uninitialised memory"
)]

use std::{
    io::{self, IoSlice},
    task::{Context, Poll, ready},
};

use bytes::{Buf, BufMut};

use crate::{AsyncRead, AsyncWrite, ReadCursor, async_read::believe, async_write::checked, task};

/// Reads into the free part of `buf` on the current task; returns the number of bytes read.
///
/// The buffer is advanced by what was read. `Ok(0)` means the end and nothing else.
///
/// # Errors
///
/// [`InvalidInput`](io::ErrorKind::InvalidInput) if `buf` is full: grow it first. (A `BytesMut` or
/// `Vec` grows by itself and is never full.) Otherwise as `read`: `WouldBlock` with the task
/// scheduled, or an error with the source [`NotInTask`](task::NotInTask) outside of a task.
///
/// # Examples
///
/// ```
/// # use futures::executor::block_on;
/// use bytes::BytesMut;
/// use io_traits::{read_buf, task};
///
/// # block_on(async {
/// let mut stream: &[u8] = b"hello";
/// let mut buf = BytesMut::new();
/// let n = task::io(|| read_buf(&mut stream, &mut buf)).await?;
/// assert_eq!(&buf[..n], b"hello");
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
#[inline]
pub fn read_buf<R, B>(reader: &mut R, buf: &mut B) -> io::Result<usize>
where
    R: AsyncRead + ?Sized,
    B: BufMut + ?Sized,
{
    task::poll(|cx| poll_read_buf(reader, cx, buf))
}

/// Reads into the free part of `buf` with the task of `cx` as the one to wake.
///
/// # Errors
///
/// As [`read_buf`], but never `WouldBlock` nor `Interrupted`. After an error nothing has been added to
/// `buf`.
#[inline]
pub fn poll_read_buf<R, B>(
    reader: &mut R,
    cx: &mut Context<'_>,
    buf: &mut B,
) -> Poll<io::Result<usize>>
where
    R: AsyncRead + ?Sized,
    B: BufMut + ?Sized,
{
    if !buf.has_remaining_mut() {
        return Poll::Ready(Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "the buffer is full: a read of 0 bytes would look like the end",
        )));
    }
    // SAFETY: the cursor writes initialised bytes only; its own unsafe `unfilled_mut` passes the duty
    // on to whoever calls that.
    let memory = unsafe { buf.chunk_mut().as_uninit_slice_mut() };
    let polled = ReadCursor::with(memory, |cursor| reader.poll_read_into(cx, cursor));
    let filled = ready!(believe(polled))?;
    // SAFETY: `filled` comes from the cursor, which was made for this very chunk and counts
    // initialised bytes only.
    unsafe { buf.advance_mut(filled) };
    Poll::Ready(Ok(filled))
}

/// Writes from `buf` on the current task, and advances it; returns the number of bytes written.
///
/// Several chunks are written with one vectored write where the writer can
/// ([`AsyncWrite::writes_slices`]). An empty `buf` writes nothing and returns `Ok(0)`.
///
/// # Errors
///
/// As `write`: `WouldBlock` with the task scheduled, or an error with the source
/// [`NotInTask`](task::NotInTask) outside of a task.
#[inline]
pub fn write_buf<W, B>(writer: &mut W, buf: &mut B) -> io::Result<usize>
where
    W: AsyncWrite + ?Sized,
    B: Buf + ?Sized,
{
    task::poll(|cx| poll_write_buf(writer, cx, buf))
}

/// Writes from `buf` with the task of `cx` as the one to wake, and advances it.
///
/// # Errors
///
/// As [`write_buf`], but never `WouldBlock` nor `Interrupted`. After an error `buf` is as before.
#[inline]
pub fn poll_write_buf<W, B>(
    writer: &mut W,
    cx: &mut Context<'_>,
    buf: &mut B,
) -> Poll<io::Result<usize>>
where
    W: AsyncWrite + ?Sized,
    B: Buf + ?Sized,
{
    let remaining = buf.remaining();
    if remaining == 0 {
        return Poll::Ready(Ok(0));
    }
    // One chunk needs no list of slices, and a plain write is the cheaper system call.
    let polled = if buf.chunk().len() == remaining || !writer.writes_slices() {
        writer.poll_write_from(cx, buf.chunk())
    } else {
        let mut slices = [IoSlice::new(&[]); SLICES];
        let n = buf.chunks_vectored(&mut slices);
        writer.poll_write_slices(cx, &slices[..n])
    };
    let n = checked(ready!(polled)?, remaining)?;
    buf.advance(n);
    Poll::Ready(Ok(n))
}

/// How many chunks one vectored write takes; the kernel's own limit is 1024.
const SLICES: usize = 64;
