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
fn memory_that_was_consumed_to_its_last_byte_is_given_up() {
    for parks in [false, true] {
        let mut buf = filled(pool::CAPACITY);
        buf.advance(pool::CAPACITY);
        if parks {
            buf.park();
        } else {
            buf.release_if_empty();
        }
        // There was none behind it that could be had again.
        assert!(!buf.try_reclaim(1), "parks: {parks}");
    }
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
    buf.make_room(40_000, None);
    assert_eq!((buf.len(), buf.capacity()), (25_000, pool::CAPACITY));
    // The last few bytes of one that fits exactly are worth no growth either.
    let mut buf = filled(pool::CAPACITY - 10);
    buf.make_room(10, None);
    assert_eq!(buf.capacity(), pool::CAPACITY);
}

#[test]
fn room_grows_with_what_was_received_and_not_with_what_was_announced() {
    let mut buf = filled(4);
    buf.make_room(usize::MAX, None);
    assert_eq!(buf.capacity(), pool::CAPACITY);
    for _ in 0..6 {
        let received = buf.capacity();
        buf.resize(received, 7);
        buf.make_room(usize::MAX, None);
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
            buf.make_room(needed, None);
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
        buf.make_room(needed, None);
        let front = buf.as_ptr();
        assert!(buf.capacity() <= LEAST_ROOM + needed + LEAST_ROOM);
        buf.resize(LEAST_ROOM + needed, 7);
        assert_eq!(buf.as_ptr(), front);
    }
    // Nor is it in a buffer that has grown and is large enough.
    let mut buf = filled(pool::CAPACITY);
    buf.make_room(2 * READ, None);
    let (front, grown) = (buf.as_ptr(), buf.capacity());
    buf.resize(grown, 7);
    buf.advance(grown - 2 * LEAST_ROOM);
    buf.truncate(LEAST_ROOM);
    let needed = pool::CAPACITY - LEAST_ROOM;
    buf.make_room(needed, None);
    assert_eq!((buf.as_ptr(), buf.capacity()), (front, grown));
    // More is not worth that: as much as was said has to come first.
    let mut buf = filled(LEAST_ROOM);
    buf.make_room(READ + 1, None);
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
        buf.make_room(0, None);
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
    buf.make_room(0, None);
    let grown = buf.capacity();
    assert!(grown > pool::CAPACITY);
    let start = buf.as_ptr();
    buf.resize(grown, 7);
    buf.advance(grown - 10);
    buf.make_room(0, None);
    assert_eq!(
        (buf.as_ptr(), buf.len(), buf.capacity()),
        (start, 10, grown)
    );
}

#[test]
fn memory_that_a_decoder_reserved_is_given_up_too() {
    let mut buf = filled(10);
    buf.reserve(1_000_000);
    buf.make_room(0, None);
    buf.resize(1_000_000, 7);
    buf.advance(1_000_000 - KEPT - 1);
    buf.park();
    buf.clear();
    assert!(!buf.try_reclaim(pool::CAPACITY + 1));
}

#[test]
fn what_is_left_of_a_grown_buffer_does_not_wait_for_the_next_reader() {
    for parks in [false, true] {
        let mut buf = filled(pool::CAPACITY);
        buf.make_room(0, None);
        // So much room is left as in a lent buffer that may wait.
        let consumed = buf.capacity() - pool::CAPACITY / 2;
        buf.resize(consumed, 7);
        buf.advance(consumed);
        assert_eq!((buf.len(), buf.capacity()), (0, pool::CAPACITY / 2));
        if parks {
            buf.park();
        } else {
            buf.release_if_empty();
        }
        assert_eq!(filled(1).capacity(), pool::CAPACITY, "parks: {parks}");
    }
}
