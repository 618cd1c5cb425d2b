use std::{
    fmt,
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use crate::{
    AsyncRead, AsyncWrite,
    async_write::checked,
    poll_read_buf,
    pool::{self, Lent},
    task::budget,
};

/// Copies from `reader` to `writer` until the reader's end; resolves to the number of bytes copied.
///
/// What was copied is flushed before the copy waits for more, and at the end. The writer is not shut
/// down. While it waits for the reader, the copy holds no buffer. It yields to other tasks after each
/// 128 reads of up to 64 KiB.
///
/// # Cancel safety
///
/// Not cancel safe while the writer blocks: up to 64 KiB may have been read and not yet written, and
/// are dropped with the future. [`Copy::unwritten`] tells how many.
///
/// # Errors
///
/// [`WriteZero`](io::ErrorKind::WriteZero) if the writer takes no more bytes. Otherwise those of the
/// reader and the writer, but never `WouldBlock` nor `Interrupted`.
///
/// # Examples
///
/// ```
/// # futures::executor::block_on(async {
/// let mut from: &[u8] = b"hello";
/// let mut to = Vec::new();
/// assert_eq!(io_traits::io::copy(&mut from, &mut to).await?, 5);
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
pub fn copy<'a, R, W>(reader: &'a mut R, writer: &'a mut W) -> Copy<'a, R, W>
where
    R: AsyncRead + ?Sized,
    W: AsyncWrite + ?Sized,
{
    Copy {
        reader,
        writer,
        state: State::Read,
        buf: None,
        written: 0,
        copied: 0,
        dirty: false,
    }
}

/// The future of [`copy()`].
#[must_use = "futures do nothing unless they are polled"]
pub struct Copy<'a, R: ?Sized, W: ?Sized> {
    reader: &'a mut R,
    writer: &'a mut W,
    state: State,
    /// Kept from one read to the next, and given back when the copy waits for the reader.
    buf: Option<Lent>,
    /// How much of it has been written.
    written: usize,
    copied: u64,
    /// Something was written since the last flush.
    dirty: bool,
}

/// ```text
///          ┌──── written ────┐
///          ▼                 │
///        Read ── bytes ──▶ Write
///          │
///          └──── end ──▶ Flush ── flushed ──▶ done
/// ```
#[derive(Debug, Clone, Copy)]
enum State {
    Read,
    Write,
    Flush,
}

impl<R: ?Sized, W: ?Sized> Copy<'_, R, W> {
    /// How many bytes have been written so far.
    pub fn copied(&self) -> u64 {
        self.copied
    }

    /// How many bytes have been read and not yet written.
    pub fn unwritten(&self) -> usize {
        self.buf.as_ref().map_or(0, |buf| buf.len() - self.written)
    }
}

impl<R: AsyncRead + ?Sized, W: AsyncWrite + ?Sized> Future for Copy<'_, R, W> {
    type Output = io::Result<u64>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        loop {
            match this.state {
                State::Read => {
                    ready!(budget::poll_left(cx));
                    let buf = this.buf.get_or_insert_with(pool::take);
                    buf.clear();
                    this.written = 0;
                    match poll_read_buf(this.reader, cx, &mut **buf)? {
                        Poll::Pending => {
                            this.buf = None;
                            // Flush before parking: what the peer waits for must not wait for the peer.
                            if this.dirty && this.writer.poll_flush(cx)?.is_ready() {
                                this.dirty = false;
                            }
                            return Poll::Pending;
                        }
                        Poll::Ready(0) => {
                            this.buf = None;
                            this.state = State::Flush;
                        }
                        Poll::Ready(_) => {
                            budget::spend();
                            this.state = State::Write;
                        }
                    }
                }
                State::Write => {
                    let buf = this.buf.as_ref().expect("there is something to write");
                    let rest = &buf[this.written..];
                    let n = checked(ready!(this.writer.poll_write_from(cx, rest))?, rest.len())?;
                    if n == 0 {
                        return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                    }
                    this.written += n;
                    this.copied += n as u64;
                    this.dirty = true;
                    if this.written == buf.len() {
                        this.state = State::Read;
                    }
                }
                State::Flush => {
                    ready!(this.writer.poll_flush(cx))?;
                    return Poll::Ready(Ok(this.copied));
                }
            }
        }
    }
}

impl<R: ?Sized, W: ?Sized> fmt::Debug for Copy<'_, R, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Copy")
            .field("copied", &self.copied)
            .field("unwritten", &self.unwritten())
            .finish_non_exhaustive()
    }
}
