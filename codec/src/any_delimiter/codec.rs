use bytes::{Buf, Bytes, BytesMut};
use io_traits::pool;

use super::delimiters::Delimiters;
use crate::{AnyDelimiterError, Decoder, Encoder, Segments, item::Items};

/// Frames of bytes that end with a delimiter, which is one byte of a few.
///
/// A frame is decoded without its delimiter. Two delimiters in a row have an empty frame between them.
/// At the end of the stream the remainder is a frame too, unless it is empty. A byte is looked at once,
/// however slowly it comes; up to three delimiters are searched for with `memchr`, more with a table.
///
/// What is encoded is the bytes and the delimiter that was named first.
///
/// # Errors
///
/// [`TooLong`](AnyDelimiterError::TooLong) concerns one frame, and the next is decoded as if nothing had
/// been. It comes once, as soon as it is certain that a frame is longer than the maximum; the rest of
/// the frame is discarded as it comes.
///
/// [`ItemTooLong`](AnyDelimiterError::ItemTooLong) and
/// [`DelimiterInItem`](AnyDelimiterError::DelimiterInItem) concern one item to be encoded, of which
/// nothing is written. So what was encoded is decoded to the same items.
///
/// [`Io`](AnyDelimiterError::Io), an error of the reader or writer, ends the stream.
///
/// # Examples
///
/// ```
/// use codec::{AnyDelimiterCodec, FramedRead};
/// use futures::{executor::block_on, TryStreamExt};
///
/// let stream: &[u8] = b"one;two\nthree";
/// let fields = FramedRead::new(stream, AnyDelimiterCodec::new(b'\n', 80).or(b';'));
/// let fields: Vec<_> = block_on(fields.try_collect()).unwrap();
/// assert_eq!(fields, ["one", "two", "three"]);
/// ```
#[derive(Debug, Clone)]
pub struct AnyDelimiterCodec {
    delimiters: Delimiters,
    max_length: usize,
    items: Items,
    state: State,
}

/// ```text
///            ┌──────── too long ────────┐
///            │                          ▼
///          Frame ◀──── delimiter ──── Discard
///          └──▲ delimiter: a frame
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The first `scanned` bytes of the buffer are known to hold no delimiter.
    Frame { scanned: usize },
    /// The buffer begins inside a frame that was too long.
    Discard,
}

impl AnyDelimiterCodec {
    /// A codec for frames of up to `max_length` bytes that end with `delimiter`, which is not counted.
    ///
    /// The limit is one of memory, and there is no codec without one: a peer that never ends its frame
    /// would fill all there is.
    pub fn new(delimiter: u8, max_length: usize) -> Self {
        Self {
            delimiters: Delimiters::One(delimiter),
            max_length,
            items: Items::Copied,
            state: State::START,
        }
    }

    /// Has frames end with `delimiter` as well.
    #[must_use]
    pub fn or(mut self, delimiter: u8) -> Self {
        self.delimiters = self.delimiters.with(delimiter);
        // What was searched for the others has to be searched for this one.
        if let State::Frame { scanned } = &mut self.state {
            *scanned = 0;
        }
        self
    }

    /// Has items be parts of the memory that was read into, and not copies.
    ///
    /// This saves an allocation and a copy of each. The price is that an item, however short, keeps a
    /// whole read buffer alive, of 64 KiB or more, for as long as it lives itself. So this is for those who
    /// hand on or drop their items at once, and not for those who store them.
    #[must_use]
    pub fn with_shared_items(mut self) -> Self {
        self.items = Items::Shared;
        self
    }

    /// The most bytes that a frame may have.
    pub fn max_length(&self) -> usize {
        self.max_length
    }

    fn check(&self, item: &[u8]) -> Result<(), AnyDelimiterError> {
        if item.len() > self.max_length {
            return Err(AnyDelimiterError::ItemTooLong { len: item.len() });
        }
        match self.delimiters.find(item) {
            Some(at) => Err(AnyDelimiterError::DelimiterInItem { at }),
            None => Ok(()),
        }
    }

    fn encode_owned(
        &self,
        item: impl AsRef<[u8]> + Into<Bytes>,
        dst: &mut Segments,
    ) -> Result<(), AnyDelimiterError> {
        self.check(item.as_ref())?;
        dst.push_from(item);
        dst.put_slice(&[self.delimiters.first()]);
        Ok(())
    }
}

impl State {
    const START: Self = Self::Frame { scanned: 0 };
}

impl Decoder for AnyDelimiterCodec {
    type Item = BytesMut;
    type Error = AnyDelimiterError;

    fn decode(&mut self, src: &mut BytesMut) -> Result<Option<BytesMut>, AnyDelimiterError> {
        loop {
            match self.state {
                State::Frame { scanned } => {
                    let scanned = scanned.min(src.len());
                    if let Some(offset) = self.delimiters.find(&src[scanned..]) {
                        let end = scanned + offset;
                        self.state = State::START;
                        if end > self.max_length {
                            src.advance(end + 1);
                            return Err(AnyDelimiterError::TooLong);
                        }
                        let frame = self.items.take(src, 0, end);
                        src.advance(1);
                        return Ok(Some(frame));
                    }
                    if src.len() > self.max_length {
                        self.state = State::Discard;
                        src.clear();
                        return Err(AnyDelimiterError::TooLong);
                    }
                    self.state = State::Frame { scanned: src.len() };
                    return Ok(None);
                }
                State::Discard => {
                    let Some(end) = self.delimiters.find(src) else {
                        src.clear();
                        return Ok(None);
                    };
                    self.state = State::START;
                    src.advance(end + 1);
                }
            }
        }
    }

    fn decode_eof(&mut self, src: &mut BytesMut) -> Result<Option<BytesMut>, AnyDelimiterError> {
        if let Some(frame) = self.decode(src)? {
            return Ok(Some(frame));
        }
        self.state = State::START;
        // Its length has been compared with the maximum.
        let rest = src.len();
        Ok((rest > 0).then(|| self.items.take(src, 0, rest)))
    }

    fn is_fatal(&self, error: &AnyDelimiterError) -> bool {
        matches!(error, AnyDelimiterError::Io(_))
    }

    // A long frame gets no more memory than the longest can take. A short one is in no need of it.
    fn needed(&self) -> usize {
        match self.state {
            State::Frame { scanned } if scanned >= LONG => {
                let longest = self.max_length.saturating_add(1);
                longest.saturating_sub(scanned)
            }
            _ => 0,
        }
    }
}

impl Encoder<Bytes> for AnyDelimiterCodec {
    type Error = AnyDelimiterError;

    fn encode(&mut self, item: Bytes, dst: &mut Segments) -> Result<(), AnyDelimiterError> {
        self.encode_owned(item, dst)
    }
}

impl Encoder<BytesMut> for AnyDelimiterCodec {
    type Error = AnyDelimiterError;

    fn encode(&mut self, item: BytesMut, dst: &mut Segments) -> Result<(), AnyDelimiterError> {
        self.encode_owned(item, dst)
    }
}

impl Encoder<Vec<u8>> for AnyDelimiterCodec {
    type Error = AnyDelimiterError;

    fn encode(&mut self, item: Vec<u8>, dst: &mut Segments) -> Result<(), AnyDelimiterError> {
        self.encode_owned(item, dst)
    }
}

impl Encoder<&[u8]> for AnyDelimiterCodec {
    type Error = AnyDelimiterError;

    fn encode(&mut self, item: &[u8], dst: &mut Segments) -> Result<(), AnyDelimiterError> {
        self.check(item)?;
        dst.put_slice(item);
        dst.put_slice(&[self.delimiters.first()]);
        Ok(())
    }
}

/// From how many bytes on a frame is long.
const LONG: usize = pool::CAPACITY / 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_that_comes_byte_by_byte_is_scanned_once() {
        const LENGTH: usize = 1024 * 1024;
        let mut codec = AnyDelimiterCodec::new(b';', LENGTH);
        let mut buf = BytesMut::new();
        let mut scanned_bytes = 0;
        for byte in (0..LENGTH).map(|_| b'x').chain([b';']) {
            buf.extend_from_slice(&[byte]);
            let State::Frame { scanned } = codec.state else {
                panic!("nothing is too long");
            };
            scanned_bytes += buf.len() - scanned;
            let frame = codec.decode(&mut buf).unwrap();
            assert_eq!(frame.is_some(), byte == b';');
        }
        assert_eq!(scanned_bytes, LENGTH + 1);
    }

    #[test]
    fn a_delimiter_that_is_added_is_looked_for_in_what_was_searched() {
        let mut codec = AnyDelimiterCodec::new(b';', 80);
        let mut buf = BytesMut::from("one,two");
        assert!(codec.decode(&mut buf).unwrap().is_none());
        let mut codec = codec.or(b',');
        assert_eq!(codec.decode(&mut buf).unwrap().unwrap(), "one");
    }

    #[test]
    fn a_codec_used_on_another_buffer_causes_no_panic() {
        let mut codec = AnyDelimiterCodec::new(b';', 80);
        let buf = &mut BytesMut::from("unfinished");
        assert_eq!(codec.decode(buf).unwrap(), None);
        assert_eq!(codec.decode(&mut BytesMut::from("new")).unwrap(), None);
    }
}
