use std::io;

use codec::{VarintDelimitedCodec, VarintDelimitedError};

use crate::{
    decoding::{Seen, decoded, decoded_at_once, told},
    input::Input,
    planted::{Mistake, Planted},
};

/// [`VarintDelimitedCodec`]: the frames of the model, however the stream is cut.
pub(crate) fn check(input: &[u8], planted: bool) {
    let mut input = Input::new(input);
    let cuts = input.short();
    let max = input.length();
    let stream = input.rest();
    let codec = || {
        let codec = match cuts & 2 {
            0 => VarintDelimitedCodec::new(max),
            _ => VarintDelimitedCodec::new(max).with_shared_items(),
        };
        Planted::new(codec, planted, Mistake::ForgetsTruncation)
    };
    let expected = model(stream, max);
    assert_eq!(decoded_at_once(stream, codec()), expected);
    assert_eq!(decoded(stream, cuts, codec(), max + LONGEST_HEAD), expected);
}

fn model(mut stream: &[u8], max: usize) -> Vec<Seen> {
    let truncated = || {
        let error = io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "the stream ended inside a frame",
        );
        told(&VarintDelimitedError::Io(error))
    };
    let mut seen = Vec::new();
    while !stream.is_empty() {
        let groups = stream.iter().take_while(|&&byte| byte >= 0x80).count();
        if groups >= LONGEST_HEAD {
            seen.push(Err(told(&VarintDelimitedError::LengthOverflow)));
            break;
        }
        let Some(head) = stream.get(..=groups) else {
            seen.push(Err(truncated()));
            break;
        };
        let number = head
            .iter()
            .rev()
            .fold(0_u128, |number, byte| number << 7 | u128::from(byte & 0x7f));
        let Ok(len) = u64::try_from(number) else {
            seen.push(Err(told(&VarintDelimitedError::LengthOverflow)));
            break;
        };
        if len > max as u64 {
            seen.push(Err(told(&VarintDelimitedError::FrameTooLong { len })));
            break;
        }
        let frame = head.len()..head.len() + len as usize;
        let Some(item) = stream.get(frame.clone()) else {
            seen.push(Err(truncated()));
            break;
        };
        seen.push(Ok(item.into()));
        stream = &stream[frame.end..];
    }
    seen
}

const LONGEST_HEAD: usize = 10;
