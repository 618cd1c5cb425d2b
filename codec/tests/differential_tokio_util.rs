//! Beside tokio-util's codecs, on random input.
//!
//! Where both have a codec both find the same frames in the same bytes, and make the same bytes of the same
//! items, but for what follows. Each of these is a test below, which shows both sides and fails if it is
//! no longer true. (Of varints they have no codec.)
//!
//! | | tokio-util | ours |
//! |---|---|---|
//! | the stream ends right behind a head | a clean end | `UnexpectedEof` |
//! | the stream ends inside a frame | an error of the kind `Other` | `UnexpectedEof` |
//! | the maximum of a frame, if the length is adjusted | decoding: of what stands in the field; encoding: of the item | of the item |
//! | a length that ends the item before the field in it does | the field is cut in two | an error |
//! | a head longer than the field that announces too much | an error when the head is there | when the field is there |
//! | what is before and behind the field | is not written | is written, as zeros |
//! | a `\r` before the `\n` of a line of just the maximum | the line is too long | it is not counted |
//! | a delimiter in an item | is written, and comes back as two items | is an error |
//! | an item over the maximum of a codec of delimiters | is written, and does not come back | is an error |
//! | a line with a `\n` in it, or over the maximum | is written, and comes back as two, or does not | is an error |
//! | after an error | the stream says `None` once, and waits for a read | it goes on, or is at its end |
//! | the maximum of lines and delimited frames, if nothing is said | none | there is no codec without one |

use std::io;

use bytes::{Bytes, BytesMut};
use codec::{
    AnyDelimiterCodec, BytesCodec, Decoder, Encoder, Framed, LengthDelimitedBuilder,
    LengthDelimitedCodec, LengthDelimitedError, LinesCodec, LinesError, Segments,
};
use common::{bytes_of, next_now};
use io_traits::testing::Script;
use proptest::{collection::vec, prelude::*};
use tokio_util::codec as theirs;

mod common;

/// A frame, or which kind of mistake the codec has found.
type Seen = Result<Vec<u8>, Mistake>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mistake {
    TooLong,
    TooShort,
    NotUtf8,
    Truncated,
}

/// Both decoders behind one door.
trait Either {
    fn decode(&mut self, src: &mut BytesMut, is_end: bool) -> Result<Option<Vec<u8>>, Mistake>;
}

struct Ours<D>(D, fn(&D::Error) -> Mistake)
where
    D: Decoder;

struct Theirs<D>(D, fn(&D::Error) -> Mistake)
where
    D: theirs::Decoder;

impl<D: Decoder<Item: Into<Vec<u8>>>> Either for Ours<D> {
    fn decode(&mut self, src: &mut BytesMut, is_end: bool) -> Result<Option<Vec<u8>>, Mistake> {
        let decoded = match is_end {
            false => self.0.decode(src),
            true => self.0.decode_eof(src),
        };
        decoded
            .map(|item| item.map(Into::into))
            .map_err(|error| self.1(&error))
    }
}

impl<D: theirs::Decoder<Item: Into<Vec<u8>>>> Either for Theirs<D> {
    fn decode(&mut self, src: &mut BytesMut, is_end: bool) -> Result<Option<Vec<u8>>, Mistake> {
        let decoded = match is_end {
            false => self.0.decode(src),
            true => self.0.decode_eof(src),
        };
        decoded
            .map(|item| item.map(Into::into))
            .map_err(|error| self.1(&error))
    }
}

/// What is found in a stream that comes in pieces, and how many bytes are left over; up to the first
/// mistake that is fatal.
fn found(
    mut decoder: impl Either,
    mut stream: &[u8],
    pieces: &[usize],
    is_fatal: fn(Mistake) -> bool,
) -> (Vec<Seen>, usize) {
    let mut src = BytesMut::new();
    let mut found = Vec::new();
    let whole = [stream.len()];
    for &piece in pieces.iter().chain(&whole) {
        let (piece, rest) = stream.split_at(piece.min(stream.len()));
        src.extend_from_slice(piece);
        stream = rest;
        // Behind the last piece comes the end.
        for is_end in [false, true] {
            if is_end && !stream.is_empty() {
                continue;
            }
            while let Some(seen) = decoder.decode(&mut src, is_end).transpose() {
                found.push(seen.clone());
                // Theirs finds items without end where one consumes nothing.
                if seen.is_err_and(is_fatal) || found.len() > MOST {
                    return (found, src.len());
                }
            }
        }
        if stream.is_empty() {
            break;
        }
    }
    (found, src.len())
}

/// More items than are in any stream here.
const MOST: usize = 1000;

fn lengths_mistake(error: &LengthDelimitedError) -> Mistake {
    match error {
        LengthDelimitedError::FrameTooLong { .. } => Mistake::TooLong,
        LengthDelimitedError::FrameTooShort { .. } => Mistake::TooShort,
        LengthDelimitedError::Io(error) => {
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
            Mistake::Truncated
        }
        error => panic!("{error}"),
    }
}

fn their_lengths_mistake(error: &io::Error) -> Mistake {
    match error.kind() {
        io::ErrorKind::InvalidData => Mistake::TooLong,
        io::ErrorKind::InvalidInput => Mistake::TooShort,
        io::ErrorKind::Other => Mistake::Truncated,
        kind => panic!("{kind:?}"),
    }
}

fn lines_mistake(error: &LinesError) -> Mistake {
    match error {
        LinesError::TooLong => Mistake::TooLong,
        LinesError::InvalidUtf8(_) => Mistake::NotUtf8,
        error => panic!("{error}"),
    }
}

fn their_lines_mistake(error: &theirs::LinesCodecError) -> Mistake {
    match error {
        theirs::LinesCodecError::MaxLineLengthExceeded => Mistake::TooLong,
        theirs::LinesCodecError::Io(_) => Mistake::NotUtf8,
    }
}

/// Options that both have.
#[derive(Debug, Clone, Copy)]
struct Options {
    is_little: bool,
    offset: usize,
    field_length: usize,
    adjustment: i16,
    num_skip: Option<usize>,
    max: usize,
}

impl Options {
    fn ours(self) -> LengthDelimitedBuilder {
        let builder = LengthDelimitedCodec::builder(self.max)
            .length_field_offset(self.offset)
            .length_field_length(self.field_length)
            .length_adjustment(self.adjustment.into());
        let builder = match self.is_little {
            true => builder.little_endian(),
            false => builder,
        };
        match self.num_skip {
            Some(bytes) => builder.num_skip(bytes),
            None => builder,
        }
    }

    fn theirs(self) -> theirs::LengthDelimitedCodec {
        let mut builder = theirs::LengthDelimitedCodec::builder();
        builder
            .length_field_offset(self.offset)
            .length_field_length(self.field_length)
            .length_adjustment(self.adjustment.into())
            .max_frame_length(self.max);
        if self.is_little {
            builder.little_endian();
        }
        if let Some(bytes) = self.num_skip {
            builder.num_skip(bytes);
        }
        builder.new_codec()
    }

    fn field_end(self) -> usize {
        self.offset + self.field_length
    }

    fn skip(self) -> usize {
        self.num_skip.unwrap_or(self.field_end())
    }
}

/// Those in which the maximum means the same: without an adjustment, or with a field that cannot say as
/// much as the maximum.
fn options() -> impl Strategy<Value = Options> {
    let wide = (1_usize..=8, Just(0_i16), 0_usize..300);
    let adjusted = (Just(1_usize), -20_i16..20, Just(300_usize));
    let head = (any::<bool>(), 0_usize..6, prop::option::of(0_usize..20));
    (head, prop_oneof![wide, adjusted]).prop_map(
        |((is_little, offset, num_skip), (field_length, adjustment, max))| Options {
            is_little,
            offset,
            field_length,
            adjustment,
            num_skip,
            max,
        },
    )
}

fn noise(frequent: &'static [u8]) -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![2 => prop::sample::select(frequent), 1 => any::<u8>()];
    vec(byte, 0..200)
}

fn pieces() -> impl Strategy<Value = Vec<usize>> {
    vec(1_usize..20, 0..20)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1000) })]

    #[test]
    fn both_find_the_same_frames_of_a_length(
        options in options(), stream in noise(b"\0\0\0\x01\x02\x05\x07\x10"), pieces in pieces(),
    ) {
        let Ok(codec) = options.ours().build() else {
            return Ok(());
        };
        let ours = Ours(codec, lengths_mistake);
        let (mut ours, left) = found(ours, &stream, &pieces, |_| true);
        let theirs = Theirs(options.theirs(), their_lengths_mistake);
        let (mut theirs, their_left) = found(theirs, &stream, &pieces, |_| true);

        if ours.last() == Some(&Err(Mistake::Truncated)) && their_left == 0 {
            // Nothing but what they skip was left over, and they have skipped it.
            prop_assert_eq!(left, options.skip());
            ours.pop();
        }
        if theirs.last() == Some(&Err(Mistake::TooLong)) && options.adjustment < 0 {
            // Their maximum is one of the field, and what the field can say is less for them.
            theirs.pop();
            ours.truncate(theirs.len());
        }
        match ours.last() {
            Some(Err(Mistake::TooShort)) => {
                // What they have instead ends inside the field. What follows is of no meaning.
                theirs.truncate(ours.len());
                let their_last = theirs.pop();
                let ends_inside = |item: &Vec<u8>| options.skip() + item.len() < options.field_end();
                prop_assert!(match &their_last {
                    Some(Ok(item)) => ends_inside(item),
                    other => matches!(other, None | Some(Err(Mistake::TooShort | Mistake::Truncated))),
                }, "{:?}", their_last);
                ours.pop();
            }
            Some(Err(Mistake::TooLong)) if theirs.last() == Some(&Err(Mistake::Truncated)) => {
                // The field is there, and the head is not.
                prop_assert!(options.field_end() <= left && left < options.skip());
                ours.pop();
                theirs.pop();
            }
            _ => {}
        }
        prop_assert_eq!(ours, theirs);
    }

    #[test]
    fn both_write_the_same_frames_of_a_length(
        is_little: bool, field_length in 1_usize..=8, adjustment in -300_i16..300,
        max in 0_usize..400, lengths in vec(0_usize..600, 1..5),
    ) {
        let options = Options { is_little, offset: 0, field_length, adjustment, num_skip: None, max };
        let Ok(mut ours) = options.ours().build() else {
            return Ok(());
        };
        let mut theirs = options.theirs();
        let (mut queue, mut dst) = (Segments::new(), BytesMut::new());
        for len in lengths {
            let item = Bytes::from(vec![b'x'; len]);
            let is_ours = ours.encode(item.clone(), &mut queue).is_ok();
            let is_theirs = theirs::Encoder::encode(&mut theirs, item, &mut dst).is_ok();
            prop_assert_eq!(is_ours, is_theirs, "{} bytes", len);
        }
        prop_assert_eq!(bytes_of(queue), dst);
    }

    #[test]
    fn both_find_the_same_lines(
        stream in noise(b"\n\nabc"), returns: bool, max in 0_usize..12, pieces in pieces(),
    ) {
        // A carriage return counts for them; so with some there is no maximum that matters.
        let max = if returns { 1000 } else { max };
        let stream: Vec<u8> = stream
            .into_iter()
            .map(|byte| match byte {
                b'c' if returns => b'\r',
                b'\r' => b'c',
                byte => byte,
            })
            .collect();
        let never = |_| false;
        let ours = Ours(LinesCodec::new(max), lines_mistake);
        let their_codec = theirs::LinesCodec::new_with_max_length(max);
        let theirs = Theirs(their_codec, their_lines_mistake);
        prop_assert_eq!(
            found(ours, &stream, &pieces, never).0,
            found(theirs, &stream, &pieces, never).0
        );
    }

    #[test]
    fn both_find_the_same_delimited_frames(
        stream in noise(b"\n;,abc"), others in vec(any::<u8>(), 0..4), max in 0_usize..12, pieces in pieces(),
    ) {
        let codec = AnyDelimiterCodec::new(b';', max).or(b'\n');
        let codec = others.iter().fold(codec, |codec, &byte| codec.or(byte));
        let ours = Ours(codec, |_| Mistake::TooLong);
        let delimiters = [&b";\n"[..], &others].concat();
        let codec = theirs::AnyDelimiterCodec::new_with_max_length(delimiters, b";".to_vec(), max);
        let theirs = Theirs(codec, |_| Mistake::TooLong);
        let never = |_| false;
        prop_assert_eq!(
            found(ours, &stream, &pieces, never),
            found(theirs, &stream, &pieces, never)
        );
    }

    #[test]
    fn both_find_the_same_bytes(stream in noise(b"a"), pieces in pieces()) {
        let never = |_| false;
        let ours = Ours(BytesCodec::new(), |_| Mistake::Truncated);
        let theirs = Theirs(theirs::BytesCodec::new(), |_| Mistake::Truncated);
        prop_assert_eq!(
            found(ours, &stream, &pieces, never),
            found(theirs, &stream, &pieces, never)
        );
    }

    #[test]
    fn both_write_the_same_lines_delimited_frames_and_bytes(lines in vec("[a-z]{0,40}", 0..6)) {
        let mut dst = BytesMut::new();
        let mut queue = Segments::new();
        let mut delimited = theirs::AnyDelimiterCodec::new(b";".to_vec(), b";".to_vec());
        for line in &lines {
            theirs::Encoder::encode(&mut theirs::LinesCodec::new(), line, &mut dst).unwrap();
            theirs::Encoder::encode(&mut delimited, line, &mut dst).unwrap();
            let bytes = Bytes::copy_from_slice(line.as_bytes());
            theirs::Encoder::encode(&mut theirs::BytesCodec::new(), bytes.clone(), &mut dst).unwrap();

            LinesCodec::new(40).encode(line, &mut queue).unwrap();
            AnyDelimiterCodec::new(b';', 40).encode(bytes.clone(), &mut queue).unwrap();
            BytesCodec::new().encode(bytes, &mut queue).unwrap();
        }
        prop_assert_eq!(bytes_of(queue), dst);
    }
}

fn frames_of(options: Options, stream: &[u8]) -> (Vec<Seen>, Vec<Seen>) {
    let codec = options.ours().build().unwrap();
    let (ours, _) = found(Ours(codec, lengths_mistake), stream, &[], |_| true);
    let theirs = Theirs(options.theirs(), their_lengths_mistake);
    let (theirs, _) = found(theirs, stream, &[], |_| true);
    (ours, theirs)
}

const PLAIN: Options = Options {
    is_little: false,
    offset: 0,
    field_length: 1,
    adjustment: 0,
    num_skip: None,
    max: 10,
};

#[test]
fn a_stream_that_ends_right_behind_a_head_is_truncated() {
    let (ours, theirs) = frames_of(PLAIN, b"\x05");
    assert_eq!(ours, [Err(Mistake::Truncated)]);
    assert_eq!(theirs, []);
}

#[test]
fn a_stream_that_ends_inside_a_frame_is_an_unexpected_end() {
    // Their head has been consumed, and one byte of the frame is there.
    let mut src = BytesMut::from(&b"\x05h"[..]);
    let mut codec = PLAIN.ours().build().unwrap();
    let error = io::Error::from(codec.decode_eof(&mut src).unwrap_err());
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    let mut src = BytesMut::from(&b"\x05h"[..]);
    let error = theirs::Decoder::decode_eof(&mut PLAIN.theirs(), &mut src).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::Other);
}

#[test]
fn the_maximum_is_one_of_the_item_also_if_the_length_is_adjusted() {
    // The field counts four bytes more than the item has.
    let counts_more = Options {
        adjustment: -4,
        ..PLAIN
    };
    let frame = b"\x0e0123456789";
    let (ours, theirs) = frames_of(counts_more, frame);
    assert_eq!(ours, [Ok(b"0123456789".to_vec())]);
    assert_eq!(theirs, [Err(Mistake::TooLong)]);
    // Although this is how they write it themselves.
    let mut dst = BytesMut::new();
    let item = Bytes::from_static(b"0123456789");
    theirs::Encoder::encode(&mut counts_more.theirs(), item, &mut dst).unwrap();
    assert_eq!(dst, &frame[..]);

    let counts_less = Options {
        adjustment: 5,
        ..PLAIN
    };
    let (ours, theirs) = frames_of(counts_less, b"\x060123456789a");
    assert_eq!(ours, [Err(Mistake::TooLong)]);
    assert_eq!(theirs, [Ok(b"0123456789a".to_vec())]);
}

#[test]
fn an_item_that_ends_inside_the_field_is_an_error() {
    let holds_the_field = Options {
        field_length: 4,
        num_skip: Some(0),
        ..PLAIN
    };
    let (ours, theirs) = frames_of(holds_the_field, b"\0\0\0\x02");
    assert_eq!(ours, [Err(Mistake::TooShort)]);
    assert_eq!(theirs[0], Ok(b"\0\0".to_vec()));
}

#[test]
fn a_frame_is_too_long_as_soon_as_its_length_is_there() {
    let long_head = Options {
        num_skip: Some(8),
        ..PLAIN
    };
    let (ours, theirs) = frames_of(long_head, b"\xff");
    assert_eq!(ours, [Err(Mistake::TooLong)]);
    assert_eq!(theirs, [Err(Mistake::Truncated)]);
}

#[test]
fn the_whole_head_is_written() {
    let options = Options {
        offset: 2,
        num_skip: Some(4),
        ..PLAIN
    };
    let mut queue = Segments::new();
    let mut codec = options.ours().build().unwrap();
    codec.encode(&b"item"[..], &mut queue).unwrap();
    let written = bytes_of(queue);
    assert_eq!(written, b"\0\0\x04\0item");
    let mut dst = BytesMut::new();
    theirs::Encoder::encode(&mut options.theirs(), Bytes::from_static(b"item"), &mut dst).unwrap();
    assert_eq!(dst, &b"\x04item"[..]);
    // So both read ours.
    let (ours, theirs) = frames_of(options, &written);
    assert_eq!(ours, [Ok(b"item".to_vec())]);
    assert_eq!(theirs, ours);
}

#[test]
fn a_carriage_return_of_the_ending_is_not_counted() {
    let ours = Ours(LinesCodec::new(5), lines_mistake);
    let (ours, _) = found(ours, b"hello\r\n", &[], |_| false);
    assert_eq!(ours, [Ok(b"hello".to_vec())]);
    let theirs = theirs::LinesCodec::new_with_max_length(5);
    let theirs = Theirs(theirs, their_lines_mistake);
    let (theirs, _) = found(theirs, b"hello\r\n", &[], |_| false);
    assert_eq!(theirs, [Err(Mistake::TooLong)]);
}

#[test]
fn an_item_that_would_not_come_back_is_an_error() {
    let mut queue = Segments::new();
    let mut codec = AnyDelimiterCodec::new(b';', 3);
    let mut theirs =
        theirs::AnyDelimiterCodec::new_with_max_length(b";".to_vec(), b";".to_vec(), 3);
    let mut dst = BytesMut::new();
    for item in ["a;b", "long"] {
        assert!(codec.encode(item.as_bytes(), &mut queue).is_err());
        theirs::Encoder::encode(&mut theirs, item, &mut dst).unwrap();
    }
    assert!(queue.is_empty());
    assert_eq!(dst, &b"a;b;long;"[..]);
}

#[test]
fn a_line_that_would_not_come_back_is_not_written() {
    let (mut queue, mut dst) = (Segments::new(), BytesMut::new());
    for line in ["a\nb", "long"] {
        assert!(LinesCodec::new(3).encode(line, &mut queue).is_err());
        let mut theirs = theirs::LinesCodec::new_with_max_length(3);
        theirs::Encoder::encode(&mut theirs, line, &mut dst).unwrap();
    }
    assert!(queue.is_empty());
    assert_eq!(dst, &b"a\nb\nlong\n"[..]);
}

#[test]
fn a_maximum_that_nobody_has_said_is_none() {
    assert_eq!(theirs::LinesCodec::new().max_length(), usize::MAX);
    let theirs = theirs::AnyDelimiterCodec::new(b";".to_vec(), b";".to_vec());
    assert_eq!(theirs.max_length(), usize::MAX);
    // Ours is what was said, as there is no other constructor.
    assert_eq!(LinesCodec::new(80).max_length(), 80);
    assert_eq!(AnyDelimiterCodec::new(b';', 80).max_length(), 80);
}

#[test]
fn what_is_buffered_behind_an_error_comes_without_another_read() {
    let stream = b"far too long\nok\n";
    let mut ours = Framed::new(
        Script::new().gives(stream).never_gives(),
        LinesCodec::new(5),
    );
    assert!(next_now(&mut ours).unwrap().is_err());
    assert_eq!(next_now(&mut ours).unwrap().unwrap(), "ok");

    let theirs = theirs::LinesCodec::new_with_max_length(5);
    let mut theirs = theirs::FramedRead::new(&stream[..], theirs);
    assert!(next_now(&mut theirs).unwrap().is_err());
    assert!(next_now(&mut theirs).is_none());
}
