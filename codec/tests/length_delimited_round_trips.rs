//! What one codec encodes, one with the same options decodes: for all options.

mod common;

use bytes::{Bytes, BytesMut};
use codec::{
    Decoder, Encoder, FramedRead, LengthDelimitedBuilder, LengthDelimitedCodec,
    LengthDelimitedError, Segments,
};
use common::bytes_of;
use futures::{TryStreamExt, executor::block_on};
use io_traits::testing::Script;

#[derive(Debug, Clone, Copy)]
struct Options {
    is_little: bool,
    length: usize,
    offset: usize,
    adjustment: i64,
    skip: Option<usize>,
    max: usize,
}

impl Options {
    fn builder(self) -> LengthDelimitedBuilder {
        let builder = LengthDelimitedCodec::builder(self.max)
            .length_field_length(self.length)
            .length_field_offset(self.offset)
            .length_adjustment(self.adjustment);
        let builder = match self.is_little {
            true => builder.little_endian(),
            false => builder.big_endian(),
        };
        match self.skip {
            Some(skip) => builder.num_skip(skip),
            None => builder,
        }
    }

    fn field_end(self) -> usize {
        self.offset + self.length
    }

    fn skip(self) -> usize {
        self.skip.unwrap_or(self.field_end())
    }

    /// How the docs define what the field holds, if it can hold that.
    fn field(self, len: usize) -> Option<Vec<u8>> {
        let field = len as i128 - i128::from(self.adjustment);
        let is_in_range = (0..1 << (8 * self.length)).contains(&field);
        let mut bytes = field.to_be_bytes()[16 - self.length..].to_vec();
        if self.is_little {
            bytes.reverse();
        }
        is_in_range.then_some(bytes)
    }

    /// Whether the docs allow an item of `len` bytes.
    fn allows(self, len: usize) -> bool {
        self.field(len).is_some()
            && len <= self.max
            && self.field_end() <= self.skip().saturating_add(len)
    }

    /// The frame of `item`, put together in the plainest way.
    fn frame(self, item: &[u8]) -> Vec<u8> {
        let mut frame = vec![0; self.skip()];
        frame.extend(item);
        let field = self.field(item.len()).expect("the item is allowed");
        frame[self.offset..self.field_end()].copy_from_slice(&field);
        frame
    }
}

fn all_options() -> impl Iterator<Item = Options> {
    let mut all = Vec::new();
    for is_little in [false, true] {
        for length in 1..=8 {
            for offset in [0, 1, 3, 9] {
                let end = offset + length;
                let mut skips: Vec<_> = (0..=end + 1).map(Some).collect();
                skips.extend([None, Some(end + 5)]);
                for skip in skips {
                    let head = end as i64;
                    for adjustment in [0, 1, -1, 2, -2, head, -head, 300, -300] {
                        for max in [0, 1, 7, 255, 256, 70_000] {
                            all.push(Options {
                                is_little,
                                length,
                                offset,
                                adjustment,
                                skip,
                                max,
                            });
                        }
                    }
                }
            }
        }
    }
    all.into_iter()
}

const LENGTHS: [usize; 22] = [
    0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 12, 17, 18, 254, 255, 256, 257, 300, 301, 1023, 1024, 1500,
];

/// Both sides of the border of two bytes, where a frame is too long to try them with all options.
const LONG_LENGTHS: [usize; 5] = [65_234, 65_235, 65_535, 65_536, 70_000];

#[test]
fn a_codec_can_be_built_just_if_some_item_is_allowed() {
    for options in all_options() {
        let splits_field = options.offset < options.skip() && options.skip() < options.field_end();
        // 70 000 and the 300 of the largest adjustment are the longest that matter here.
        let candidates = 0..=options.max.min(700);
        let is_possible = candidates.into_iter().any(|len| options.allows(len));
        let built = options.builder().build();
        assert_eq!(built.is_ok(), is_possible && !splits_field, "{options:?}");
        if let Ok(codec) = built {
            let max = codec.max_frame_length();
            assert!(options.allows(max), "{options:?}: {max}");
            assert!(!options.allows(max + 1), "{options:?}: {max}");
        }
    }
}

fn check(options: Options, codec: &mut LengthDelimitedCodec, lens: &[usize]) -> usize {
    let mut round_trips = 0;
    for &len in lens {
        let mut item: Vec<u8> = (0..len).map(|i| (i % 251) as u8 | 1).collect();
        let mut queue = Segments::new();
        let result = codec.encode(&item[..], &mut queue);
        if !options.allows(len) {
            match result.unwrap_err() {
                LengthDelimitedError::ItemTooLong { len: told } => {
                    assert_eq!(told, len);
                    assert!(len > codec.max_frame_length());
                }
                LengthDelimitedError::ItemTooShort { len: told } => assert_eq!(told, len),
                error => panic!("{error}"),
            }
            assert!(queue.is_empty(), "{options:?}");
            continue;
        }
        result.unwrap();
        let frame = bytes_of(queue);
        assert!(frame == options.frame(&item), "{options:?}, {len} bytes");

        // The field is filled in, where it is a part of the item.
        if options.skip() <= options.offset {
            let field = options.offset - options.skip();
            item[field..field + options.length].copy_from_slice(&options.field(len).unwrap());
        }
        let mut src = BytesMut::from(&frame[..]);
        src.extend_from_slice(b"next");
        let decoded = codec.decode(&mut src).unwrap().unwrap();
        assert!(decoded == item, "{options:?}, {len} bytes");
        assert_eq!(src, "next");

        // Back again, with an owner that is not copied.
        let mut queue = Segments::new();
        codec.encode(decoded, &mut queue).unwrap();
        assert!(bytes_of(queue) == frame, "{options:?}, {len} bytes");
        round_trips += 1;
    }
    round_trips
}

#[test]
fn what_is_encoded_is_decoded_for_all_options() {
    let mut round_trips = 0;
    for options in all_options() {
        let Ok(mut codec) = options.builder().build() else {
            continue;
        };
        round_trips += check(options, &mut codec, &LENGTHS);
        let is_plain = options.offset == 3 && options.max == 70_000 && options.length <= 3;
        if is_plain {
            round_trips += check(options, &mut codec, &LONG_LENGTHS);
        }
    }
    assert!(round_trips > 100_000, "{round_trips}");
}

#[test]
fn every_prefix_of_a_frame_is_incomplete_for_all_options() {
    for options in all_options().filter(|options| options.max == 255) {
        let Ok(codec) = options.builder().build() else {
            continue;
        };
        let len = codec.max_frame_length().min(20);
        if !options.allows(len) {
            continue;
        }
        let frame = options.frame(&vec![7; len]);
        for end in 0..frame.len() {
            let mut codec = codec.clone();
            let mut src = BytesMut::from(&frame[..end]);
            assert!(codec.decode(&mut src).unwrap().is_none(), "{options:?}");
            let needed = match end < options.field_end() {
                true => 0,
                false => frame.len() - end,
            };
            assert_eq!(codec.needed(), needed);
            let result = codec.decode_eof(&mut src);
            assert_eq!(result.is_err(), end > 0, "{options:?}");
            // Nothing is consumed before the frame is whole.
            src.extend_from_slice(&frame[end..]);
            assert_eq!(
                codec.decode(&mut src).unwrap().unwrap(),
                frame[options.skip()..]
            );
        }
    }
}

/// Any head at all is a frame that can be encoded again, or an error, and consumes what it should.
#[test]
fn what_is_decoded_is_encoded_for_all_options_and_random_heads() {
    let mut random = Random(1);
    for options in all_options().filter(|options| options.max == 255) {
        let Ok(mut codec) = options.builder().build() else {
            continue;
        };
        let mut bytes = vec![0; 1000];
        for byte in &mut bytes[options.skip().min(options.offset)..] {
            *byte = random.below(256) as u8;
        }
        // Lengths that are possible should come often.
        if random.below(4) > 0 {
            let high = match options.is_little {
                false => options.offset..options.field_end() - 1,
                true => options.offset + 1..options.field_end(),
            };
            bytes[high].fill(0);
        }
        bytes[options.field_end()..options.skip().max(options.field_end())].fill(0);
        let mut src = BytesMut::from(&bytes[..]);
        match codec.decode(&mut src) {
            Ok(Some(item)) => {
                let frame = options.skip() + item.len();
                assert!(options.allows(item.len()), "{options:?}");
                assert_eq!(src[..], bytes[frame..]);
                let mut queue = Segments::new();
                codec.encode(item, &mut queue).unwrap();
                assert_eq!(bytes_of(queue), bytes[..frame], "{options:?}");
            }
            Ok(None) => panic!("no frame is as long: {options:?}"),
            Err(error) => {
                assert!(codec.is_fatal(&error));
                assert_eq!(src[..], bytes);
            }
        }
    }
}

#[test]
fn streams_of_random_frames_in_random_pieces_are_the_same_frames() {
    let all: Vec<_> = all_options().filter(|options| options.max > 255).collect();
    for seed in 1..=1_000 {
        let mut random = Random(seed);
        let options = all[random.below(all.len())];
        let Ok(mut codec) = options.builder().build() else {
            continue;
        };
        let mut queue = Segments::new();
        let mut expected = Vec::new();
        for _ in 0..random.below(30) {
            let len = match random.below(20) {
                0 => random.below(70_000),
                _ => random.below(300),
            };
            if !options.allows(len) {
                continue;
            }
            let item = Bytes::from(vec![random.below(256) as u8; len]);
            expected.push(options.frame(&item)[options.skip()..].to_vec());
            codec.encode(item, &mut queue).unwrap();
        }
        let bytes = bytes_of(queue);
        let mut script = Script::new();
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let most = [3, 100, 50_000][random.below(3)];
            let (piece, behind) = rest.split_at(rest.len().min(1 + random.below(most)));
            script = script.gives(piece);
            if random.below(2) == 0 {
                script = script.would_block();
            }
            rest = behind;
        }
        let frames = FramedRead::new(script, codec);
        let frames: Vec<_> = block_on(frames.try_collect()).unwrap();
        assert!(frames == expected, "seed {seed}: {options:?}");
    }
}

/// Xorshift: as random as these tests need.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }
}
