//! How items become frames, and frames become writes.

mod common;

use std::io;

use bytes::{Buf, Bytes, BytesMut};
use codec::{
    Encoder, FramedWrite, LengthDelimitedBuilder, LengthDelimitedCodec, LengthDelimitedError,
    Segments,
};
use common::bytes_of;
use futures::executor::block_on;
use io_traits::testing::Script;

type Frames = FramedWrite<Script, LengthDelimitedCodec>;

const THREE: &[u8] = b"\0\0\0\x09abcdefghi\0\0\0\x03123\0\0\0\x0bhello world";
const ITEMS: [&str; 3] = ["abcdefghi", "123", "hello world"];

fn options() -> LengthDelimitedBuilder {
    LengthDelimitedCodec::builder(1024)
}

fn frames(script: Script) -> Frames {
    FramedWrite::new(script, LengthDelimitedCodec::new(1024))
}

fn feed(frames: &mut Frames, item: &'static str) {
    block_on(frames.feed(Bytes::from(item))).unwrap();
}

fn encoded(options: LengthDelimitedBuilder, item: &[u8]) -> Vec<u8> {
    let mut queue = Segments::new();
    let mut codec = options.build().unwrap();
    codec.encode(item, &mut queue).unwrap();
    bytes_of(queue)
}

#[test]
fn nothing_fed_is_nothing_written() {
    let mut frames = frames(Script::new());
    block_on(frames.flush()).unwrap();
    assert_eq!(frames.get_ref().write_calls(), 0);
}

#[test]
fn one_frame_is_one_write() {
    let mut frames = frames(Script::new());
    feed(&mut frames, "abcdefghi");
    assert_eq!(frames.get_ref().write_calls(), 0);
    block_on(frames.flush()).unwrap();
    assert_eq!(frames.get_ref().written(), &THREE[..13]);
    assert_eq!(frames.get_ref().write_calls(), 1);
}

#[test]
fn three_frames_are_one_write() {
    let mut frames = frames(Script::new());
    for item in ITEMS {
        feed(&mut frames, item);
    }
    block_on(frames.flush()).unwrap();
    assert_eq!(frames.get_ref().written(), THREE);
    assert_eq!(frames.get_ref().write_calls(), 1);
}

#[test]
fn three_frames_with_a_flush_each_are_three_writes() {
    let mut frames = frames(Script::new());
    for item in ITEMS {
        feed(&mut frames, item);
        block_on(frames.flush()).unwrap();
    }
    assert_eq!(frames.get_ref().written(), THREE);
    assert_eq!(frames.get_ref().write_calls(), 3);
}

#[test]
fn a_write_may_block_inside_a_head_and_between_head_and_payload() {
    let script = Script::new()
        .write_would_block()
        .takes(2)
        .write_would_block()
        .takes(2)
        .write_would_block()
        .takes(9);
    let mut frames = frames(script);
    feed(&mut frames, "abcdefghi");
    block_on(frames.flush()).unwrap();
    assert_eq!(frames.get_ref().written(), &THREE[..13]);
}

#[test]
fn an_empty_item_is_a_head() {
    assert_eq!(encoded(options(), b""), [0; 4]);
}

#[test]
fn the_order_of_the_bytes_is_an_option() {
    assert_eq!(encoded(options(), b"abc"), b"\0\0\0\x03abc");
    let little = options().little_endian();
    assert_eq!(encoded(little, b"abc"), b"\x03\0\0\0abc");
    let native = encoded(options().native_endian(), b"abc");
    assert_eq!(native[..4], 3_u32.to_ne_bytes());
    let three = options().length_field_length(3).little_endian();
    assert_eq!(encoded(three, &[7; 0x201])[..3], [1, 2, 0]);
    let three = options().length_field_length(3);
    assert_eq!(encoded(three, &[7; 0x201])[..3], [0, 2, 1]);
}

#[test]
fn a_field_may_have_one_byte() {
    let short = options().length_field_length(1);
    assert_eq!(encoded(short, b"abcdefghi"), b"\x09abcdefghi");
}

#[test]
fn the_adjustment_is_subtracted() {
    let options = || options().length_field_length(2);
    let includes_head = options().length_adjustment(-2);
    assert_eq!(encoded(includes_head, b"abcdefghi"), b"\0\x0babcdefghi");
    let counts_less = options().length_adjustment(2);
    assert_eq!(encoded(counts_less, b"abcdefghi"), b"\0\x07abcdefghi");
}

#[test]
fn what_the_decoder_skips_is_written_as_zeros() {
    let options = || options().length_field_length(1).length_field_offset(3);
    assert_eq!(encoded(options(), b"abc"), b"\0\0\0\x03abc");
    let skips_behind = options().num_skip(6);
    assert_eq!(encoded(skips_behind, b"abc"), b"\0\0\0\x03\0\0abc");
}

#[test]
fn a_field_inside_the_item_is_filled_in() {
    let options = || options().length_field_length(2).length_field_offset(2);
    let kept = options().num_skip(0).length_adjustment(4);
    assert_eq!(encoded(kept, b"xx??abc"), b"xx\0\x03abc");
    let half_kept = options().num_skip(1).length_adjustment(3);
    assert_eq!(encoded(half_kept, b"x??abc"), b"\0x\0\x03abc");
    let just_the_field = options().num_skip(2).length_adjustment(2);
    assert_eq!(encoded(just_the_field, b"??abc"), b"\0\0\0\x03abc");
}

#[test]
fn an_item_without_room_for_its_head_is_an_error() {
    let kept = options().num_skip(0).length_adjustment(4);
    let mut codec = kept.build().unwrap();
    for len in 0..4 {
        let mut queue = Segments::new();
        let error = codec.encode(&b"\0\0\0\0"[..len], &mut queue).unwrap_err();
        assert!(matches!(error, LengthDelimitedError::ItemTooShort { len: n } if n == len));
        assert_eq!(io::Error::from(error).kind(), io::ErrorKind::InvalidInput);
        assert!(queue.is_empty());
    }
    assert!(codec.encode(&b"\0\0\0\0"[..], &mut Segments::new()).is_ok());
}

#[test]
fn an_item_shorter_than_the_adjustment_has_no_length() {
    let mut codec = options().length_adjustment(2).build().unwrap();
    let mut queue = Segments::new();
    let error = codec.encode(&b"a"[..], &mut queue).unwrap_err();
    assert!(matches!(
        error,
        LengthDelimitedError::ItemTooShort { len: 1 }
    ));
    assert!(codec.encode(&b"ab"[..], &mut queue).is_ok());
    assert_eq!(bytes_of(queue), b"\0\0\0\0ab");
}

#[test]
fn an_item_over_the_maximum_is_an_error_and_the_queue_is_as_it_was() {
    let mut frames = frames(Script::new());
    frames.encoder_mut().set_max_frame_length(5);
    feed(&mut frames, "right");
    let queued = frames.write_buffer().len();
    let error = block_on(frames.feed(Bytes::from("too long"))).unwrap_err();
    assert!(matches!(
        error,
        LengthDelimitedError::ItemTooLong { len: 8 }
    ));
    let error = io::Error::from(error);
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    assert!(error.get_ref().unwrap().is::<LengthDelimitedError>());
    assert_eq!(frames.write_buffer().len(), queued);
    feed(&mut frames, "fine");
    block_on(frames.flush()).unwrap();
    assert_eq!(frames.get_ref().written(), b"\0\0\0\x05right\0\0\0\x04fine");
}

/// A length that does not fit its field must not be cut off: the peer would read 0, and the payload as
/// the frames behind.
#[test]
fn an_item_that_its_field_cannot_count_is_an_error_and_the_queue_is_as_it_was() {
    let payload = Bytes::from(vec![7; 0x1_0000]);
    for length in [1, 2] {
        let codec = LengthDelimitedCodec::builder(usize::MAX)
            .length_field_length(length)
            .build()
            .unwrap();
        let most = (1 << (8 * length)) - 1;
        let mut frames = FramedWrite::new(Script::new(), codec).with_high_water_bytes(1 << 20);
        block_on(frames.feed(payload.slice(..most))).unwrap();
        let queued = frames.write_buffer().len();
        assert_eq!(queued, length + most);
        let error = block_on(frames.feed(payload.slice(..=most))).unwrap_err();
        assert!(matches!(error, LengthDelimitedError::ItemTooLong { len } if len == most + 1));
        assert_eq!(frames.write_buffer().len(), queued);
        assert_eq!(frames.encoder().max_frame_length(), most);
    }
}

#[test]
fn a_maximum_lowered_at_rest_is_valid_for_the_next_item() {
    let mut frames = frames(Script::new());
    block_on(frames.send(Bytes::from("abcdef"))).unwrap();
    frames.encoder_mut().set_max_frame_length(5);
    assert!(block_on(frames.feed(Bytes::from("abcdef"))).is_err());
    assert_eq!(frames.get_ref().written(), b"\0\0\0\x06abcdef");
}

#[test]
fn a_maximum_lowered_in_flight_does_not_concern_what_is_queued() {
    let script = Script::new().takes(1).takes(2).never_takes();
    let mut frames = frames(script);
    feed(&mut frames, "abcdef");
    // A part of the head is out.
    let mut flush = Box::pin(frames.flush());
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(flush.as_mut().poll(&mut cx).is_pending());
    drop(flush);
    assert_eq!(frames.get_ref().written(), b"\0\0\0");
    frames.encoder_mut().set_max_frame_length(5);
    frames.get_mut().unblock_writes();
    block_on(frames.flush()).unwrap();
    assert_eq!(frames.get_ref().written(), b"\0\0\0\x06abcdef");
    assert!(block_on(frames.feed(Bytes::from("abcdef"))).is_err());
}

#[test]
fn a_writer_that_takes_nothing_is_an_error() {
    let mut frames = frames(Script::new().takes(0));
    feed(&mut frames, "abcdefghi");
    let error = block_on(frames.flush()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::WriteZero);
    let queue = &frames.into_parts().write_buf;
    assert_eq!(queue.len(), 13);
}

#[test]
fn bytes_of_every_owner_are_encoded_alike() {
    for len in [0, 3, 1000, 1024, 5000] {
        let payload = vec![7; len];
        let mut with_room = payload.clone();
        with_room.reserve(100);
        let mut codec = LengthDelimitedCodec::new(5000);
        let mut queue = Segments::new();
        codec.encode(&payload[..], &mut queue).unwrap();
        let expected = bytes_of(queue);
        assert_eq!(expected.len(), 4 + len);
        for round in 0..4 {
            let mut queue = Segments::new();
            match round {
                0 => codec.encode(Bytes::from(payload.clone()), &mut queue),
                1 => codec.encode(BytesMut::from(&payload[..]), &mut queue),
                2 => codec.encode(payload.clone(), &mut queue),
                _ => codec.encode(with_room.clone(), &mut queue),
            }
            .unwrap();
            assert_eq!(bytes_of(queue), expected);
        }
    }
}

#[test]
fn a_large_payload_is_referenced_also_behind_a_head_of_its_own() {
    let payload = Bytes::from(vec![7; 5000]);
    let kept = LengthDelimitedCodec::builder(5000).num_skip(0);
    for (options, in_head) in [(LengthDelimitedCodec::builder(5000), 0), (kept, 4)] {
        let mut queue = Segments::new();
        let mut codec = options.build().unwrap();
        codec.encode(payload.clone(), &mut queue).unwrap();
        queue.advance(4);
        assert_eq!(queue.chunk().as_ptr(), payload[in_head..].as_ptr());
        // A slice of the heap that is given away is not copied either.
        let vec = vec![7; 5000];
        let address = vec[in_head..].as_ptr();
        let mut queue = Segments::new();
        codec.encode(vec, &mut queue).unwrap();
        queue.advance(4);
        assert_eq!(queue.chunk().as_ptr(), address);
    }
}
