use std::{
    io, mem,
    ops::{Deref, DerefMut},
    task::{Context, Poll},
};

use bytes::{BufMut, BytesMut};
use io_traits::{AsyncRead, poll_read_buf, pool};

use super::{LEAST_ROOM, expected::Expected};
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
    /// The memory behind `bytes` was once longer than a lent buffer, and may still be.
    has_grown: bool,
    expected: Expected,
}

impl ReadBuffer {
    pub(crate) fn new(bytes: BytesMut) -> Self {
        Self {
            has_grown: bytes.capacity() > pool::CAPACITY,
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
        let expected = self.expected.next(self.bytes.len(), needed);
        let most = expected.most(needed);
        let polled = if self.bytes.capacity() == 0 {
            self.has_grown = false;
            spare::lend(&SPARE, &mut self.bytes, |buf| {
                poll_read_buf(io, cx, &mut buf.limit(most))
            })
        } else {
            self.make_room(needed);
            poll_read_buf(io, cx, &mut (&mut self.bytes).limit(most))
        };
        if polled.is_pending() {
            self.park();
        } else {
            self.expected = expected;
        }
        polled
    }

    /// Makes room for a read behind what is there.
    ///
    /// A frame that fits into a lent buffer never leaves it. A longer one grows in steps; see
    /// [`room`](Self::room).
    fn make_room(&mut self, needed: usize) {
        let len = self.bytes.len();
        let enough = match needed {
            0 => LEAST_ROOM,
            _ => needed.min(LEAST_ROOM),
        };
        // The decoder may have reserved memory itself.
        self.has_grown |= self.bytes.capacity() > pool::CAPACITY;
        let left = self.bytes.capacity() - len;
        // Of a frame that ends just beyond the buffer the beginning is moved now, and not nearly all of it later.
        let moves_early = len <= LEAST_ROOM && needed <= READ && needed > left;
        if left >= enough && !moves_early {
            return;
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
    }

    /// Holds no more memory than the rest in it is worth, because the reader has to wait.
    fn park(&mut self) {
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
        if mem::take(&mut self.has_grown) {
            self.bytes = BytesMut::new();
        } else {
            spare::give_back(&SPARE, &mut self.bytes);
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

/// How much is read at once, in bytes, out of a buffer that has room for it.
const READ: usize = pool::CAPACITY;

/// Up to how many bytes a rest is copied out while the reader waits.
const KEPT: usize = 4 * 1024;

thread_local! {
    static SPARE: Spare = spare::none();
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use bytes::Buf;
    use io_traits::testing::Script;

    use super::*;

    fn filled(len: usize) -> ReadBuffer {
        let mut buf = ReadBuffer::new(BytesMut::new());
        read(&mut buf, len);
        buf
    }

    /// Reads from somebody who has `len` bytes to give, or makes the reader wait if that is 0.
    fn read(buf: &mut ReadBuffer, len: usize) {
        let mut script = match len {
            0 => Script::new().would_block(),
            _ => Script::new().gives(vec![7; len]),
        };
        let mut cx = Context::from_waker(Waker::noop());
        assert_eq!(
            buf.poll_fill(&mut script, &mut cx, 0).is_pending(),
            len == 0
        );
    }

    #[test]
    fn memory_is_taken_for_bytes_and_not_for_a_wait() {
        let mut buf = ReadBuffer::new(BytesMut::new());
        assert_eq!(buf.capacity(), 0);
        read(&mut buf, 0);
        assert_eq!(buf.capacity(), 0);
        read(&mut buf, 1);
        assert_eq!((buf.len(), buf.capacity()), (1, pool::CAPACITY));
    }

    #[test]
    fn a_reader_that_reads_another_buffer_while_it_is_asked_finds_memory_for_it() {
        struct Nested(ReadBuffer);
        impl io::Read for Nested {
            fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
                read(&mut self.0, 3);
                self.0.copy_to_slice(&mut buf[..3]);
                self.0.release_if_empty();
                Ok(3)
            }
        }
        impl AsyncRead for Nested {}

        let mut nested = Nested(ReadBuffer::new(BytesMut::new()));
        let mut buf = ReadBuffer::new(BytesMut::new());
        let mut cx = Context::from_waker(Waker::noop());
        for read in 1..4 {
            assert!(buf.poll_fill(&mut nested, &mut cx, 0).is_ready());
            assert_eq!((&buf[..], nested.0.capacity()), (&vec![7; 3 * read][..], 0));
        }
    }

    #[test]
    fn a_short_rest_is_kept_in_memory_of_its_length() {
        for len in [0, 1, KEPT] {
            let mut buf = filled(len);
            buf.park();
            assert_eq!((buf.len(), buf.capacity()), (len, len));
            read(&mut buf, 1);
            assert_eq!((buf.len(), buf.capacity()), (len + 1, pool::CAPACITY));
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
    fn a_frame_that_ends_just_beyond_the_buffer_is_not_moved_as_a_whole() {
        for needed in [pool::CAPACITY - LEAST_ROOM + 1, READ] {
            let mut buf = filled(LEAST_ROOM);
            buf.make_room(needed);
            let front = buf.as_ptr();
            assert!(buf.capacity() <= LEAST_ROOM + needed + LEAST_ROOM);
            buf.resize(LEAST_ROOM + needed, 7);
            assert_eq!(buf.as_ptr(), front);
        }
        // More is not worth that: as much as was said has to come first.
        let mut buf = filled(LEAST_ROOM);
        buf.make_room(READ + 1);
        assert_eq!(buf.capacity(), pool::CAPACITY);
    }

    #[test]
    fn what_comes_behind_a_long_frame_is_expected_until_it_comes() {
        let mut buf = filled(4);
        let mut cx = Context::from_waker(Waker::noop());
        let mut script = Script::new().gives(vec![7; 2 * LEAST_ROOM + pool::CAPACITY]);
        assert!(
            buf.poll_fill(&mut script, &mut cx, pool::CAPACITY / 2)
                .is_ready()
        );
        buf.clear();
        buf.release_if_empty();
        // A wait is no answer to what follows.
        read(&mut buf, 0);
        assert!(buf.poll_fill(&mut script, &mut cx, 0).is_ready());
        assert_eq!(buf.len(), LEAST_ROOM);
    }

    #[test]
    fn a_grown_buffer_is_exchanged_once_its_rest_is_short() {
        for rest in [0, 10, KEPT + 1, pool::CAPACITY / 2] {
            let mut buf = filled(pool::CAPACITY);
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
