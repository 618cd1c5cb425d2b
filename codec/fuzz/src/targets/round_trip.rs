use std::{
    error::Error,
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
};

use bytes::{Bytes, BytesMut};
use codec::{
    AnyDelimiterCodec, BytesCodec, Decoder, Encoder, FramedWrite, LengthDelimitedCodec,
    LengthDelimitedError, LinesCodec, Segments, VarintDelimitedCodec,
};

use super::length_delimited::Options;
use crate::{
    decoding::{Seen, Shown, decoded_from},
    input::Input,
    pipe::Pipe,
};

/// What is encoded is decoded to the same items, whatever pieces it goes and comes in; and an item is
/// refused just if it would not come back.
///
/// Planted: an item that is too long for its field is written with a length that is cut off (bytes'
/// `put_uint`).
pub(crate) fn check(input: &[u8], planted: bool) {
    let mut input = Input::new(input);
    let cuts = input.short();
    match input.below(5) {
        0 | 1 => {
            let options = Options::from_input(&mut input);
            let Some(codec) = options.codec(options.max) else {
                return;
            };
            let fits = |item: &[u8]| {
                let len = item.len() as i128;
                options.least() <= len && len <= options.most()
            };
            let longest = options.skip() + options.max;
            // A field inside the item is overwritten, so only the lengths are the same.
            let is_whole = options.skip() >= options.field_end();
            let encoder = CutsOff {
                codec: codec.clone(),
                planted,
            };
            trip(input, cuts, encoder, codec, longest, is_whole, fits);
        }
        2 => {
            let max = input.length();
            let codec = VarintDelimitedCodec::new(max);
            trip(input, cuts, codec.clone(), codec, max + 10, true, |item| {
                item.len() <= max
            });
        }
        3 => {
            let max = input.length();
            let codec = AnyDelimiterCodec::new(b';', max).or(b'\0');
            let fits =
                |item: &[u8]| item.len() <= max && !b";\0".iter().any(|byte| item.contains(byte));
            trip(input, cuts, codec.clone(), codec, max + 1, true, fits);
        }
        _ => {
            if input.flag() {
                return lines(input, cuts);
            }
            let (items, pipe) = encode(input, cuts, BytesCodec::new(), |_| true);
            let pieces = decoded_from(pipe.read_back(cuts), BytesCodec::new(), 0);
            assert_eq!(Shown(together(pieces)), Shown(items.concat()));
        }
    }
}

/// Of any text: what is written comes back as one line, and what could not is refused.
fn lines(mut input: Input<'_>, cuts: u16) {
    let longest = input.length();
    let mut written = FramedWrite::new(Pipe::new([], cuts), LinesCodec::new(longest));
    let mut items = Vec::new();
    while !input.is_empty() {
        let len = input.length();
        let line = String::from_utf8_lossy(input.bytes(len));
        let permit = finish(written.reserve()).expect("a pipe takes everything");
        let fits = line.len() <= longest && !line.contains('\n');
        assert_eq!(permit.feed(&line).is_ok(), fits, "{line:?}");
        if !fits {
            continue;
        }
        let end = written.get_ref().written.len() + written.write_buffer().len();
        let start = end - line.len() - 1;
        written.get_mut().tell_written(start..end);
        items.push(Ok(Shown::from(
            line.strip_suffix('\r').unwrap_or(&line).to_owned(),
        )));
    }
    finish(written.flush()).expect("a pipe takes everything");
    let pipe = written.into_inner().read_back(cuts);
    let seen = decoded_from(pipe, LinesCodec::new(longest), longest + 2);
    assert_eq!(seen, items);
}

fn trip<E, D>(
    input: Input<'_>,
    cuts: u16,
    encoder: E,
    decoder: D,
    longest: usize,
    is_whole: bool,
    fits: impl Fn(&[u8]) -> bool,
) where
    E: EncodesAll,
    D: Decoder<Item = BytesMut, Error: Error>,
{
    let (items, pipe) = encode(input, cuts, encoder, fits);
    let seen = decoded_from(pipe.read_back(cuts.rotate_left(5)), decoder, longest);
    if is_whole {
        let items: Vec<_> = items
            .iter()
            .map(|item| Ok(Shown::from(&item[..])))
            .collect();
        assert_eq!(seen, items);
    } else {
        let seen: Vec<_> = seen
            .into_iter()
            .map(|item| item.map(|item| item.0.len()))
            .collect();
        let items: Vec<_> = items.iter().map(|item| Ok(item.len())).collect();
        assert_eq!(seen, items);
    }
}

/// Items of the input that fit, and the pipe into which all of them were written.
fn encode<E: EncodesAll>(
    mut input: Input<'_>,
    cuts: u16,
    encoder: E,
    fits: impl Fn(&[u8]) -> bool,
) -> (Vec<Vec<u8>>, Pipe) {
    let high_water = input.length();
    let mut frames =
        FramedWrite::new(Pipe::new([], cuts), encoder).with_high_water_bytes(high_water);
    let mut items = Vec::new();
    while !input.is_empty() {
        let owner = input.byte();
        let len = input.length();
        let mut item = input.bytes(len).to_vec();
        // A long item need not be in the input.
        item.resize(len, b'.');
        drop(finish(frames.reserve()).expect("a pipe takes everything"));
        // As there is room now, nothing is written for the permit.
        let queued = frames.write_buffer().len();
        let permit = finish(frames.reserve()).expect("a pipe takes everything");
        let fed = match owner % 4 {
            0 => permit.feed(&item[..]),
            1 => permit.feed(BytesMut::from(&item[..])),
            2 => permit.feed(item.clone()),
            _ => permit.feed(Bytes::from(item.clone())),
        };
        assert_eq!(fed.is_ok(), fits(&item), "{len} bytes");
        let after = frames.write_buffer().len();
        match fed {
            Ok(()) => {
                let end = frames.get_ref().written.len() + after;
                let start = end - (after - queued);
                frames.get_mut().tell_written(start..end);
                items.push(item);
            }
            Err(_) => assert_eq!(after, queued),
        }
    }
    finish(frames.close()).expect("a pipe takes everything");
    assert!(frames.get_ref().is_shut_down);
    (items, frames.into_inner())
}

fn together(pieces: Vec<Seen>) -> Vec<u8> {
    let pieces: Vec<_> = pieces.into_iter().flatten().map(|piece| piece.0).collect();
    pieces.concat()
}

/// Polls until it is ready. A pipe blocks only now and then.
pub(super) fn finish<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..1 << 24 {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
    }
    panic!("a future that does not end");
}

/// Whoever owns the bytes.
trait EncodesAll:
    for<'a> Encoder<&'a [u8], Error = <Self as EncodesAll>::Failure>
    + Encoder<BytesMut, Error = <Self as EncodesAll>::Failure>
    + Encoder<Vec<u8>, Error = <Self as EncodesAll>::Failure>
    + Encoder<Bytes, Error = <Self as EncodesAll>::Failure>
{
    type Failure: Error;
}

impl EncodesAll for BytesCodec {
    type Failure = std::io::Error;
}

impl EncodesAll for AnyDelimiterCodec {
    type Failure = codec::AnyDelimiterError;
}

impl EncodesAll for VarintDelimitedCodec {
    type Failure = codec::VarintDelimitedError;
}

/// Has the mistake planted, if it is.
struct CutsOff {
    codec: LengthDelimitedCodec,
    planted: bool,
}

impl<T: AsRef<[u8]>> Encoder<T> for CutsOff
where
    LengthDelimitedCodec: Encoder<T, Error = LengthDelimitedError>,
{
    type Error = LengthDelimitedError;

    fn encode(&mut self, item: T, dst: &mut Segments) -> Result<(), LengthDelimitedError> {
        if self.planted && item.as_ref().len() > self.codec.max_frame_length() {
            let cut_off = &item.as_ref()[..self.codec.max_frame_length()];
            return Encoder::<&[u8]>::encode(&mut self.codec, cut_off, dst);
        }
        self.codec.encode(item, dst)
    }
}

impl EncodesAll for CutsOff {
    type Failure = LengthDelimitedError;
}
