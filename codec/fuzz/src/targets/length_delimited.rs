use std::io;

use codec::{LengthDelimitedCodec, LengthDelimitedError};

use crate::{
    decoding::{Seen, decoded, decoded_at_once, told},
    input::Input,
};

/// [`LengthDelimitedCodec`] with options of the input: the frames of the model, however the stream is
/// cut, and options are refused for what the docs say alone.
///
/// Planted: the maximum is one of what stands in the field (tokio-util).
pub(crate) fn check(input: &[u8], planted: bool) {
    let mut input = Input::new(input);
    let cuts = input.short();
    let options = Options::from_input(&mut input);
    let stream = input.rest();
    let max = match planted {
        true => options
            .max
            .saturating_add_signed(options.adjustment as isize),
        false => options.max,
    };
    let Some(codec) = options.codec(max) else {
        return;
    };
    let codec = match cuts & 2 {
        0 => codec,
        _ => codec.with_shared_items(),
    };
    let expected = options.model(stream);
    let longest = options.skip() + options.max;
    assert_eq!(
        decoded_at_once(stream, codec.clone()),
        expected,
        "{options:?}"
    );
    assert_eq!(
        decoded(stream, cuts, codec, longest),
        expected,
        "{options:?}"
    );
}

/// How frames are laid out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Options {
    is_little: bool,
    offset: usize,
    field_length: usize,
    pub(super) adjustment: i64,
    num_skip: Option<usize>,
    pub(super) max: usize,
}

impl Options {
    pub(super) fn from_input(input: &mut Input<'_>) -> Self {
        let flags = input.byte();
        Self {
            is_little: flags & 1 != 0,
            field_length: input.below(9),
            offset: if flags & 2 != 0 { input.below(12) } else { 0 },
            adjustment: match flags & 12 {
                0 => i64::from(input.byte() as i8),
                4 => i64::from(input.short() as i16) << input.below(48),
                _ => 0,
            },
            num_skip: (flags & 16 != 0).then(|| input.below(24)),
            max: input.length(),
        }
    }

    /// `None` if the docs say that there is none with these options.
    pub(super) fn codec(self, max: usize) -> Option<LengthDelimitedCodec> {
        let builder = LengthDelimitedCodec::builder(max)
            .length_field_offset(self.offset)
            .length_field_length(self.field_length)
            .length_adjustment(self.adjustment);
        let builder = match self.is_little {
            true => builder.little_endian(),
            false => builder.big_endian(),
        };
        let builder = match self.num_skip {
            Some(bytes) => builder.num_skip(bytes),
            None => builder,
        };
        let built = builder.build();
        if max == self.max {
            assert_eq!(built.is_ok(), self.are_possible(), "{self:?}: {built:?}");
        }
        built.ok()
    }

    pub(super) fn field_end(self) -> usize {
        self.offset + self.field_length
    }

    pub(super) fn skip(self) -> usize {
        self.num_skip.unwrap_or(self.field_end())
    }

    /// The shortest item there is: it reaches the end of the field, which holds no negative number.
    pub(super) fn least(self) -> i128 {
        let carried = self.field_end().saturating_sub(self.skip());
        (carried as i128).max(i128::from(self.adjustment))
    }

    /// The longest item there is, in a field of so many bytes.
    pub(super) fn most(self) -> i128 {
        let highest = (1_i128 << (8 * self.field_length)) - 1 + i128::from(self.adjustment);
        highest.min(self.max as i128)
    }

    fn are_possible(self) -> bool {
        let is_inside = self.offset < self.skip() && self.skip() < self.field_end();
        (1..=8).contains(&self.field_length) && !is_inside && self.least() <= self.most()
    }

    fn field(self, head: &[u8]) -> u64 {
        let field = &head[self.offset..self.field_end()];
        let push = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
        match self.is_little {
            true => field.iter().rev().fold(0, push),
            false => field.iter().fold(0, push),
        }
    }

    fn model(self, mut stream: &[u8]) -> Vec<Seen> {
        let mut seen = Vec::new();
        while !stream.is_empty() {
            if stream.len() < self.field_end() {
                seen.push(Err(told(&truncated())));
                break;
            }
            let field = self.field(stream);
            let len = i128::from(field) + i128::from(self.adjustment);
            if len > self.most() {
                seen.push(Err(told(&LengthDelimitedError::FrameTooLong { field })));
                break;
            }
            if len < self.least() {
                seen.push(Err(told(&LengthDelimitedError::FrameTooShort { field })));
                break;
            }
            let end = self.skip() + len as usize;
            if stream.len() < end {
                seen.push(Err(told(&truncated())));
                break;
            }
            seen.push(Ok(stream[self.skip()..end].into()));
            stream = &stream[end..];
        }
        seen
    }
}

fn truncated() -> LengthDelimitedError {
    io::Error::new(
        io::ErrorKind::UnexpectedEof,
        "the stream ended inside a frame",
    )
    .into()
}
