//! One way of a copy, without its two objects.

use std::{
    io,
    task::{Context, Poll, ready},
};

use super::{read::poll_read_scratch, rounds::Rounds};
use crate::{
    AsyncRead, AsyncWrite, async_write::checked, cursor::Memory, pool::CAPACITY, scratch,
    task::budget,
};

/// How far a copy has come.
///
/// ```text
///          ┌──────── written ─────────┐
///          ▼                          │
///        read ── bytes ──▶ write ─────┤
///          │                          │ the reader has ended, or was stopped
///          └── nothing: its end ──▶ flush ── flushed ──▶ done
/// ```
#[derive(Debug)]
pub(super) struct Pump {
    /// From one poll to the next only while there is something unwritten in it.
    piece: Option<Piece>,
    source: Source,
    copied: u64,
    /// Something may have been written since the last flush; at the beginning by somebody else.
    dirty: bool,
    buffer_size: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Flows,
    /// Nothing more is read.
    Over,
}

/// What was read at once.
#[derive(Debug)]
struct Piece {
    memory: Memory,
    read: usize,
    written: usize,
}

impl Pump {
    pub(super) fn new() -> Self {
        Self {
            piece: None,
            source: Source::Flows,
            copied: 0,
            dirty: true,
            buffer_size: CAPACITY,
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
        self.piece.as_ref().map_or(0, Piece::unwritten)
    }

    /// Reads no more; what has been read is still written and flushed.
    pub(super) fn stop(&mut self) {
        self.source = Source::Over;
    }

    /// Ready when the reader has ended and everything is written and flushed.
    // Always, as what it calls: calls of their own can be counted in an echo (`make count`).
    #[inline(always)]
    pub(super) fn poll<R, W>(
        &mut self,
        cx: &mut Context<'_>,
        rounds: &mut Rounds,
        reader: &mut R,
        writer: &mut W,
    ) -> Poll<io::Result<()>>
    where
        R: AsyncRead + ?Sized,
        W: AsyncWrite + ?Sized,
    {
        // Out of `self`: after a panic there is no piece, and so no byte of it is taken for another's.
        let mut piece = match self.piece.take() {
            Some(piece) => piece,
            None => Piece::new(self.buffer_size),
        };
        let polled = self.poll_piece(cx, rounds, &mut piece, reader, writer);
        if piece.unwritten() > 0 {
            self.piece = Some(piece);
        } else {
            scratch::give_back(piece.memory);
        }
        polled
    }

    #[inline(always)]
    fn poll_piece<R, W>(
        &mut self,
        cx: &mut Context<'_>,
        rounds: &mut Rounds,
        piece: &mut Piece,
        reader: &mut R,
        writer: &mut W,
    ) -> Poll<io::Result<()>>
    where
        R: AsyncRead + ?Sized,
        W: AsyncWrite + ?Sized,
    {
        loop {
            while piece.unwritten() > 0 {
                let rest = piece.rest();
                let n = checked(ready!(writer.poll_write_from(cx, rest))?, rest.len())?;
                if n == 0 {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
                piece.written += n;
                self.copied += n as u64;
                self.dirty = true;
            }
            if self.source == Source::Over {
                return writer.poll_flush(cx);
            }
            ready!(rounds.poll_left(cx));
            match poll_read_scratch(reader, cx, &mut piece.memory, self.buffer_size)? {
                Poll::Pending => {
                    // Flush before parking: what the peer waits for must not wait for the peer.
                    if self.dirty && writer.poll_flush(cx)?.is_ready() {
                        self.dirty = false;
                    }
                    return Poll::Pending;
                }
                Poll::Ready(0) => self.source = Source::Over,
                Poll::Ready(n) => {
                    budget::spend();
                    (piece.read, piece.written) = (n, 0);
                }
            }
        }
    }
}

impl Piece {
    #[inline]
    fn new(size: usize) -> Self {
        Self {
            memory: scratch::take(size),
            read: 0,
            written: 0,
        }
    }

    #[inline]
    fn unwritten(&self) -> usize {
        self.read - self.written
    }

    #[inline]
    fn rest(&self) -> &[u8] {
        &self.memory.initialized()[self.written..self.read]
    }
}
