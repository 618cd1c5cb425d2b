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
    buf.make_room(40_000, Expected::Anything);
    assert_eq!((buf.len(), buf.capacity()), (25_000, pool::CAPACITY));
    // The last few bytes of one that fits exactly are worth no growth either.
    let mut buf = filled(pool::CAPACITY - 10);
    buf.make_room(10, Expected::Anything);
    assert_eq!(buf.capacity(), pool::CAPACITY);
}

#[test]
fn room_grows_with_what_was_received_and_not_with_what_was_announced() {
    let mut buf = filled(4);
    buf.make_room(usize::MAX, Expected::Anything);
    assert_eq!(buf.capacity(), pool::CAPACITY);
    for _ in 0..6 {
        let received = buf.capacity();
        buf.resize(received, 7);
        buf.make_room(usize::MAX, Expected::Anything);
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
            buf.make_room(needed, Expected::Anything);
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
        buf.make_room(needed, Expected::Anything);
        let front = buf.as_ptr();
        assert!(buf.capacity() <= LEAST_ROOM + needed + LEAST_ROOM);
        buf.resize(LEAST_ROOM + needed, 7);
        assert_eq!(buf.as_ptr(), front);
    }
    // Nor is it in a buffer that has grown and is large enough.
    let mut buf = filled(pool::CAPACITY);
    buf.make_room(2 * READ, Expected::Anything);
    let (front, grown) = (buf.as_ptr(), buf.capacity());
    buf.resize(grown, 7);
    buf.advance(grown - 2 * LEAST_ROOM);
    buf.truncate(LEAST_ROOM);
    let needed = pool::CAPACITY - LEAST_ROOM;
    buf.make_room(needed, Expected::Anything);
    assert_eq!((buf.as_ptr(), buf.capacity()), (front, grown));
    // More is not worth that: as much as was said has to come first.
    let mut buf = filled(LEAST_ROOM);
    buf.make_room(READ + 1, Expected::Anything);
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
        buf.make_room(0, Expected::Anything);
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
    buf.make_room(0, Expected::Anything);
    let grown = buf.capacity();
    assert!(grown > pool::CAPACITY);
    let start = buf.as_ptr();
    buf.resize(grown, 7);
    buf.advance(grown - 10);
    buf.make_room(0, Expected::Anything);
    assert_eq!(
        (buf.as_ptr(), buf.len(), buf.capacity()),
        (start, 10, grown)
    );
}

#[test]
fn memory_that_a_decoder_reserved_is_given_up_too() {
    let mut buf = filled(10);
    buf.reserve(1_000_000);
    buf.make_room(0, Expected::Anything);
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
        buf.make_room(0, Expected::Anything);
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

/// Reads what is needed of a frame from somebody who has `given` to give; returns how much has come.
fn read_needed(buf: &mut ReadBuffer, needed: usize, given: usize) -> usize {
    let mut script = Script::new().gives(vec![7; given]);
    let mut cx = Context::from_waker(Waker::noop());
    match buf.poll_fill(&mut script, &mut cx, needed) {
        Poll::Ready(Ok(n)) => n,
        other => panic!("{other:?}"),
    }
}

#[test]
fn no_part_of_a_long_frame_is_read_to_where_not_all_of_it_has_room() {
    let mut buf = ReadBuffer::new(BytesMut::new());
    for _ in 0..2 {
        read_needed(&mut buf, 0, 4);
        read_needed(&mut buf, 39_996, 39_996);
        buf.clear();
        buf.release_if_empty();
    }
    // The next one comes in parts, and waits in a lent buffer.
    read_needed(&mut buf, 0, 10_000);
    read(&mut buf, 0);
    assert_eq!(buf.capacity(), pool::CAPACITY);
    assert_eq!(read_needed(&mut buf, 30_000, 60_000), 30_000 + LEAST_ROOM);
}

#[test]
fn memory_that_comes_back_from_in_front_counts_as_grown() {
    let mut buf = filled(100);
    buf.reserve(200_000);
    buf.resize(200_000, 7);
    buf.advance(200_000 - 60_000);
    buf.make_room(10_000, Expected::Anything);
    buf.advance(60_000 - 20_000);
    buf.park();
    assert_eq!((buf.len(), buf.capacity()), (20_000, pool::CAPACITY));
}

#[test]
fn memory_for_long_frames_that_a_decoder_has_had_grow_is_not_kept_for_others() {
    let mut buf = filled(10);
    buf.memory = Memory::Again;
    buf.reserve(1_000_000);
    buf.make_room(0, Expected::Anything);
    buf.resize(1_000_000, 7);
    let item = buf.split_to(1_000_000);
    buf.release_if_empty();
    drop(item);
    assert_eq!(again::take(1, 2_000_000).capacity(), 1);
}

#[test]
fn a_stream_that_is_taken_apart_leaves_the_buffers_of_others_alone() {
    for _ in 0..2 {
        again::give_back(BytesMut::with_capacity(123_456));
    }
    for _ in 0..2 {
        let mut buf = filled(10);
        buf.memory = Memory::Again;
        assert_eq!(buf.into_inner().len(), 10);
    }
    assert_eq!(again::take(100_000, 139_000).capacity(), 123_456);
}
