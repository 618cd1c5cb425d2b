//! One way of a copy, without its two objects.

use std::{
    io,
    task::{Context, Poll, ready},
};

use bytes::BytesMut;

use crate::{
    AsyncRead, AsyncWrite,
    async_write::checked,
    poll_read_buf,
    pool::{self, Lent},
    task::budget,
};

/// How far a copy has come.
#[derive(Debug)]
pub(super) struct Pump {
    state: State,
    /// Kept from one read to the next, and given back when the copy waits for the reader.
    buf: Option<Lent>,
    /// How much of it has been written.
    written: usize,
    copied: u64,
    /// Something was written since the last flush.
    dirty: bool,
    buffer_size: usize,
}

/// ```text
///          ┌──── written ────┐
///          ▼                 │
///        Read ── bytes ──▶ Write          Last
///          │                 │             │
///          │                 └─ stopped ──▶┤
///          └──── end ──▶ Flush ◀─ written ─┘
///                          └── flushed ──▶ done
/// ```
#[derive(Debug, Clone, Copy)]
enum State {
    Read,
    Write,
    /// What is in the buffer is still written, but nothing more is read.
    Last,
    Flush,
}

impl Pump {
    pub(super) fn new() -> Self {
        Self {
            state: State::Read,
            buf: None,
            written: 0,
            copied: 0,
            dirty: false,
            buffer_size: pool::CAPACITY,
        }
    }

    pub(super) fn set_buffer_size(&mut self, bytes: usize) {
        self.buffer_size = bytes.max(1);
    }

    pub(super) fn copied(&self) -> u64 {
        self.copied
    }

    /// How many bytes have been read and not yet written.
    pub(super) fn unwritten(&self) -> usize {
        self.buf.as_ref().map_or(0, |buf| buf.len() - self.written)
    }

    /// Reads no more; what has been read is still written and flushed.
    pub(super) fn stop(&mut self) {
        self.state = match self.state {
            State::Read => {
                self.buf = None;
                State::Flush
            }
            State::Write | State::Last => State::Last,
            State::Flush => State::Flush,
        };
    }

    /// Ready when the reader has ended and everything is written and flushed.
    // Always, as `lend`: calls of their own can be counted in an echo (`make count`).
    #[inline(always)]
    pub(super) fn poll<R, W>(
        &mut self,
        cx: &mut Context<'_>,
        reader: &mut R,
        writer: &mut W,
    ) -> Poll<io::Result<()>>
    where
        R: AsyncRead + ?Sized,
        W: AsyncWrite + ?Sized,
    {
        loop {
            match self.state {
                State::Read => {
                    ready!(budget::poll_left(cx));
                    let buf = self.buf.get_or_insert_with(|| lend(self.buffer_size));
                    buf.clear();
                    self.written = 0;
                    match poll_read_buf(reader, cx, &mut **buf)? {
                        Poll::Pending => {
                            self.buf = None;
                            // Flush before parking: what the peer waits for must not wait for the peer.
                            if self.dirty && writer.poll_flush(cx)?.is_ready() {
                                self.dirty = false;
                            }
                            return Poll::Pending;
                        }
                        Poll::Ready(0) => {
                            self.buf = None;
                            self.state = State::Flush;
                        }
                        Poll::Ready(_) => {
                            budget::spend();
                            self.state = State::Write;
                        }
                    }
                }
                State::Write | State::Last => {
                    let buf = self.buf.as_ref().expect("there is something to write");
                    let rest = &buf[self.written..];
                    let n = checked(ready!(writer.poll_write_from(cx, rest))?, rest.len())?;
                    if n == 0 {
                        return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                    }
                    self.written += n;
                    self.copied += n as u64;
                    self.dirty = true;
                    if self.written == buf.len() {
                        self.state = match self.state {
                            State::Last => State::Flush,
                            _ => State::Read,
                        };
                    }
                }
                State::Flush => {
                    self.buf = None;
                    return writer.poll_flush(cx);
                }
            }
        }
    }
}

#[inline(always)]
fn lend(size: usize) -> Lent {
    if size == pool::CAPACITY {
        return pool::take();
    }
    made(size)
}

/// The pool knows one size. This one is freed when it is given back.
#[cold]
fn made(size: usize) -> Lent {
    Lent::from(BytesMut::with_capacity(size))
}
