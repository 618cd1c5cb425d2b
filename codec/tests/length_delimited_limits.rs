//! What is refused, and what a peer that only announces costs.

mod common;

use std::{io, task::Poll};

use bytes::BytesMut;
use codec::{
    Decoder, Encoder, FramedRead, LengthDelimitedBuildError, LengthDelimitedBuilder,
    LengthDelimitedCodec, LengthDelimitedError, Segments,
};
use common::{next_now, poll_next};
use futures::{StreamExt, executor::block_on, stream::FusedStream};
use io_traits::{pool, testing::Script};

fn options(max: usize) -> LengthDelimitedBuilder {
    LengthDelimitedCodec::builder(max)
}

fn build_error(options: LengthDelimitedBuilder) -> LengthDelimitedBuildError {
    options.build().unwrap_err()
}

fn is_unexpected_eof(error: &LengthDelimitedError) -> bool {
    matches!(error, LengthDelimitedError::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof)
}

#[test]
fn options_that_make_no_frames_are_errors_and_no_panics() {
    use LengthDelimitedBuildError::*;

    for length in [0, 9, 100, usize::MAX] {
        let options = options(10).length_field_length(length);
        assert_eq!(build_error(options), FieldLength);
    }
    for skip in [5, 6, 7] {
        let options = options(10).length_field_offset(4).num_skip(skip);
        assert_eq!(build_error(options), SkipInsideField);
    }
    for offset in [usize::MAX, usize::MAX - 3, isize::MAX as usize] {
        assert_eq!(
            build_error(options(10).length_field_offset(offset)),
            HeadTooLong
        );
    }
    assert_eq!(build_error(options(10).num_skip(usize::MAX)), HeadTooLong);
    // A field of one byte cannot count 256 bytes of its own frame.
    let narrow = options(10).length_field_length(1);
    assert_eq!(build_error(narrow.length_adjustment(-256)), NoFrameFits);
    // The item would hold a head of 4 bytes and have 3 at most.
    assert_eq!(build_error(options(3).num_skip(0)), NoFrameFits);
    assert_eq!(build_error(options(10).length_adjustment(11)), NoFrameFits);
    assert_eq!(
        build_error(options(10).length_adjustment(i64::MIN)),
        NoFrameFits
    );
    let error = io::Error::from(build_error(options(3).num_skip(0)));
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    let source = error.get_ref().unwrap();
    assert!(source.is::<LengthDelimitedBuildError>());
}

#[test]
fn the_maximum_is_what_was_said_or_what_the_field_can_express() {
    assert_eq!(LengthDelimitedCodec::new(1000).max_frame_length(), 1000);
    assert_eq!(LengthDelimitedCodec::new(0).max_frame_length(), 0);
    for (length, adjustment, max) in [(1, 0, 255), (1, -2, 253), (1, 100, 355), (2, 0, 65_535)] {
        let options = options(usize::MAX).length_field_length(length);
        let mut codec = options.length_adjustment(adjustment).build().unwrap();
        assert_eq!(codec.max_frame_length(), max);
        codec.set_max_frame_length(max - 1);
        assert_eq!(codec.max_frame_length(), max - 1);
        codec.set_max_frame_length(usize::MAX);
        assert_eq!(codec.max_frame_length(), max);
    }
    let codec = options(usize::MAX).length_field_length(8).build().unwrap();
    assert!(codec.max_frame_length() <= isize::MAX as usize);
}

#[test]
fn a_frame_over_the_maximum_is_the_last_item_and_is_known_by_its_head() {
    let script = Script::new()
        .gives(b"\0\0\0\x05right\0\0\0\x06")
        .never_gives();
    let mut frames = FramedRead::new(script, LengthDelimitedCodec::new(5));
    assert_eq!(next_now(&mut frames).unwrap().unwrap(), "right");
    let Poll::Ready(Some(Err(error))) = poll_next(&mut frames) else {
        panic!("the head is there");
    };
    assert!(matches!(
        error,
        LengthDelimitedError::FrameTooLong { field: 6 }
    ));
    assert_eq!(frames.get_ref().read_calls(), 1);
    for _ in 0..3 {
        assert!(frames.is_terminated());
        assert!(next_now(&mut frames).is_none());
    }
    let error = io::Error::from(error);
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    assert!(error.get_ref().unwrap().is::<LengthDelimitedError>());
    // For whoever wants to see what it was.
    assert_eq!(frames.into_parts().read_buf[..], [0, 0, 0, 6]);
}

#[test]
fn a_frame_is_too_long_as_soon_as_the_length_is_there() {
    // The head goes on behind the field.
    let mut codec = options(5)
        .length_field_length(1)
        .num_skip(9)
        .build()
        .unwrap();
    let error = codec.decode(&mut BytesMut::from("\x06")).unwrap_err();
    assert!(matches!(error, LengthDelimitedError::FrameTooLong { .. }));
}

/// The limit is one of the item, whatever the field counts. To compare it with the field lets a frame of
/// 110 bytes pass a limit of 10 if the adjustment is 100, and refuses one's own frames if it is negative.
#[test]
fn the_maximum_is_compared_with_the_item_in_both_directions() {
    for (adjustment, field) in [(0, 10_u32), (-4, 14), (7, 3), (10, 0), (-1000, 1010)] {
        let mut codec = options(10).length_adjustment(adjustment).build().unwrap();
        for (field, is_right) in [(field, true), (field + 1, false)] {
            let mut src = BytesMut::from(&field.to_be_bytes()[..]);
            src.extend_from_slice(&[7; 20]);
            assert_eq!(codec.decode(&mut src).is_ok(), is_right, "{adjustment}");
        }
        let mut queue = Segments::new();
        codec.encode(&[7; 10][..], &mut queue).unwrap();
        assert_eq!(common::bytes_of(queue)[..4], field.to_be_bytes());
        let error = codec.encode(&[7; 11][..], &mut Segments::new());
        assert!(matches!(
            error,
            Err(LengthDelimitedError::ItemTooLong { len: 11 })
        ));
    }
}

#[test]
fn a_maximum_lowered_at_rest_is_valid_for_the_next_frame() {
    let bytes = b"\0\0\0\x09abcdefghi";
    let script = Script::new().gives(bytes).would_block().gives(bytes);
    let mut frames = FramedRead::new(script, LengthDelimitedCodec::new(9));
    assert_eq!(block_on(frames.next()).unwrap().unwrap(), "abcdefghi");
    frames.decoder_mut().set_max_frame_length(8);
    let error = block_on(frames.next()).unwrap().unwrap_err();
    assert!(matches!(error, LengthDelimitedError::FrameTooLong { .. }));
}

#[test]
fn a_maximum_lowered_in_flight_lets_the_frame_under_way_through() {
    let bytes = b"\0\0\0\x09abcdefghi";
    for at in 0..bytes.len() {
        let (first, second) = bytes.split_at(at);
        let script = Script::new();
        let script = match at {
            0 => script,
            _ => script.gives(first),
        };
        let script = script.would_block().gives(second).gives(bytes);
        let mut frames = FramedRead::new(script, LengthDelimitedCodec::new(9));
        assert!(poll_next(&mut frames).is_pending());
        frames.decoder_mut().set_max_frame_length(8);
        if at >= 4 {
            assert_eq!(block_on(frames.next()).unwrap().unwrap(), "abcdefghi");
        }
        let error = block_on(frames.next()).unwrap().unwrap_err();
        assert!(matches!(error, LengthDelimitedError::FrameTooLong { .. }));
    }
}

#[test]
fn a_maximum_below_every_frame_refuses_every_frame() {
    let mut codec = options(10).length_adjustment(5).build().unwrap();
    codec.set_max_frame_length(4);
    assert!(codec.encode(&[7; 5][..], &mut Segments::new()).is_err());
    assert!(codec.encode(&[7; 4][..], &mut Segments::new()).is_err());
    assert!(codec.decode(&mut BytesMut::from(&[0; 9][..])).is_err());
}

#[test]
fn the_end_is_unexpected_unless_it_is_between_two_frames() {
    let bytes = b"\0\0\0\x05hello\0\0\0\0\0\0\0\x02ok";
    let ends = [9, 13, 19];
    for len in 0..=bytes.len() {
        for waits in [false, true] {
            let mut script = Script::new();
            if len > 0 {
                script = script.gives(&bytes[..len]);
            }
            if waits {
                script = script.would_block();
            }
            let mut frames = FramedRead::new(script, LengthDelimitedCodec::new(9));
            for _ in ends.iter().filter(|end| **end <= len) {
                assert!(block_on(frames.next()).unwrap().is_ok());
            }
            if len != 0 && !ends.contains(&len) {
                let error = block_on(frames.next()).unwrap().unwrap_err();
                assert!(is_unexpected_eof(&error), "{error} after {len} bytes");
            }
            assert!(block_on(frames.next()).is_none());
        }
    }
}

#[test]
fn a_stream_that_has_nothing_but_a_head_is_not_a_clean_end() {
    for head in [&b"\0\0\0\x03"[..], b"\0\0\0", b"\0", b"\0\0\0\x03a"] {
        let script = Script::new().gives(head);
        let mut frames = FramedRead::new(script, LengthDelimitedCodec::new(9));
        let error = block_on(frames.next()).unwrap().unwrap_err();
        let error = io::Error::from(error);
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        assert!(block_on(frames.next()).is_none());
    }
}

#[test]
fn an_error_of_the_reader_stays_what_it_is() {
    let script = Script::new()
        .gives(b"\0\0\0\x03a")
        .fails(io::ErrorKind::ConnectionReset);
    let mut frames = FramedRead::new(script, LengthDelimitedCodec::new(9));
    let error = block_on(frames.next()).unwrap().unwrap_err();
    assert_eq!(
        io::Error::from(error).kind(),
        io::ErrorKind::ConnectionReset
    );
}

#[test]
fn a_head_that_announces_gigabytes_reserves_nothing() {
    for (length, field) in [
        (4, u64::from(u32::MAX)),
        (8, 1 << 32),
        (8, i64::MAX as u64 - 8),
    ] {
        let options = options(usize::MAX).length_field_length(length);
        let codec = options.build().unwrap();
        let head = &field.to_be_bytes()[8 - length..];
        let script = Script::new().gives(head).never_gives();
        let mut frames = FramedRead::new(script, codec);
        if codec_refuses(field, length) {
            assert!(next_now(&mut frames).unwrap().is_err());
            continue;
        }
        assert!(poll_next(&mut frames).is_pending());
        assert_eq!(frames.read_buffer().capacity(), length);
    }
}

/// On 32 bits, where a length may be one that no buffer can have.
fn codec_refuses(field: u64, length: usize) -> bool {
    field > (isize::MAX as usize - length) as u64
}

#[test]
fn a_length_that_no_buffer_can_have_is_too_long() {
    for adjustment in [0, 1, -1, i64::MAX - 100] {
        let options = options(usize::MAX)
            .length_field_length(8)
            .length_adjustment(adjustment);
        let Ok(codec) = options.build() else {
            continue;
        };
        let script = Script::new().gives([0xff; 8]).never_gives();
        let mut frames = FramedRead::new(script, codec);
        let error = next_now(&mut frames).unwrap().unwrap_err();
        assert!(matches!(
            error,
            LengthDelimitedError::FrameTooLong { field: u64::MAX }
        ));
    }
}

#[test]
fn memory_grows_with_what_comes_of_a_long_frame() {
    let received = 200_000;
    let script = Script::new()
        .gives(u32::MAX.to_be_bytes())
        .gives(vec![0; received])
        .never_gives();
    let mut frames = FramedRead::new(script, LengthDelimitedCodec::new(usize::MAX));
    if codec_refuses(u64::from(u32::MAX), 4) {
        return;
    }
    assert!(poll_next(&mut frames).is_pending());
    assert_eq!(frames.read_buffer().len(), 4 + received);
    assert!(frames.read_buffer().capacity() <= 2 * (4 + received) + pool::CAPACITY);
}

#[test]
fn bytes_of_no_protocol_at_all_end_in_an_error_and_not_in_a_loop() {
    let script = Script::new().gives("GET / HTTP/1.1\r\nHost: example.org\r\n\r\n");
    let frames = FramedRead::new(script, LengthDelimitedCodec::new(1 << 20));
    let items: Vec<_> = block_on(frames.take(100).collect());
    assert_eq!(items.len(), 1);
    assert!(matches!(
        items[0],
        Err(LengthDelimitedError::FrameTooLong { field: 0x4745_5420 })
    ));
}
