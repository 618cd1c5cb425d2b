//! Which memory a reader holds, and when.

mod common;

use std::io;

use bytes::{Buf, BytesMut};
use codec::{
    AnyDelimiterCodec, BytesCodec, Decoder, Framed, FramedParts, FramedRead, LengthDelimitedCodec,
    LinesCodec, VarintDelimitedCodec,
};
use common::{Numbers, framed, next_now, poll_next};
use futures::executor::block_on;
use io_traits::{pool, testing::Script};

#[test]
fn an_idle_reader_holds_no_buffer() {
    let script = Script::new().gives(framed([1])).never_gives();
    let mut numbers = FramedRead::new(script, Numbers::default());
    assert_eq!(numbers.read_buffer().capacity(), 0);
    // Also not while its user is busy with the frame.
    assert!(poll_next(&mut numbers).is_ready());
    assert_eq!(numbers.read_buffer().capacity(), 0);
    assert!(poll_next(&mut numbers).is_pending());
    assert_eq!(numbers.read_buffer().capacity(), 0);
}

#[test]
fn an_error_behind_which_nothing_is_buffered_leaves_no_buffer() {
    // The last one is found in what was just read, or in what was there before.
    for lines in [&b"\xff\n"[..], b"\xff\n\xff\n"] {
        let script = Script::new().gives(lines).never_gives();
        let mut read = FramedRead::new(script, LinesCodec::new(80));
        for _ in lines.split(|byte| *byte == b'\n').skip(1) {
            assert!(next_now(&mut read).unwrap().is_err());
        }
        assert_eq!(read.read_buffer().capacity(), 0);
    }
}

#[test]
fn a_reader_at_its_end_holds_no_buffer_also_while_its_answers_are_flushed() {
    let script = Script::new().gives("one\n").never_takes();
    let mut lines = Framed::new(script, LinesCodec::new(80));
    assert!(poll_next(&mut lines).is_ready());
    block_on(lines.feed("answer")).unwrap();
    assert!(poll_next(&mut lines).is_pending());
    assert_eq!(lines.read_buffer().capacity(), 0);

    let mut lines = FramedRead::new(Script::new().gives("one"), LinesCodec::new(80));
    assert!(block_on(lines.next()).is_some());
    assert!(block_on(lines.next()).is_none());
    assert_eq!(lines.read_buffer().capacity(), 0);
}

#[test]
fn a_slow_reader_holds_the_bytes_it_has_got_and_no_more() {
    let half = "x".repeat(1_000);
    let script = Script::new()
        .gives(&half)
        .would_block()
        .gives(&half)
        .would_block()
        .gives("\n");
    let mut lines = FramedRead::new(script, LinesCodec::new(4_000));
    for received in [1_000, 2_000] {
        assert!(poll_next(&mut lines).is_pending());
        assert_eq!(lines.read_buffer().len(), received);
        assert_eq!(lines.read_buffer().capacity(), received);
    }
    assert_eq!(block_on(lines.next()).unwrap().unwrap(), half.repeat(2));
}

/// What a short item is a part of cannot be lent to anybody else.
#[test]
fn short_items_that_are_kept_leave_the_buffer_to_others_whatever_the_codec() {
    fn check<D: Decoder>(mut decoder: D, stream: &[u8], items: usize) {
        let mut buf = BytesMut::with_capacity(pool::CAPACITY);
        buf.extend_from_slice(stream);
        let mut kept = Vec::new();
        while let Ok(Some(item)) = decoder.decode(&mut buf) {
            kept.push(item);
        }
        assert_eq!((kept.len(), buf.len()), (items, 0));
        assert!(buf.try_reclaim(pool::CAPACITY), "a part of it is an item");
        drop(kept);
    }

    check(BytesCodec::new(), b"one", 1);
    check(LinesCodec::new(80), b"one\ntwo\r\n", 2);
    check(AnyDelimiterCodec::new(b';', 80), b"one;two;", 2);
    check(VarintDelimitedCodec::new(80), b"\x03one\x03two", 2);
    let lengths = b"\0\0\0\x03one\0\0\0\x03two";
    check(LengthDelimitedCodec::new(80), lengths, 2);
    let whole = LengthDelimitedCodec::builder(80)
        .num_skip(0)
        .length_adjustment(4);
    check(whole.build().unwrap(), lengths, 2);
}

/// A length of 4 bytes, then as many bytes, of which it believes every word.
#[derive(Debug, Default)]
struct Blobs {
    needed: usize,
}

impl Decoder for Blobs {
    type Item = usize;
    type Error = io::Error;

    fn decode(&mut self, src: &mut BytesMut) -> io::Result<Option<usize>> {
        self.needed = 0;
        let Some(head) = src.first_chunk() else {
            return Ok(None);
        };
        let frame = 4 + u32::from_be_bytes(*head) as usize;
        if src.len() < frame {
            self.needed = frame - src.len();
            return Ok(None);
        }
        src.advance(frame);
        Ok(Some(frame - 4))
    }

    fn needed(&self) -> usize {
        self.needed
    }
}

#[test]
fn memory_is_reserved_for_what_came_and_not_for_what_was_announced() {
    let announced = framed([u32::MAX]);
    let script = Script::new().gives(&announced).never_gives();
    let mut blobs = FramedRead::new(script, Blobs::default());
    assert!(poll_next(&mut blobs).is_pending());
    assert_eq!(blobs.read_buffer().capacity(), 4);

    let received = 200_000;
    let script = Script::new()
        .gives(&announced)
        .gives(vec![0; received])
        .never_gives();
    let mut blobs = FramedRead::new(script, Blobs::default());
    assert!(poll_next(&mut blobs).is_pending());
    assert_eq!(blobs.read_buffer().len(), 4 + received);
    assert!(blobs.read_buffer().capacity() <= 2 * (4 + received) + pool::CAPACITY);
}

#[test]
fn a_buffer_that_grew_for_one_frame_is_given_up_after_it() {
    for rest in [0, 1, 5_000] {
        let length = 1_000_000;
        let mut bytes = framed([length]);
        bytes.resize(4 + length as usize, 0);
        bytes.extend(framed([6_000]));
        bytes.resize(4 + length as usize + rest, 0);
        let script = Script::new().gives(bytes).never_gives();
        let mut blobs = FramedRead::new(script, Blobs::default());
        assert_eq!(next_now(&mut blobs).unwrap().unwrap(), length as usize);
        assert!(poll_next(&mut blobs).is_pending());
        assert_eq!(blobs.read_buffer().len(), rest);
        let capacity = blobs.read_buffer().capacity();
        let most = if rest <= 4096 { rest } else { pool::CAPACITY };
        assert!(capacity <= most, "{capacity} bytes for {rest}");
        // The memory is really gone, not only out of sight: a buffer keeps its front when it advances.
        let mut left = blobs.into_parts().read_buf;
        left.clear();
        assert!(!left.try_reclaim(pool::CAPACITY + 1));
    }
}

/// Somebody may have read with a buffer of his own before there were frames. What is left of it looks like a lent one.
#[test]
fn the_end_of_a_long_buffer_that_came_with_the_parts_is_not_read_into_as_a_whole() {
    let mut read_buf = BytesMut::with_capacity(1_000_000);
    read_buf.resize(950_004, 0);
    read_buf.advance(950_000);
    let mut parts = FramedParts::new(Script::new().never_gives(), Numbers::default());
    parts.read_buf = read_buf;
    let mut numbers = FramedRead::from_parts(parts);
    assert_eq!(next_now(&mut numbers).unwrap().unwrap(), 0);

    let script = Script::new().gives(vec![0; 500_000]).never_gives();
    let mut numbers = FramedRead::new(script, Numbers::default());
    assert_eq!(next_now(&mut numbers).unwrap().unwrap(), 0);
    assert_eq!(numbers.read_buffer().len(), pool::CAPACITY - 4);
    let mut left = numbers.into_parts().read_buf;
    left.clear();
    assert!(!left.try_reclaim(pool::CAPACITY + 1));
}

#[test]
fn a_frame_that_was_expected_and_has_only_begun_holds_no_more_than_any_other() {
    const LENGTH: usize = 65_536;
    for rest in [0, 1, 5_000, 40_000] {
        let mut frame = framed([LENGTH as u32]);
        frame.resize(4 + LENGTH, 0);
        let mut bytes = frame.repeat(6);
        bytes.extend_from_slice(&frame[..rest]);
        let script = Script::new().gives(bytes).never_gives();
        let mut blobs = FramedRead::new(script, Blobs::default());
        for _ in 0..6 {
            assert_eq!(next_now(&mut blobs).unwrap().unwrap(), LENGTH);
        }
        assert!(poll_next(&mut blobs).is_pending());
        assert_eq!(blobs.read_buffer().len(), rest);
        let most = match rest {
            ..=4_096 => rest,
            4_097..=32_768 => pool::CAPACITY,
            // A frame and a read.
            _ => LENGTH + pool::CAPACITY + 4 * 4_096,
        };
        // Also what is in front of the rest, which its capacity does not tell.
        let mut left = blobs.into_parts().read_buf;
        left.clear();
        assert!(!left.try_reclaim(most + 1), "more than {most} for {rest}");
    }
}

#[test]
fn an_over_long_line_is_discarded_without_being_kept() {
    let mut script = Script::new();
    for _ in 0..100 {
        script = script.gives(vec![b'x'; 50_000]).would_block();
    }
    let script = script.gives("\nshort\n");
    let mut lines = FramedRead::new(script, LinesCodec::new(100));
    assert!(block_on(lines.next()).unwrap().is_err());
    for _ in 0..100 {
        assert!(poll_next(&mut lines).is_pending());
        assert_eq!(lines.read_buffer().capacity(), 0);
    }
    assert_eq!(block_on(lines.next()).unwrap().unwrap(), "short");
}
