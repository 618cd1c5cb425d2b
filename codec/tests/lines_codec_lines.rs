//! What is a line.

use std::io;

use bytes::BytesMut;
use codec::{Decoder, Encoder, FramedRead, LinesCodec, LinesError, Segments};
use futures::executor::block_on;
use io_traits::testing::Script;

fn decoded(codec: &mut LinesCodec, buf: &mut BytesMut) -> Option<String> {
    codec.decode(buf).unwrap()
}

fn is_too_long(result: &Result<Option<String>, LinesError>) -> bool {
    matches!(result, Err(LinesError::TooLong))
}

#[test]
fn both_endings_are_stripped_and_an_empty_line_is_one() {
    let mut codec = LinesCodec::new(80);
    let mut buf = BytesMut::from("line 1\nline 2\r\nline 3\n\r\n\n\r");
    for line in ["line 1", "line 2", "line 3", "", ""] {
        assert_eq!(decoded(&mut codec, &mut buf).unwrap(), line);
    }
    for _ in 0..2 {
        assert_eq!(decoded(&mut codec, &mut buf), None);
    }
}

#[test]
fn only_one_carriage_return_belongs_to_the_ending() {
    let mut codec = LinesCodec::new(80);
    let mut buf = BytesMut::from("a\r\r\nb\rc\n");
    assert_eq!(decoded(&mut codec, &mut buf).unwrap(), "a\r");
    assert_eq!(decoded(&mut codec, &mut buf).unwrap(), "b\rc");
}

#[test]
fn at_the_end_the_remainder_is_a_line_unless_it_is_empty_or_a_lone_carriage_return() {
    for (rest, line) in [
        ("", None),
        ("\r", None),
        ("\rk", Some("\rk")),
        ("k", Some("k")),
        ("k\r", Some("k")),
        ("\r\r", Some("\r")),
    ] {
        let mut codec = LinesCodec::new(80);
        let mut buf = BytesMut::from(rest);
        assert_eq!(decoded(&mut codec, &mut buf), None);
        let last = codec.decode_eof(&mut buf).unwrap();
        assert_eq!(last.as_deref(), line, "{rest:?}");
        for _ in 0..2 {
            assert_eq!(codec.decode_eof(&mut buf).unwrap(), None);
        }
    }
}

#[test]
fn whole_lines_come_before_the_remainder_at_the_end() {
    let mut codec = LinesCodec::new(80);
    let mut buf = BytesMut::from("one\ntwo\nthree");
    for line in ["one", "two", "three"] {
        assert_eq!(codec.decode_eof(&mut buf).unwrap().unwrap(), line);
    }
    assert_eq!(codec.decode_eof(&mut buf).unwrap(), None);
}

#[test]
fn a_line_over_the_limit_is_one_error_and_the_next_lines_decode() {
    let mut codec = LinesCodec::new(6);
    assert_eq!(codec.max_length(), 6);
    let mut buf = BytesMut::from("line 1 is too long\nline 2\nline 3\r\nline 4 \r\nline 5\n\n");
    assert!(is_too_long(&codec.decode(&mut buf)));
    assert_eq!(decoded(&mut codec, &mut buf).unwrap(), "line 2");
    // The ending is not counted, whichever it is.
    assert_eq!(decoded(&mut codec, &mut buf).unwrap(), "line 3");
    assert!(is_too_long(&codec.decode(&mut buf)));
    assert_eq!(decoded(&mut codec, &mut buf).unwrap(), "line 5");
    assert_eq!(decoded(&mut codec, &mut buf).unwrap(), "");
    assert_eq!(decoded(&mut codec, &mut buf), None);
}

#[test]
fn the_error_comes_as_soon_as_the_limit_is_passed_and_once() {
    let mut codec = LinesCodec::new(6);
    let mut buf = BytesMut::from("123456");
    assert_eq!(decoded(&mut codec, &mut buf), None);
    buf.extend_from_slice(b"7");
    assert!(is_too_long(&codec.decode(&mut buf)));
    for _ in 0..3 {
        buf.extend_from_slice(b" and much more of it");
        assert_eq!(decoded(&mut codec, &mut buf), None);
    }
    buf.extend_from_slice(b"\n");
    assert_eq!(decoded(&mut codec, &mut buf), None);
    buf.extend_from_slice(b"line 2\n");
    assert_eq!(decoded(&mut codec, &mut buf).unwrap(), "line 2");
}

#[test]
fn a_line_at_the_limit_may_wait_for_its_ending() {
    for ending in ["\n", "\r\n"] {
        let mut codec = LinesCodec::new(5);
        let mut buf = BytesMut::from("hello");
        assert_eq!(decoded(&mut codec, &mut buf), None);
        for byte in ending.bytes() {
            assert_eq!(decoded(&mut codec, &mut buf), None);
            buf.extend_from_slice(&[byte]);
        }
        assert_eq!(decoded(&mut codec, &mut buf).unwrap(), "hello");
    }
}

#[test]
fn a_carriage_return_beyond_the_limit_that_ends_no_line_is_counted() {
    for more in ["X", "\r"] {
        let mut codec = LinesCodec::new(5);
        let mut buf = BytesMut::from("hello\r");
        assert_eq!(decoded(&mut codec, &mut buf), None);
        buf.extend_from_slice(more.as_bytes());
        assert!(is_too_long(&codec.decode(&mut buf)));
    }
}

#[test]
fn the_limit_holds_at_the_end_too() {
    for (rest, is_line) in [("123456", true), ("123456\r", true), ("1234567", false)] {
        let mut codec = LinesCodec::new(6);
        let mut buf = BytesMut::from(rest);
        let last = codec.decode_eof(&mut buf);
        if is_line {
            assert_eq!(last.unwrap().unwrap(), "123456");
        } else {
            assert!(is_too_long(&last));
        }
        // What was discarded is no line at the end either.
        assert_eq!(codec.decode_eof(&mut buf).unwrap(), None);
    }
}

#[test]
fn after_an_end_inside_a_discarded_line_the_codec_begins_anew() {
    let mut codec = LinesCodec::new(3);
    let mut buf = BytesMut::from("too long");
    assert!(is_too_long(&codec.decode(&mut buf)));
    assert_eq!(codec.decode_eof(&mut buf).unwrap(), None);
    buf.extend_from_slice(b"new\n");
    assert_eq!(decoded(&mut codec, &mut buf).unwrap(), "new");
}

#[test]
fn a_limit_of_zero_allows_empty_lines_only() {
    let mut codec = LinesCodec::new(0);
    let mut buf = BytesMut::from("\n\r\nx\n\n");
    assert_eq!(decoded(&mut codec, &mut buf).unwrap(), "");
    assert_eq!(decoded(&mut codec, &mut buf).unwrap(), "");
    assert!(is_too_long(&codec.decode(&mut buf)));
    assert_eq!(decoded(&mut codec, &mut buf).unwrap(), "");
}

#[test]
fn a_line_that_is_not_utf8_is_consumed_and_the_next_one_decodes() {
    let mut codec = LinesCodec::new(80);
    let mut buf = BytesMut::from(&b"\xff\xfe\nok\n\xe4"[..]);
    let error = codec.decode(&mut buf).unwrap_err();
    assert!(matches!(error, LinesError::InvalidUtf8(_)));
    assert!(!codec.is_fatal(&error));
    assert_eq!(decoded(&mut codec, &mut buf).unwrap(), "ok");
    // Also at the end, where nothing follows that could push it out.
    assert!(codec.decode_eof(&mut buf).is_err());
    assert_eq!(codec.decode_eof(&mut buf).unwrap(), None);
}

#[test]
fn a_character_cut_by_the_end_of_a_read_is_whole_in_its_line() {
    let mut codec = LinesCodec::new(4);
    let mut buf = BytesMut::new();
    for byte in "€é".bytes().take(4) {
        buf.extend_from_slice(&[byte]);
        assert_eq!(decoded(&mut codec, &mut buf), None);
    }
    // 5 bytes: the limit is passed in the middle of the second character.
    buf.extend_from_slice(&"é".as_bytes()[1..]);
    assert!(is_too_long(&codec.decode(&mut buf)));
    buf.extend_from_slice("\n€\n".as_bytes());
    assert_eq!(decoded(&mut codec, &mut buf).unwrap(), "€");
}

#[test]
fn lines_are_encoded_one_behind_the_other() {
    let mut codec = LinesCodec::new(80);
    let mut queue = Segments::new();
    codec.encode("line 1", &mut queue).unwrap();
    codec.encode(String::from("line 2"), &mut queue).unwrap();
    codec.encode("", &mut queue).unwrap();
    assert_eq!(bytes::Buf::chunk(&queue), b"line 1\nline 2\n\n");
}

#[test]
fn a_line_that_would_not_come_back_as_one_is_refused_and_nothing_of_it_is_written() {
    let mut codec = LinesCodec::new(4);
    let mut queue = Segments::new();
    codec.encode("four", &mut queue).unwrap();
    let Err(LinesError::ItemTooLong { len: 5 }) = codec.encode("fiver", &mut queue) else {
        panic!("it is too long");
    };
    for (line, end) in [("\n", 0), ("a\nb", 1), ("abc\n", 3)] {
        match codec.encode(line, &mut queue) {
            Err(LinesError::EndingInItem { at }) => assert_eq!(at, end),
            other => panic!("{other:?}"),
        }
    }
    // A carriage return is none, but for the decoder at the end.
    codec.encode("a\rb", &mut queue).unwrap();
    codec.encode("c\r", &mut queue).unwrap();
    assert_eq!(bytes::Buf::chunk(&queue), b"four\na\rb\nc\r\n");
    let mut buf = BytesMut::from(bytes::Buf::chunk(&queue));
    for line in ["four", "a\rb", "c"] {
        assert_eq!(decoded(&mut codec, &mut buf).unwrap(), line);
    }
}

/// A line that was cut by an error is not lost with it: whoever goes on reading gets all of it.
#[test]
fn an_error_of_the_reader_inside_a_line_loses_nothing_of_the_line() {
    for at in 1.."hello\r\n".len() {
        let (first, second) = "hello\r\n".split_at(at);
        let script = Script::new()
            .gives(["one\n", first].concat())
            .fails(io::ErrorKind::TimedOut)
            .gives([second, "next"].concat());
        let mut lines = FramedRead::new(script, LinesCodec::new(5));
        assert_eq!(block_on(lines.next()).unwrap().unwrap(), "one");
        let Some(Err(LinesError::Io(error))) = block_on(lines.next()) else {
            panic!("the reader fails");
        };
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(block_on(lines.next()).is_none());
        assert_eq!(lines.read_buffer(), first);

        let mut lines = FramedRead::from_parts(lines.into_parts());
        for line in ["hello", "next"] {
            assert_eq!(
                block_on(lines.next()).unwrap().unwrap(),
                line,
                "cut at {at}"
            );
        }
        assert!(block_on(lines.next()).is_none());
    }
}
