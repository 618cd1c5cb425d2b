use std::{
    error::Error,
    fmt,
    task::{Context, Poll, Waker},
};

use bytes::BytesMut;
use codec::{Decoder, FramedRead};
use futures::{StreamExt, stream::FusedStream};

use crate::pipe::Pipe;

/// A frame, or what was wrong.
pub(crate) type Seen = Result<Shown, String>;

/// The items of `decoder` in `stream`, which comes in pieces made of `cuts`.
///
/// On the way it is checked what [`decoded_from`] checks.
pub(crate) fn decoded<D>(stream: &[u8], cuts: u16, decoder: D, longest: usize) -> Vec<Seen>
where
    D: Decoder<Error: Error>,
    D::Item: Into<Shown>,
{
    decoded_from(Pipe::new(stream, cuts), decoder, longest)
}

/// The items of `decoder` in the stream that `pipe` gives.
///
/// On the way it is checked that the stream ends, and stays at its end; that a fatal error is the last
/// item; and that no more memory is held than `longest`, which is what the longest frame takes with its
/// head, and one read.
pub(crate) fn decoded_from<D>(pipe: Pipe, decoder: D, longest: usize) -> Vec<Seen>
where
    D: Decoder<Error: Error>,
    D::Item: Into<Shown>,
{
    let len = pipe.unread();
    let mut frames = FramedRead::new(pipe, decoder);
    let mut cx = Context::from_waker(Waker::noop());
    let mut seen = Vec::new();
    let mut is_over = false;
    // An item takes at least a byte, but for the last; a read takes one; and none blocks twice.
    for _ in 0..4 * len + 8 {
        match frames.poll_next_unpin(&mut cx) {
            Poll::Pending => {}
            Poll::Ready(None) => {
                assert!(frames.is_terminated());
                assert!(matches!(frames.poll_next_unpin(&mut cx), Poll::Ready(None)));
                return seen;
            }
            Poll::Ready(Some(item)) => {
                assert!(!is_over, "an item behind a fatal error");
                is_over = item
                    .as_ref()
                    .is_err_and(|error| frames.decoder().is_fatal(error));
                seen.push(item.map(Into::into).map_err(|error| told(&error)));
            }
        }
        let held = frames.read_buffer().capacity();
        assert!(
            held <= longest.saturating_add(READ),
            "{held} bytes are held for frames of {longest}"
        );
    }
    panic!("the stream does not end");
}

/// All bytes at once, by the decoder alone.
pub(crate) fn decoded_at_once<D>(stream: &[u8], mut decoder: D) -> Vec<Seen>
where
    D: Decoder<Error: Error>,
    D::Item: Into<Shown>,
{
    let mut src = BytesMut::from(stream);
    let mut seen = Vec::new();
    for _ in 0..=stream.len() + 1 {
        let before = src.len();
        match decoder.decode_eof(&mut src) {
            Ok(None) => return seen,
            Ok(Some(item)) => seen.push(Ok(item.into())),
            Err(error) => {
                seen.push(Err(told(&error)));
                if decoder.is_fatal(&error) || src.len() == before {
                    return seen;
                }
            }
        }
    }
    panic!("the decoder does not end");
}

/// An error and its source.
pub(crate) fn told(error: &dyn Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// A frame in a form that can be compared, and be read in a failing test.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Shown(pub(crate) Vec<u8>);

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            0..=200 => write!(f, "b\"{}\"", self.0.escape_ascii()),
            len => write!(f, "b\"{}…\" ({len} bytes)", self.0[..200].escape_ascii()),
        }
    }
}

impl From<&[u8]> for Shown {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }
}

impl From<BytesMut> for Shown {
    fn from(bytes: BytesMut) -> Self {
        Self(bytes.to_vec())
    }
}

impl From<String> for Shown {
    fn from(text: String) -> Self {
        Self(text.into_bytes())
    }
}

/// The bytes of one read.
const READ: usize = 64 * 1024;
