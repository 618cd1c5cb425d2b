//! What `VarintDelimitedCodec` makes of bytes, and of items.

mod common;

use std::io;

use bytes::{Bytes, BytesMut};
use codec::{
    Decoder, Encoder, FramedRead, FramedWrite, Segments, VarintDelimitedCodec, VarintDelimitedError,
};
use common::{bytes_of, next_now, poll_next};
use futures::{TryStreamExt, executor::block_on};
use io_traits::testing::Script;

/// The messages `{1: 150}`, empty, and `{2: "testing"}`, as protobuf's own implementations write them
/// with their lengths before them.
const MESSAGES: &[u8] = b"\x03\x08\x96\x01\x00\x09\x12\x07testing";

#[test]
fn a_stream_of_protobuf_messages_is_cut_into_messages() {
    let frames = FramedRead::new(MESSAGES, VarintDelimitedCodec::new(80));
    let frames: Vec<_> = block_on(frames.try_collect()).unwrap();
    assert_eq!(frames, [&b"\x08\x96\x01"[..], b"", b"\x12\x07testing"]);
}

#[test]
fn every_split_of_the_input_gives_the_same_frames() {
    let long = [b"\xac\x02", &[7; 300][..]].concat();
    let bytes = [MESSAGES, &long, b"\x85\x80\x00again"].concat();
    for at in 1..bytes.len() {
        let script = Script::new()
            .gives(&bytes[..at])
            .would_block()
            .gives(&bytes[at..]);
        let frames = FramedRead::new(script, VarintDelimitedCodec::new(300));
        let frames: Vec<_> = block_on(frames.try_collect()).unwrap();
        assert_eq!(frames.len(), 5, "split at {at}");
        assert_eq!(frames[3], [7; 300][..]);
        assert_eq!(frames[4], "again");
    }
}

#[test]
fn the_end_is_unexpected_unless_it_is_between_two_frames() {
    let bytes = [b"\xac\x02", &[7; 300][..]].concat();
    for end in 1..bytes.len() {
        let mut frames = FramedRead::new(&bytes[..end], VarintDelimitedCodec::new(300));
        let Some(Err(VarintDelimitedError::Io(error))) = block_on(frames.next()) else {
            panic!("the stream ends after {end} bytes");
        };
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        assert!(block_on(frames.next()).is_none());
    }
}

#[test]
fn a_frame_over_the_maximum_is_the_last_item_and_is_known_by_its_head() {
    for (head, announced) in [
        (&b"\x06"[..], 6),
        (b"\xff\xff\xff\xff\x0f", u64::from(u32::MAX)),
        (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", u64::MAX),
    ] {
        let script = Script::new().gives(b"\x05fives").gives(head).never_gives();
        let mut frames = FramedRead::new(script, VarintDelimitedCodec::new(5));
        assert_eq!(next_now(&mut frames).unwrap().unwrap(), "fives");
        let Some(Err(VarintDelimitedError::FrameTooLong { len })) = next_now(&mut frames) else {
            panic!("the frame is too long");
        };
        assert_eq!(len, announced);
        assert!(next_now(&mut frames).is_none());
        assert_eq!(frames.read_buffer()[..], *head);
    }
}

/// Together with its head it would have a length that is no number at all.
#[test]
fn a_length_that_no_buffer_can_have_is_too_long_whatever_the_maximum() {
    let codec = VarintDelimitedCodec::new(usize::MAX);
    let longest = isize::MAX as u64 - 10;
    assert_eq!(codec.max_frame_length() as u64, longest);
    for len in [longest + 1, isize::MAX as u64, u64::MAX - 9, u64::MAX] {
        let head = head_of(len);
        let script = Script::new().gives(&head).never_gives();
        let mut frames = FramedRead::new(script, codec.clone());
        let Some(Err(VarintDelimitedError::FrameTooLong { len: told })) = next_now(&mut frames)
        else {
            panic!("a frame of {len} bytes");
        };
        assert_eq!(told, len);
    }
    // The longest is announced, and costs its head.
    let script = Script::new().gives(head_of(longest)).never_gives();
    let mut frames = FramedRead::new(script, codec);
    assert!(poll_next(&mut frames).is_pending());
    assert!(frames.read_buffer().capacity() <= 10);
}

/// In groups of seven bits, the lowest first.
fn head_of(mut len: u64) -> Vec<u8> {
    let mut head = Vec::new();
    while len >= 0x80 {
        head.push(len as u8 | 0x80);
        len >>= 7;
    }
    head.push(len as u8);
    head
}

#[test]
fn a_length_without_an_end_is_an_error_after_ten_bytes() {
    let script = Script::new().gives([0x80; 9]).would_block().gives([0x80]);
    let mut frames = FramedRead::new(script.never_gives(), VarintDelimitedCodec::new(usize::MAX));
    assert!(poll_next(&mut frames).is_pending());
    let Some(Err(VarintDelimitedError::LengthOverflow)) = next_now(&mut frames) else {
        panic!("no length has eleven bytes");
    };
    assert!(next_now(&mut frames).is_none());
}

#[test]
fn a_head_that_announces_gigabytes_reserves_nothing() {
    let script = Script::new().gives(b"\xff\xff\xff\xff\x0fx").never_gives();
    let mut frames = FramedRead::new(script, VarintDelimitedCodec::new(usize::MAX));
    assert!(poll_next(&mut frames).is_pending());
    assert_eq!(frames.read_buffer().capacity(), 6);
    assert_eq!(frames.decoder().needed(), u32::MAX as usize - 1);
}

#[test]
fn what_is_encoded_is_decoded_whoever_owns_it() {
    let mut codec = VarintDelimitedCodec::new(70_000);
    for len in [0, 1, 127, 128, 1023, 1024, 16_383, 16_384, 70_000] {
        let item: Vec<u8> = (0..len).map(|i| i as u8).collect();
        let mut queue = Segments::new();
        codec.encode(&item[..], &mut queue).unwrap();
        codec.encode(item.clone(), &mut queue).unwrap();
        codec.encode(BytesMut::from(&item[..]), &mut queue).unwrap();
        codec.encode(Bytes::from(item.clone()), &mut queue).unwrap();
        let mut bytes = BytesMut::from(&bytes_of(queue)[..]);
        for _ in 0..4 {
            assert!(codec.decode(&mut bytes).unwrap().unwrap() == item, "{len}");
        }
        assert!(bytes.is_empty());
    }
}

#[test]
fn an_item_over_the_maximum_is_an_error_and_the_queue_is_as_it_was() {
    let mut frames = FramedWrite::new(Script::new(), VarintDelimitedCodec::new(5));
    block_on(async {
        frames.feed(&b"one"[..]).await.unwrap();
        for item in [Bytes::from_static(b"eleven"), Bytes::from(vec![7; 5_000])] {
            let expected = item.len();
            let error = frames.feed(item).await.unwrap_err();
            let VarintDelimitedError::ItemTooLong { len } = error else {
                panic!("{error}");
            };
            assert_eq!(len, expected);
        }
        frames.send(&b"two"[..]).await.unwrap();
    });
    assert_eq!(frames.get_ref().written(), b"\x03one\x03two");
}
