use std::io;

use crate::{
    chunked::{Chunked, ChunkedError, Part},
    decoding::{Seen, Shown, decoded, decoded_at_once, told},
    input::Input,
    planted::{Mistake, Planted},
};

/// The codec of `examples/chunked.rs`: the bodies of the model, however the stream is cut.
pub(crate) fn check(input: &[u8], planted: bool) {
    let mut input = Input::new(input);
    let cuts = input.short();
    let stream = input.rest();
    let codec = || Planted::new(Chunked::default(), planted, Mistake::TakesSigns);
    let expected = model(stream);
    assert_eq!(bodies(decoded_at_once(stream, codec())), expected);
    // The longest line, as what is longer is not kept.
    assert_eq!(bodies(decoded(stream, cuts, codec(), 18)), expected);
}

/// An end is a frame of one byte, and a piece has another before it.
impl From<Part> for Shown {
    fn from(part: Part) -> Self {
        match part {
            Part::Data(piece) => {
                assert!(!piece.is_empty());
                Self([b"=", &piece[..]].concat())
            }
            Part::End => Self(b".".to_vec()),
        }
    }
}

/// The pieces of one body put together, because how they are cut means nothing.
fn bodies(parts: Vec<Seen>) -> Vec<Seen> {
    let mut bodies: Vec<Seen> = Vec::new();
    for part in parts {
        match (bodies.last_mut(), part) {
            (Some(Ok(body)), Ok(part)) if part.0[0] == b'=' && body.0[0] == b'=' => {
                body.0.extend_from_slice(&part.0[1..]);
            }
            (_, part) => bodies.push(part),
        }
    }
    bodies
}

fn model(mut stream: &[u8]) -> Vec<Seen> {
    let truncated = || told(&ChunkedError::Io(io::ErrorKind::UnexpectedEof.into()));
    let mut seen = Vec::new();
    let mut is_inside = false;
    let error = loop {
        if stream.is_empty() && !is_inside {
            return bodies(seen);
        }
        is_inside = true;
        let size = match line(&mut stream, 16) {
            Ok(Some(line)) => line,
            Ok(None) => break truncated(),
            Err(error) => break told(&error),
        };
        let is_number = !size.is_empty() && size.iter().all(u8::is_ascii_hexdigit);
        if !is_number {
            break told(&ChunkedError::Size);
        }
        let size = size.iter().fold(0_u64, |size, digit| {
            let digit = char::from(*digit).to_digit(16).expect("a digit");
            size << 4 | u64::from(digit)
        });
        let data = &stream[..stream
            .len()
            .min(usize::try_from(size).unwrap_or(usize::MAX))];
        if !data.is_empty() {
            seen.push(Ok(Shown([b"=", data].concat())));
        }
        stream = &stream[data.len()..];
        if (data.len() as u64) < size {
            break truncated();
        }
        match line(&mut stream, 0) {
            Ok(Some(_)) => {}
            Ok(None) => break truncated(),
            Err(error) => break told(&error),
        }
        if size == 0 {
            seen.push(Ok(Shown(b".".to_vec())));
            is_inside = false;
        }
    };
    seen.push(Err(error));
    bodies(seen)
}

/// Takes the line at the front, which has at most so many bytes; `None` if the stream ends in it.
fn line<'a>(stream: &mut &'a [u8], longest: usize) -> Result<Option<&'a [u8]>, ChunkedError> {
    for len in 0..=longest {
        match stream.get(len..) {
            None | Some([] | [b'\r']) => return Ok(None),
            Some([b'\r', b'\n', ..]) => {
                let line = &stream[..len];
                *stream = &stream[len + 2..];
                return Ok(Some(line));
            }
            Some(_) => {}
        }
    }
    Err(ChunkedError::LineTooLong)
}
