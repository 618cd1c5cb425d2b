use std::{
    io, mem,
    ops::{Deref, DerefMut},
    task::{Context, Poll},
};

use bytes::{BufMut, BytesMut};
use io_traits::{AsyncRead, poll_read_buf, pool};

use super::{LEAST_ROOM, again, expected::Expected};
use crate::spare::{self, Spare};

/// What has been read and not been decoded, in memory that is held only while it is of use.
///
/// ```text
///             bytes come              Pending, 1 byte to 4 KiB
///   nothing ──────────────▶ lent ──────────────────────────▶ own, just as long as the rest
///      ▲                     │ ▲                                │
///      └──── all decoded ────┘ └──────────── a read ────────────┘
/// ```
///
/// A connection that sends a byte a minute thus costs its few bytes, and an idle one costs nothing.
pub(crate) struct ReadBuffer {
    bytes: BytesMut,
    memory: Memory,
    expected: Expected,
}

/// What is behind `bytes`, which do not tell: once all of it is consumed they have no capacity, and yet keep it
/// alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Memory {
    Nothing,
    /// No more than a lent buffer.
    Usual,
    /// It was once longer than a lent buffer, and may still be.
    Grown,
    /// For long frames that come again and again.
    Again,
}

impl Memory {
    fn of(bytes: &BytesMut) -> Self {
        if bytes.capacity() > pool::CAPACITY {
            Self::Grown
        } else {
            Self::Usual
        }
    }

    /// It is, or may be, longer than a lent buffer.
    fn is_long(self) -> bool {
        matches!(self, Self::Grown | Self::Again)
    }
}

impl ReadBuffer {
    pub(crate) fn new(bytes: BytesMut) -> Self {
        Self {
            memory: Memory::of(&bytes),
            bytes,
            expected: Expected::Anything,
        }
    }

    /// Reads once; `needed` is how many more bytes the decoder asks for, 0 if unknown.
    ///
    /// `Pending` holds no more memory than the rest that is to be decoded is worth.
    #[inline]
    pub(crate) fn poll_fill<T: AsyncRead>(
        &mut self,
        io: &mut T,
        cx: &mut Context<'_>,
        needed: usize,
    ) -> Poll<io::Result<usize>> {
        // By far the most frequent case, for which nothing is reckoned.
        let polled = if self.expected.is_anything() && needed == 0 && self.bytes.capacity() == 0 {
            self.poll_lent(io, cx, usize::MAX)
        } else {
            self.poll_expected(io, cx, needed)
        };
        if polled.is_pending() {
            self.park();
        }
        polled
    }

    #[inline(never)]
    fn poll_expected<T: AsyncRead>(
        &mut self,
        io: &mut T,
        cx: &mut Context<'_>,
        needed: usize,
    ) -> Poll<io::Result<usize>> {
        let expected = self.expected.next(self.bytes.len(), needed);
        let mut most = expected.most(needed);
        let comes_again = expected.again().is_some();
        let polled = if self.bytes.capacity() > 0 || comes_again {
            self.make_room(needed, expected);
            // A part of the next frame would have to be moved to where all of it has room.
            if comes_again && self.bytes.capacity() - self.bytes.len() < most {
                most = needed + LEAST_ROOM;
            }
            poll_read_buf(io, cx, &mut (&mut self.bytes).limit(most))
        } else {
            self.poll_lent(io, cx, most)
        };
        if let Poll::Ready(Ok(n)) = polled {
            self.expected = expected.after(n, needed);
        }
        polled
    }

    /// Reads into memory that is taken only if something comes.
    #[inline(always)]
    fn poll_lent<T: AsyncRead>(
        &mut self,
        io: &mut T,
        cx: &mut Context<'_>,
        most: usize,
    ) -> Poll<io::Result<usize>> {
        let polled = spare::lend(&SPARE, &mut self.bytes, |buf| {
            poll_read_buf(io, cx, &mut buf.limit(most))
        });
        if polled.is_ready() {
            self.memory = Memory::Usual;
        }
        polled
    }

    /// Makes room for a read behind what is there.
    ///
    /// A frame that fits into a lent buffer never leaves it. A longer one grows in steps; see
    /// [`room`](Self::room). Where another long one is expected behind it, there is room for both.
    fn make_room(&mut self, needed: usize, expected: Expected) {
        let len = self.bytes.len();
        let enough = match needed {
            0 => LEAST_ROOM,
            _ => needed.min(LEAST_ROOM),
        };
        // The decoder may have reserved memory itself.
        if !self.memory.is_long() || self.bytes.capacity() > again::LONGEST {
            self.memory = Memory::of(&self.bytes);
        }
        let left = self.bytes.capacity() - len;
        // Of a frame that ends just beyond the buffer the beginning is moved now, and not nearly all of it later.
        let moves_early = len <= LEAST_ROOM && needed <= READ && needed > left;
        if left >= enough && !moves_early {
            return;
        }
        if let Some(frame) = expected.again() {
            let mut long = again::take(len + expected.most(needed), 2 * (frame + LEAST_ROOM));
            long.extend_from_slice(&self.bytes);
            self.exchange(long);
            self.memory = Memory::Again;
            return;
        }
        // A buffer that has grown moves its rest to its front if that is enough.
        let wanted = needed.max(enough);
        if len.saturating_add(wanted) <= pool::CAPACITY {
            if !self.memory.is_long() || !self.bytes.try_reclaim(wanted) {
                self.move_to_lent();
            }
        } else {
            let room = Self::room(len, needed);
            if !self.bytes.try_reclaim(room) {
                self.grow(room);
            } else if !self.memory.is_long() {
                // What was consumed before it is there again.
                self.memory = Memory::of(&self.bytes);
            }
        }
    }

    /// Holds no more memory than the rest in it is worth, because the reader has to wait.
    fn park(&mut self) {
        let len = self.bytes.len();
        if len == 0 {
            // Mostly there is none: it went with the last frame.
            if self.memory != Memory::Nothing {
                self.release();
            }
        } else if len <= KEPT {
            let rest = BytesMut::from(&self.bytes[..]);
            self.exchange(rest);
        } else if self.memory.is_long() && len <= pool::CAPACITY / 2 {
            self.move_to_lent();
        }
    }

    /// Gives the memory back if nothing is in it.
    #[inline]
    pub(crate) fn release_if_empty(&mut self) {
        if self.bytes.is_empty() {
            self.release();
        }
    }

    /// Another decoder is going to look at the bytes: what came before says nothing of its frames.
    pub(crate) fn expect_anything(&mut self) {
        self.expected = Expected::Anything;
    }

    /// Takes the bytes out, which ends the claim of the pool on their memory.
    pub(crate) fn into_inner(mut self) -> BytesMut {
        self.release_if_empty();
        self.memory = Memory::Nothing;
        mem::take(&mut self.bytes)
    }

    #[inline(never)]
    fn release(&mut self) {
        if self.memory.is_long() {
            self.release_long();
        } else {
            spare::give_back(&SPARE, &mut self.bytes);
        }
        self.memory = Memory::Nothing;
    }

    #[cold]
    fn release_long(&mut self) {
        let bytes = mem::take(&mut self.bytes);
        if self.memory == Memory::Again {
            again::give_back(bytes);
        }
    }

    fn exchange(&mut self, bytes: BytesMut) {
        self.release();
        self.memory = Memory::of(&bytes);
        self.bytes = bytes;
    }

    fn move_to_lent(&mut self) {
        // All of one, as a part may be too short for what is about to come.
        let mut lent = pool::take().into_inner();
        lent.extend_from_slice(&self.bytes);
        self.exchange(lent);
    }

    fn grow(&mut self, room: usize) {
        let mut grown = BytesMut::with_capacity(self.bytes.len() + room);
        grown.extend_from_slice(&self.bytes);
        self.exchange(grown);
    }

    /// How much room there should be behind `len` bytes of a frame that is longer than a lent buffer: as
    /// much as was received, so that the copying stays linear, or a read where that is more.
    ///
    /// Where the end of the frame is known there is room up to it and for a little behind it, and no more.
    /// The last step may be twice as long for that: a frame just longer than a power of two is not copied
    /// as a whole for its last bytes.
    fn room(len: usize, needed: usize) -> usize {
        let step = len.max(READ);
        match needed {
            1.. if needed / 2 <= step => needed + LEAST_ROOM,
            _ => step,
        }
    }
}

impl Drop for ReadBuffer {
    fn drop(&mut self) {
        self.release();
    }
}

impl Deref for ReadBuffer {
    type Target = BytesMut;

    #[inline]
    fn deref(&self) -> &BytesMut {
        &self.bytes
    }
}

impl DerefMut for ReadBuffer {
    #[inline]
    fn deref_mut(&mut self) -> &mut BytesMut {
        &mut self.bytes
    }
}

/// How much is read at once, in bytes, out of a buffer that has room for it.
const READ: usize = pool::CAPACITY;

/// Up to how many bytes a rest is copied out while the reader waits.
const KEPT: usize = 4 * 1024;

thread_local! {
    static SPARE: Spare = spare::none();
}

#[cfg(test)]
mod tests;
