use bytes::{Buf, BytesMut};
use io_traits::pool;
use memchr::memchr;

use crate::{Decoder, Encoder, LinesError, Segments};

/// Lines of UTF-8 text, ended by `\n` or `\r\n`.
///
/// A line is decoded to a `String` without its ending. At the end of the stream the remainder is a line
/// too, unless it is empty or a lone `\r`. A byte is looked at once, however slowly it comes.
///
/// What is encoded is the text and a `\n`, so that it is decoded to the same line, but for a `\r` at its end: that is
/// taken for a part of the ending.
///
/// # Errors
///
/// When decoding, each of these concerns one line, and the next line is decoded as if nothing had been:
///
/// * [`LinesError::TooLong`], once, as soon as it is certain that a line is longer than the maximum. The
///   rest of it is discarded as it comes, without being kept.
/// * [`LinesError::InvalidUtf8`]
///
/// When encoding, [`LinesError::ItemTooLong`] and [`LinesError::EndingInItem`] concern one line, of which nothing is
/// written.
///
/// [`LinesError::Io`], an error of the reader or writer, ends the stream.
///
/// # Examples
///
/// ```
/// use codec::{FramedRead, LinesCodec, LinesError};
/// use futures::{executor::block_on, StreamExt};
///
/// let stream: &[u8] = b"short\r\nfar too long\nend";
/// let lines = FramedRead::new(stream, LinesCodec::new(5));
/// let lines: Vec<_> = block_on(lines.collect());
/// assert_eq!(lines[0].as_ref().unwrap(), "short");
/// assert!(matches!(lines[1], Err(LinesError::TooLong)));
/// assert_eq!(lines[2].as_ref().unwrap(), "end");
/// ```
#[derive(Debug, Clone)]
pub struct LinesCodec {
    max_length: usize,
    state: State,
}

/// ```text
///            ┌──────── too long ────────┐
///            │                          ▼
///          Line ◀────── "\n" ─────── Discard
///          └──▲ "\n": a line
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The first `scanned` bytes of the buffer are known to hold no `\n`.
    Line { scanned: usize },
    /// The buffer begins inside a line that was too long.
    Discard,
}

impl LinesCodec {
    /// A codec for lines of up to `max_length` bytes.
    ///
    /// Counted are the bytes of the line without its `\n` or `\r\n`. The limit is one of memory, and
    /// there is no codec without one: a peer that never ends its line would fill all there is.
    pub fn new(max_length: usize) -> Self {
        Self {
            max_length,
            state: State::START,
        }
    }

    /// The most bytes that a line may have.
    pub fn max_length(&self) -> usize {
        self.max_length
    }

    fn check(&self, item: &[u8]) -> Result<(), LinesError> {
        if item.len() > self.max_length {
            return Err(LinesError::ItemTooLong { len: item.len() });
        }
        match memchr(b'\n', item) {
            Some(at) => Err(LinesError::EndingInItem { at }),
            None => Ok(()),
        }
    }

    /// The line of `bytes`, which is one without its `\n`.
    fn line(&self, bytes: &[u8]) -> Result<String, LinesError> {
        let line = without_carriage_return(bytes);
        if line.len() > self.max_length {
            return Err(LinesError::TooLong);
        }
        Ok(str::from_utf8(line)?.to_owned())
    }
}

impl State {
    const START: Self = Self::Line { scanned: 0 };
}

// Nothing is split off the buffer: that would turn it into shared memory, which is no pool's.
impl Decoder for LinesCodec {
    type Item = String;
    type Error = LinesError;

    fn decode(&mut self, src: &mut BytesMut) -> Result<Option<String>, LinesError> {
        loop {
            match self.state {
                State::Line { scanned } => {
                    let scanned = scanned.min(src.len());
                    if let Some(offset) = memchr(b'\n', &src[scanned..]) {
                        let end = scanned + offset;
                        let line = self.line(&src[..end]);
                        self.state = State::START;
                        src.advance(end + 1);
                        return line.map(Some);
                    }
                    // A `\r` at the end may belong to an ending whose `\n` has not come yet.
                    if without_carriage_return(src).len() > self.max_length {
                        self.state = State::Discard;
                        src.clear();
                        return Err(LinesError::TooLong);
                    }
                    self.state = State::Line { scanned: src.len() };
                    return Ok(None);
                }
                State::Discard => {
                    let Some(end) = memchr(b'\n', src) else {
                        src.clear();
                        return Ok(None);
                    };
                    self.state = State::START;
                    src.advance(end + 1);
                }
            }
        }
    }

    fn decode_eof(&mut self, src: &mut BytesMut) -> Result<Option<String>, LinesError> {
        if let Some(line) = self.decode(src)? {
            return Ok(Some(line));
        }
        self.state = State::START;
        let line = match &src[..] {
            b"" | b"\r" => None,
            rest => Some(self.line(rest)),
        };
        src.clear();
        line.transpose()
    }

    fn is_fatal(&self, error: &LinesError) -> bool {
        matches!(error, LinesError::Io(_))
    }

    // A long line gets no more memory than the longest can take. A short one is in no need of it.
    fn needed(&self) -> usize {
        match self.state {
            State::Line { scanned } if scanned >= LONG => {
                let longest = self.max_length.saturating_add(ENDING.len());
                longest.saturating_sub(scanned)
            }
            _ => 0,
        }
    }
}

impl<T: AsRef<str>> Encoder<T> for LinesCodec {
    type Error = LinesError;

    fn encode(&mut self, line: T, dst: &mut Segments) -> Result<(), LinesError> {
        let line = line.as_ref().as_bytes();
        self.check(line)?;
        dst.put_slice(line);
        dst.put_slice(b"\n");
        Ok(())
    }
}

/// The longest ending.
const ENDING: &[u8] = b"\r\n";

/// From how many bytes on a line is long.
const LONG: usize = pool::CAPACITY / 2;

fn without_carriage_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(codec: &mut LinesCodec, buf: &mut BytesMut, bytes: &str) -> Option<String> {
        buf.extend_from_slice(bytes.as_bytes());
        codec.decode(buf).unwrap()
    }

    #[test]
    fn a_line_that_comes_byte_by_byte_is_scanned_once() {
        const LENGTH: usize = 1024 * 1024;
        let mut codec = LinesCodec::new(LENGTH);
        let mut buf = BytesMut::new();
        let mut scanned_bytes = 0;
        for byte in (0..LENGTH).map(|_| b'x').chain([b'\n']) {
            buf.extend_from_slice(&[byte]);
            let State::Line { scanned } = codec.state else {
                panic!("nothing is too long");
            };
            scanned_bytes += buf.len() - scanned;
            let line = codec.decode(&mut buf).unwrap();
            assert_eq!(line.is_some(), byte == b'\n');
        }
        assert_eq!(scanned_bytes, LENGTH + 1);
    }

    #[test]
    fn what_is_discarded_is_not_kept() {
        let mut codec = LinesCodec::new(3);
        let mut buf = BytesMut::new();
        buf.extend_from_slice(b"long");
        assert!(matches!(codec.decode(&mut buf), Err(LinesError::TooLong)));
        for _ in 0..100 {
            assert!(buf.is_empty());
            assert_eq!(decode(&mut codec, &mut buf, "er and longer"), None);
        }
        assert_eq!(decode(&mut codec, &mut buf, "\nok\n").unwrap(), "ok");
    }

    #[test]
    fn decoding_leaves_the_buffer_fit_for_the_pool() {
        let mut codec = LinesCodec::new(80);
        let mut buf = BytesMut::with_capacity(1000);
        let line = decode(&mut codec, &mut buf, "one\ntwo\n").unwrap();
        assert_eq!(line, "one");
        // Memory of which a part is shared could not be reclaimed as a whole.
        buf.clear();
        assert!(buf.try_reclaim(1000));
    }

    #[test]
    fn a_codec_used_on_another_buffer_causes_no_panic() {
        let mut codec = LinesCodec::new(80);
        assert_eq!(decode(&mut codec, &mut BytesMut::new(), "unfinished"), None);
        assert_eq!(decode(&mut codec, &mut BytesMut::new(), "new"), None);
    }
}
