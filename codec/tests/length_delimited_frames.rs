//! How a stream is cut into frames that say how long they are.

mod common;

use std::io;

use std::task::Poll;

use bytes::{Buf, Bytes, BytesMut};
use codec::{
    Decoder, FramedRead, LengthDelimitedBuilder, LengthDelimitedCodec, LengthDelimitedError,
};
use common::{Drip, next_now, poll_next};
use futures::{TryStreamExt, executor::block_on};
use io_traits::{pool, testing::Script};

const THREE: &[u8] = b"\0\0\0\x09abcdefghi\0\0\0\x03123\0\0\0\x0bhello world";
const ITEMS: [&str; 3] = ["abcdefghi", "123", "hello world"];

fn options() -> LengthDelimitedBuilder {
    LengthDelimitedCodec::builder(1024)
}

fn plain() -> LengthDelimitedCodec {
    LengthDelimitedCodec::new(1024)
}

fn items(script: Script, codec: LengthDelimitedCodec) -> Vec<BytesMut> {
    block_on(FramedRead::new(script, codec).try_collect()).unwrap()
}

fn items_of(bytes: &[u8], options: LengthDelimitedBuilder) -> Vec<BytesMut> {
    items(Script::new().gives(bytes), options.build().unwrap())
}

#[test]
fn an_empty_stream_has_no_frames() {
    assert!(items(Script::new(), plain()).is_empty());
}

#[test]
fn one_frame_in_one_read() {
    assert_eq!(items_of(b"\0\0\0\x03abc", options()), ["abc"]);
}

#[test]
fn the_order_of_the_bytes_is_an_option() {
    assert_eq!(items_of(b"\0\0\0\x03abc", options().big_endian()), ["abc"]);
    assert_eq!(
        items_of(b"\x03\0\0\0abc", options().little_endian()),
        ["abc"]
    );
    let mut native = 3_u32.to_ne_bytes().to_vec();
    native.extend(b"abc");
    assert_eq!(items_of(&native, options().native_endian()), ["abc"]);
    // What is said last is valid.
    let both = options().little_endian().big_endian();
    assert_eq!(items_of(b"\0\0\0\x03abc", both), ["abc"]);
}

#[test]
fn an_empty_frame_is_a_frame() {
    let bytes = b"\0\0\0\0\0\0\0\x01x\0\0\0\0";
    assert_eq!(items_of(bytes, options()), ["", "x", ""]);
}

#[test]
fn three_frames_in_one_read() {
    assert_eq!(items_of(THREE, options()), ITEMS);
}

#[test]
fn three_frames_in_several_reads() {
    let script = || Script::new().gives(b"\0\0").gives(b"\0\x09abc");
    let script = || script().gives(b"defghi").gives(&THREE[13..15]);
    let script = || script().gives(&THREE[15..21]).gives(&THREE[21..]);
    assert_eq!(items(script(), plain()), ITEMS);
    // Three of them in the first frame alone.
    assert_eq!(items(script().gives(b"\0\0\0\x01x"), plain())[..3], ITEMS);
}

#[test]
fn three_frames_with_waits_in_heads_and_payloads() {
    let script = Script::new()
        .gives(b"\0\0")
        .would_block()
        .gives(b"\0\x09abc")
        .would_block()
        .gives(b"def")
        .would_block()
        .gives(b"ghi")
        .would_block()
        .gives(b"\0\0\0\x0312")
        .would_block()
        .gives(b"3\0\0\0\x0bhello world")
        .would_block();
    assert_eq!(items(script, plain()), ITEMS);
}

#[test]
fn a_frame_that_waits_is_pending_and_then_there() {
    let script = Script::new()
        .gives(b"\0\0\0\x03")
        .would_block()
        .gives(b"a")
        .would_block()
        .gives(b"bc");
    let mut frames = FramedRead::new(script, plain());
    assert!(poll_next(&mut frames).is_pending());
    assert!(poll_next(&mut frames).is_pending());
    assert_eq!(block_on(frames.next()).unwrap().unwrap(), "abc");
    assert!(block_on(frames.next()).is_none());
}

#[test]
fn how_the_stream_is_cut_changes_nothing() {
    for at in 0..=THREE.len() {
        let (first, second) = THREE.split_at(at);
        let mut cut = Script::new();
        if !first.is_empty() {
            cut = cut.gives(first).would_block();
        }
        assert_eq!(items(cut.gives(second), plain()), ITEMS, "cut at {at}");
    }
    for piece in 1..THREE.len() {
        let frames = FramedRead::new(Drip::new(THREE, piece), plain());
        let frames: Vec<_> = block_on(frames.try_collect()).unwrap();
        assert_eq!(frames, ITEMS, "pieces of {piece}");
    }
}

#[test]
fn fields_of_every_length() {
    for length in 1..=8 {
        let mut big = vec![0; length];
        big[length - 1] = 3;
        let mut little = vec![0; length];
        little[0] = 3;
        for (field, options) in [(big, options()), (little, options().little_endian())] {
            let bytes = [&field[..], b"abc", &field[..], b"123"].concat();
            let codec = options.length_field_length(length).build().unwrap();
            assert_eq!(items(Script::new().gives(bytes), codec), ["abc", "123"]);
        }
    }
}

#[test]
fn a_length_is_read_whole() {
    let mut codec = options().length_field_length(3).build().unwrap();
    let error = codec
        .decode(&mut BytesMut::from("\x01\x02\x03"))
        .unwrap_err();
    let LengthDelimitedError::FrameTooLong { field } = error else {
        panic!("{error}");
    };
    assert_eq!(field, 0x01_02_03);
}

#[test]
fn what_stands_before_the_field_is_skipped() {
    let options = options().length_field_length(2).length_field_offset(4);
    let bytes = b"zzzz\0\x09abcdefghiyyyy\0\x03123";
    assert_eq!(items_of(bytes, options), ["abcdefghi", "123"]);
}

#[test]
fn what_stands_behind_the_field_is_skipped_if_that_is_said() {
    let options = || options().length_field_length(1).num_skip(4);
    // The field counts the item.
    assert_eq!(items_of(b"\x03zzzabc\0yyy", options()), ["abc", ""]);
    // The field counts all that is behind it.
    let behind = options().length_adjustment(-3);
    assert_eq!(items_of(b"\x06zzzabc\x03yyy", behind), ["abc", ""]);
    // The field counts the whole frame.
    let whole = options().length_adjustment(-4);
    assert_eq!(items_of(b"\x07zzzabc\x04yyy", whole), ["abc", ""]);
}

#[test]
fn the_head_is_kept_if_nothing_is_skipped() {
    let options = || options().length_field_length(2).length_field_offset(2);
    let bytes = b"xx\0\x09abcdefghiyy\0\x03123zz\0\x0bhello world";
    // The field counts what is behind it: the head of 4 bytes is added.
    let kept = options().num_skip(0).length_adjustment(4);
    let frames = items_of(bytes, kept);
    assert_eq!(frames, [&bytes[..13], &bytes[13..20], &bytes[20..]]);
    // The same without the two bytes in front of the field.
    let kept = options().num_skip(2).length_adjustment(2);
    let frames = items_of(bytes, kept);
    assert_eq!(frames, [&bytes[2..13], &bytes[15..20], &bytes[22..]]);
}

/// To keep the head without adding its length means that the field counts it. Read otherwise, the end of
/// each frame would be taken for the head of the next.
#[test]
fn a_head_that_is_kept_is_counted_by_the_field_if_nothing_is_added() {
    let options = || options().length_field_length(2).num_skip(0);
    let bytes = b"\0\x05abc\0\x02\0\x03x";
    assert_eq!(
        items_of(bytes, options()),
        [&b"\0\x05abc"[..], b"\0\x02", b"\0\x03x"]
    );
    // A frame that ends inside its own head is an error and not a shorter frame.
    for field in 0..2 {
        let mut codec = options().build().unwrap();
        let mut src = BytesMut::from(&[0, field, b'a', b'b', b'c'][..]);
        let error = codec.decode(&mut src).unwrap_err();
        assert!(matches!(error, LengthDelimitedError::FrameTooShort { .. }));
        assert!(codec.is_fatal(&error));
    }
}

#[test]
fn a_length_may_include_the_head() {
    let options = options().length_field_length(2).length_adjustment(-2);
    let bytes = b"\0\x0babcdefghi\0\x05123\0\x02\0\x0dhello world";
    assert_eq!(
        items_of(bytes, options),
        ["abcdefghi", "123", "", "hello world"]
    );
}

#[test]
fn a_length_that_is_negative_after_the_adjustment_is_an_error() {
    let codec = options().length_field_length(2).length_adjustment(-2);
    let script = Script::new().gives(b"\0\x03x\0\x01\0\x03y");
    let mut frames = FramedRead::new(script, codec.build().unwrap());
    assert_eq!(block_on(frames.next()).unwrap().unwrap(), "x");
    let error = block_on(frames.next()).unwrap().unwrap_err();
    assert!(matches!(
        error,
        LengthDelimitedError::FrameTooShort { field: 1 }
    ));
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::InvalidData);
    assert!(block_on(frames.next()).is_none());
}

#[test]
fn a_thousand_frames_in_one_read_are_a_thousand_items() {
    let bytes: Vec<u8> = (0..1_000_u32)
        .flat_map(|i| [[0, 0, 0, 4], i.to_be_bytes()].concat())
        .collect();
    let script = Script::new().gives(bytes).never_gives();
    let mut frames = FramedRead::new(script, plain());
    for i in 0..1_000_u32 {
        let frame = next_now(&mut frames).unwrap().unwrap();
        assert_eq!(frame[..], i.to_be_bytes());
        assert_eq!(frames.get_ref().read_calls(), 1);
    }
    assert!(poll_next(&mut frames).is_pending());
    assert_eq!(frames.get_ref().read_calls(), 2);
}

#[test]
fn a_codec_in_the_place_of_another_sees_whole_frames() {
    let script = Script::new()
        .gives(b"\0\0\0\x05he")
        .would_block()
        .gives(b"llo");
    let mut frames = FramedRead::new(script, plain());
    assert!(poll_next(&mut frames).is_pending());
    let mut frames =
        frames.map_codec(|_| options().num_skip(0).length_adjustment(4).build().unwrap());
    let frame = block_on(frames.next()).unwrap().unwrap();
    assert_eq!(frame[..], b"\0\0\0\x05hello"[..]);
}

#[test]
fn shared_items_are_not_copied_and_are_the_same_items() {
    let read = |codec: LengthDelimitedCodec| {
        let script = Script::new().gives(THREE).never_gives();
        let mut frames = FramedRead::new(script, codec);
        let mut next = || match poll_next(&mut frames) {
            Poll::Ready(Some(Ok(frame))) => frame,
            other => panic!("a frame is there: {other:?}"),
        };
        [next(), next(), next()]
    };
    let shared = read(plain().with_shared_items());
    assert_eq!(shared, read(plain()));
    // They lie as they came: a head is between the one and the other.
    for pair in shared.windows(2) {
        let end = pair[0].as_ptr().wrapping_add(pair[0].len());
        assert_eq!(pair[1].as_ptr(), end.wrapping_add(4));
    }
}

#[test]
fn a_long_frame_is_not_copied() {
    let len = 50_000;
    let mut codec = LengthDelimitedCodec::new(len);
    let mut src = BytesMut::with_capacity(pool::CAPACITY);
    src.extend_from_slice(&(len as u32).to_be_bytes());
    src.resize(4 + len, 7);
    let address = src[4..].as_ptr();
    let item = codec.decode(&mut src).unwrap().unwrap();
    assert_eq!((item.as_ptr(), item.len()), (address, len));
    let item: Bytes = item.freeze();
    assert_eq!(item.chunk().as_ptr(), address);
}
