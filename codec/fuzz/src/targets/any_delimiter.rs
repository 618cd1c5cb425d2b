use codec::{AnyDelimiterCodec, AnyDelimiterError};

use crate::{
    decoding::{Seen, decoded, decoded_at_once, told},
    input::Input,
};

/// [`AnyDelimiterCodec`]: the frames of the model, however the stream is cut.
///
/// Planted: the maximum counts the delimiter (tokio-util's lines count a carriage return).
pub(crate) fn check(input: &[u8], planted: bool) {
    let mut input = Input::new(input);
    let cuts = input.short();
    let max = input.length();
    let count = 1 + input.below(5);
    let delimiters: Vec<u8> = (0..count).map(|_| input.byte()).collect();
    let stream = input.rest();
    let codec = || {
        let max = if planted { max.saturating_sub(1) } else { max };
        let codec = AnyDelimiterCodec::new(delimiters[0], max);
        let codec = match cuts & 2 {
            0 => codec,
            _ => codec.with_shared_items(),
        };
        delimiters[1..]
            .iter()
            .fold(codec, |codec, &delimiter| codec.or(delimiter))
    };
    let expected = model(stream, &delimiters, max);
    assert_eq!(decoded_at_once(stream, codec()), expected);
    assert_eq!(decoded(stream, cuts, codec(), max + 1), expected);
}

fn model(stream: &[u8], delimiters: &[u8], max: usize) -> Vec<Seen> {
    let mut frames: Vec<&[u8]> = stream.split(|byte| delimiters.contains(byte)).collect();
    if frames.last().is_some_and(|last| last.is_empty()) {
        frames.pop();
    }
    let frame = |frame: &[u8]| {
        if frame.len() > max {
            return Err(told(&AnyDelimiterError::TooLong));
        }
        Ok(frame.into())
    };
    frames.into_iter().map(frame).collect()
}
