//! What `AnyDelimiterCodec` makes of bytes, and of items.

mod common;

use bytes::{Bytes, BytesMut};
use codec::{AnyDelimiterCodec, AnyDelimiterError, Encoder, FramedRead, FramedWrite, Segments};
use common::{bytes_of, poll_next};
use futures::{StreamExt, TryStreamExt, executor::block_on};
use io_traits::testing::Script;

fn decoded(bytes: &[u8], codec: AnyDelimiterCodec) -> Vec<String> {
    let frames = FramedRead::new(bytes, codec);
    let frames: Vec<_> = block_on(frames.collect());
    frames
        .into_iter()
        .map(|frame| match frame {
            Ok(frame) => frame.escape_ascii().to_string(),
            Err(error) => format!("error: {error}"),
        })
        .collect()
}

const TOO_LONG: &str = "error: a frame is longer than the maximum";

#[test]
fn each_delimiter_ends_a_frame_and_two_in_a_row_an_empty_one() {
    let codec = || AnyDelimiterCodec::new(b';', 80).or(b',').or(b'\n').or(0);
    let frames = decoded(b"one,two;;three\nfour\0five", codec());
    assert_eq!(frames, ["one", "two", "", "three", "four", "five"]);
    assert_eq!(decoded(b"", codec()), [""; 0]);
    assert_eq!(decoded(b"end;", codec()), ["end"]);
    assert_eq!(decoded(b";", codec()), [""]);
}

#[test]
fn every_split_of_the_input_gives_the_same_frames() {
    let bytes = b"one,two;;far too long;three\n";
    let codec = || AnyDelimiterCodec::new(b';', 5).or(b',').or(b'\n');
    let whole = decoded(bytes, codec());
    assert_eq!(whole, ["one", "two", "", TOO_LONG, "three"]);
    for at in 1..bytes.len() {
        let script = Script::new()
            .gives(&bytes[..at])
            .would_block()
            .gives(&bytes[at..]);
        let frames: Vec<_> = block_on(FramedRead::new(script, codec()).collect());
        let frames: Vec<_> = frames
            .iter()
            .map(|frame| match frame {
                Ok(frame) => frame.escape_ascii().to_string(),
                Err(error) => format!("error: {error}"),
            })
            .collect();
        assert_eq!(frames, whole, "split at {at}");
    }
}

#[test]
fn a_frame_over_the_limit_is_one_error_and_the_next_frames_decode() {
    let codec = || AnyDelimiterCodec::new(b';', 5);
    assert_eq!(
        decoded(b"12345;123456;ok;", codec()),
        ["12345", TOO_LONG, "ok"]
    );
    assert_eq!(decoded(b"ok;123456", codec()), ["ok", TOO_LONG]);
    // As soon as the limit is passed, once, and without keeping what is discarded.
    let mut script = Script::new().gives(b"123456").would_block();
    for _ in 0..10 {
        script = script.gives(vec![b'x'; 50_000]).would_block();
    }
    let mut frames = FramedRead::new(script.gives(b";ok;"), codec());
    let Some(Err(AnyDelimiterError::TooLong)) = block_on(frames.next()) else {
        panic!("the error comes before the delimiter does");
    };
    for _ in 0..10 {
        assert!(poll_next(&mut frames).is_pending());
        assert_eq!(frames.read_buffer().capacity(), 0);
    }
    assert_eq!(block_on(frames.next()).unwrap().unwrap(), "ok");
}

#[test]
fn a_frame_at_the_limit_may_wait_for_its_delimiter() {
    let script = Script::new().gives(b"12345").would_block().gives(b";");
    let frames = FramedRead::new(script, AnyDelimiterCodec::new(b';', 5));
    let frames: Vec<_> = block_on(frames.try_collect()).unwrap();
    assert_eq!(frames, ["12345"]);
}

#[test]
fn a_limit_of_zero_allows_empty_frames_only() {
    let frames = decoded(b";x;;", AnyDelimiterCodec::new(b';', 0));
    assert_eq!(frames, ["", TOO_LONG, ""]);
}

#[test]
fn an_item_is_followed_by_the_delimiter_named_first_whoever_owns_it() {
    let codec = || AnyDelimiterCodec::new(b';', 5_000).or(b',');
    for len in [0, 1, 1023, 1024, 5_000] {
        let item = vec![b'x'; len];
        let expected = [&item[..], b";"].concat();
        let mut queue = Segments::new();
        codec().encode(&item[..], &mut queue).unwrap();
        assert_eq!(bytes_of(queue), expected);
        let mut queue = Segments::new();
        codec().encode(item.clone(), &mut queue).unwrap();
        assert_eq!(bytes_of(queue), expected);
        let mut queue = Segments::new();
        codec()
            .encode(BytesMut::from(&item[..]), &mut queue)
            .unwrap();
        assert_eq!(bytes_of(queue), expected);
        let mut queue = Segments::new();
        codec().encode(Bytes::from(item), &mut queue).unwrap();
        assert_eq!(bytes_of(queue), expected);
    }
}

#[test]
fn an_item_that_would_not_come_back_is_an_error_and_nothing_of_it_is_written() {
    let codec = AnyDelimiterCodec::new(b';', 5).or(b',');
    let mut frames = FramedWrite::new(Script::new(), codec);
    block_on(async {
        frames.feed(&b"one"[..]).await.unwrap();
        let error = frames.feed(&b"tw,"[..]).await.unwrap_err();
        assert!(matches!(
            error,
            AnyDelimiterError::DelimiterInItem { at: 2 }
        ));
        let error = frames.feed(&b"eleven"[..]).await.unwrap_err();
        assert!(matches!(error, AnyDelimiterError::ItemTooLong { len: 6 }));
        let error = frames.feed(vec![b';']).await.unwrap_err();
        assert!(matches!(
            error,
            AnyDelimiterError::DelimiterInItem { at: 0 }
        ));
        frames.send(&b"four"[..]).await.unwrap();
    });
    assert_eq!(frames.get_ref().written(), b"one;four;");
}

#[test]
fn an_error_of_the_reader_ends_the_stream() {
    let script = Script::new()
        .gives(b"one;tw")
        .fails(std::io::ErrorKind::ConnectionReset);
    let frames: Vec<_> =
        block_on(FramedRead::new(script, AnyDelimiterCodec::new(b';', 80)).collect());
    assert_eq!(frames.len(), 2);
    assert!(matches!(frames[1], Err(AnyDelimiterError::Io(_))));
}
