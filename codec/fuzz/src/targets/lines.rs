use std::str;

use codec::{LinesCodec, LinesError};

use crate::{
    decoding::{Seen, decoded, decoded_at_once, told},
    input::Input,
    planted::{Mistake, Planted},
};

/// [`LinesCodec`]: the lines of the model, however the stream is cut.
pub(crate) fn check(input: &[u8], planted: bool) {
    let mut input = Input::new(input);
    let cuts = input.short();
    let max = input.length();
    let stream = input.rest();
    let codec = || {
        Planted::new(
            LinesCodec::new(max),
            planted,
            Mistake::ForgetsWhatFollowsAnError,
        )
    };
    let expected = model(stream, max);
    assert_eq!(decoded_at_once(stream, codec()), expected);
    assert_eq!(decoded(stream, cuts, codec(), max + 2), expected);
}

fn model(stream: &[u8], max: usize) -> Vec<Seen> {
    let mut lines: Vec<&[u8]> = stream.split(|&byte| byte == b'\n').collect();
    // What follows the last ending is a line if there is something in it.
    if matches!(lines.last(), Some(&b"" | &b"\r")) {
        lines.pop();
    }
    let line = |line: &[u8]| {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.len() > max {
            return Err(told(&LinesError::TooLong));
        }
        match str::from_utf8(line) {
            Ok(_) => Ok(line.into()),
            Err(error) => Err(told(&LinesError::InvalidUtf8(error))),
        }
    };
    lines.into_iter().map(line).collect()
}
