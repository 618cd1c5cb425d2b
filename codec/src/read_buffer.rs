use std::{
    cell::Cell,
    mem,
    ops::{Deref, DerefMut},
};

use bytes::BytesMut;
use io_traits::pool;

use crate::spare::{self, Spare};

/// What has been read and not been decoded, in memory that is held only while it is of use.
///
/// ```text
///              make_room              park, 1 byte to 4 KiB
///   nothing ──────────────▶ lent ──────────────────────────▶ own, just as long as the rest
///      ▲                     │ ▲                                │
///      └──── park, empty ────┘ └─────────── make_room ──────────┘
/// ```
///
/// A connection that sends a byte a minute thus costs its few bytes, and an idle one costs nothing.
pub(crate) struct ReadBuffer {
    bytes: BytesMut,
    /// The memory behind `bytes` was once longer than a lent buffer, and may still be.
    has_grown: bool,
    expected: Expected,
}

/// What the next read is expected to bring.
///
/// Behind a long frame there is often another. What is read of it together with the end of the one before,
/// or before its length is known, has to be copied to where all of it has room. So that is a little, and
/// one read more, which costs less than to copy half of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    Anything,
    /// More of a long frame.
    Long,
    /// What follows a long frame.
    AfterLong,
}

impl ReadBuffer {
    pub(crate) fn new(bytes: BytesMut) -> Self {
        Self {
            has_grown: bytes.capacity() > pool::CAPACITY,
            bytes,
            expected: Expected::Anything,
        }
    }

    /// Makes room for a read and returns how many bytes should be read at most; `needed` is how many more
    /// the decoder asks for, 0 if unknown.
    ///
    /// A frame that fits into a lent buffer never leaves it. A longer one grows in steps; see
    /// [`room`](Self::room).
    pub(crate) fn make_room(&mut self, needed: usize) -> usize {
        let len = self.bytes.len();
        self.expected = match (needed, self.expected) {
            (1.., _) if len.saturating_add(needed) >= LONG => Expected::Long,
            (1.., expected) => expected,
            (0, Expected::Long) => Expected::AfterLong,
            (0, _) => Expected::Anything,
        };
        let most = match self.expected {
            Expected::Anything => usize::MAX,
            Expected::Long => needed.saturating_add(LEAST_ROOM),
            Expected::AfterLong => LEAST_ROOM,
        };
        if self.bytes.capacity() == 0 {
            self.has_grown = false;
            self.bytes = spare::take(&SPARE);
            return most;
        }
        let enough = match needed {
            0 => LEAST_ROOM,
            _ => needed.min(LEAST_ROOM),
        };
        // The decoder may have reserved memory itself.
        self.has_grown |= self.bytes.capacity() > pool::CAPACITY;
        if self.bytes.capacity() - len >= enough {
            return most;
        }
        // A buffer that has grown moves its rest to its front if that is enough.
        if len.saturating_add(needed.max(enough)) <= pool::CAPACITY {
            if !self.has_grown || !self.bytes.try_reclaim(enough) {
                self.move_to_lent();
            }
        } else {
            let room = Self::room(len, needed);
            if !self.bytes.try_reclaim(room) {
                self.grow(room);
            }
        }
        most
    }

    /// Holds no more memory than the rest in it is worth, because the reader has to wait.
    pub(crate) fn park(&mut self) {
        let len = self.bytes.len();
        if len == 0 {
            self.release();
        } else if len <= KEPT {
            let rest = BytesMut::from(&self.bytes[..]);
            self.release();
            self.bytes = rest;
        } else if self.has_grown && len <= pool::CAPACITY / 2 {
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

    /// Takes the bytes out, which ends the claim of the pool on their memory.
    pub(crate) fn into_inner(mut self) -> BytesMut {
        self.release_if_empty();
        mem::take(&mut self.bytes)
    }

    #[inline(never)]
    fn release(&mut self) {
        let bytes = mem::take(&mut self.bytes);
        if !mem::take(&mut self.has_grown) {
            spare::give_back(&SPARE, bytes);
        }
    }

    fn move_to_lent(&mut self) {
        // All of one, as a part may be too short for what is about to come.
        let mut lent = pool::take().into_inner();
        lent.extend_from_slice(&self.bytes);
        self.release();
        self.bytes = lent;
    }

    fn grow(&mut self, room: usize) {
        let mut grown = BytesMut::with_capacity(self.bytes.len() + room);
        grown.extend_from_slice(&self.bytes);
        self.release();
        self.bytes = grown;
        self.has_grown = true;
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

/// No read is given less room, in bytes, unless the decoder knows that it needs less.
const LEAST_ROOM: usize = 4 * 1024;

/// How much is read at once, in bytes, out of a buffer that has room for it.
const READ: usize = pool::CAPACITY;

/// From how many bytes on a frame is long.
const LONG: usize = pool::CAPACITY / 2;

/// Up to how many bytes a rest is copied out while the reader waits.
const KEPT: usize = 4 * 1024;

thread_local! {
    static SPARE: Spare = const { Cell::new(None) };
}

#[cfg(test)]
mod tests {
    use bytes::Buf;

    use super::*;

    fn filled(len: usize) -> ReadBuffer {
        let mut buf = ReadBuffer::new(BytesMut::new());
        buf.make_room(0);
        buf.extend_from_slice(&vec![7; len]);
        buf
    }

    #[test]
    fn a_new_one_holds_no_memory_and_room_is_a_lent_buffer() {
        let mut buf = ReadBuffer::new(BytesMut::new());
        assert_eq!(buf.capacity(), 0);
        buf.make_room(0);
        assert_eq!(buf.capacity(), pool::CAPACITY);
    }

    #[test]
    fn a_short_rest_is_kept_in_memory_of_its_length() {
        for len in [0, 1, KEPT] {
            let mut buf = filled(len);
            buf.park();
            assert_eq!((buf.len(), buf.capacity()), (len, len));
            buf.make_room(0);
            assert_eq!((buf.len(), buf.capacity()), (len, pool::CAPACITY));
        }
        let mut buf = filled(KEPT + 1);
        buf.park();
        assert_eq!(buf.capacity(), pool::CAPACITY);
    }

    #[test]
    fn a_frame_that_fits_never_leaves_a_lent_buffer() {
        // It begins in the middle of the buffer, so its end does not fit behind its beginning.
        let mut buf = filled(50_000);
        buf.advance(40_000);
        buf.extend_from_slice(&vec![7; 15_000]);
        buf.make_room(40_000);
        assert_eq!((buf.len(), buf.capacity()), (25_000, pool::CAPACITY));
        // The last few bytes of one that fits exactly are worth no growth either.
        let mut buf = filled(pool::CAPACITY - 10);
        buf.make_room(10);
        assert_eq!(buf.capacity(), pool::CAPACITY);
    }

    #[test]
    fn room_grows_with_what_was_received_and_not_with_what_was_announced() {
        let mut buf = filled(4);
        buf.make_room(usize::MAX);
        assert_eq!(buf.capacity(), pool::CAPACITY);
        for _ in 0..6 {
            let received = buf.capacity();
            buf.resize(received, 7);
            buf.make_room(usize::MAX);
            assert_eq!(buf.capacity() - received, received);
        }
    }

    #[test]
    fn a_frame_whose_end_is_known_takes_its_length_and_a_read_at_most() {
        for length in [
            pool::CAPACITY + 1,
            pool::CAPACITY + 4,
            100_000,
            1 << 20,
            (1 << 20) + 4,
            5_000_000,
        ] {
            let mut buf = filled(pool::CAPACITY);
            let mut moves = 0;
            while buf.len() < length {
                let before = buf.as_ptr();
                let needed = length - buf.len();
                buf.make_room(needed);
                moves += usize::from(buf.as_ptr() != before);
                assert!(buf.capacity() <= length + READ, "{length}");
                let received = buf.capacity().min(length);
                buf.resize(received, 7);
            }
            // Each move but the last doubles.
            let doublings = (length / pool::CAPACITY).ilog2() as usize;
            assert!(moves <= doublings.max(1), "{moves} moves for {length}");
        }
    }

    #[test]
    fn behind_a_long_frame_little_is_read_before_the_next_length_is_known() {
        let mut buf = filled(0);
        assert_eq!(buf.make_room(0), usize::MAX);
        buf.resize(4, 7);
        // Of a long frame no more than it has, and a little, so that its end comes with what follows.
        assert_eq!(buf.make_room(LONG), LONG + LEAST_ROOM);
        buf.resize(LONG, 7);
        assert_eq!(buf.make_room(4), 4 + LEAST_ROOM);
        buf.clear();
        assert_eq!(buf.make_room(0), LEAST_ROOM);
        // That was no long one.
        assert_eq!(buf.make_room(0), usize::MAX);
        assert_eq!(buf.make_room(100), usize::MAX);
    }

    #[test]
    fn a_grown_buffer_is_exchanged_once_its_rest_is_short() {
        for rest in [0, 10, KEPT + 1, pool::CAPACITY / 2] {
            let mut buf = filled(0);
            buf.resize(pool::CAPACITY, 7);
            buf.make_room(0);
            buf.resize(1_000_000, 7);
            let consumed = buf.len() - rest;
            buf.advance(consumed);
            let grown = buf.as_ptr();
            buf.park();
            assert!(buf.len() == rest && buf.iter().all(|byte| *byte == 7));
            assert_ne!(buf.as_ptr(), grown);
            assert!(buf.capacity() <= pool::CAPACITY);
        }
    }

    #[test]
    fn a_grown_buffer_serves_the_next_long_frame_while_the_reader_need_not_wait() {
        let mut buf = filled(pool::CAPACITY);
        buf.make_room(0);
        let grown = buf.capacity();
        assert!(grown > pool::CAPACITY);
        let start = buf.as_ptr();
        buf.resize(grown, 7);
        buf.advance(grown - 10);
        buf.make_room(0);
        assert_eq!(
            (buf.as_ptr(), buf.len(), buf.capacity()),
            (start, 10, grown)
        );
    }

    #[test]
    fn memory_that_a_decoder_reserved_is_given_up_too() {
        let mut buf = filled(10);
        buf.reserve(1_000_000);
        buf.make_room(0);
        buf.resize(1_000_000, 7);
        buf.advance(1_000_000 - KEPT - 1);
        buf.park();
        buf.clear();
        assert!(!buf.try_reclaim(pool::CAPACITY + 1));
    }
}
