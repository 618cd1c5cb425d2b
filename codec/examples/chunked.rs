//! A codec with states: a body in chunks, like that of HTTP/1.1.
//!
//! ```sh
//! cargo run -p codec --example chunked
//! ```
//!
//! ```text
//!     5\r\nhello\r\n      a size in hexadecimal, and as many bytes
//!     7\r\n, world\r\n
//!     0\r\n               the last chunk is empty
//!     \r\n                (HTTP would allow trailers here)
//! ```
//!
//! What to see here:
//!
//! * The states are an enum, drawn above it, and `decode` is a loop with an arm for each.
//! * A chunk is handed on as it comes. So it may be longer than the memory: no frame is, whose length is
//!   limited, and the only thing to be limited is the line with the size.
//! * Where a stream may end is known by the state and not by whether bytes are left over, which is what the
//!   provided `decode_eof` asks. So it is overridden.
//! * After the last chunk come bytes of something else. They are left alone.

use std::{error, fmt, io, io::Write, str};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use codec::{Decoder, Encoder, Framed, FramedRead, LinesCodec, Segments};
use futures::executor::block_on;
use io_traits::testing::Script;

fn main() -> Result<(), ChunkedError> {
    block_on(async {
        let mut body = Framed::new(Script::new(), Chunked::default());
        body.feed(Part::Data(Bytes::from_static(b"hello"))).await?;
        body.feed(Part::Data(Bytes::from_static(b", world")))
            .await?;
        body.send(Part::End).await?;
        let written = body.get_ref().written();
        println!("{}", written.escape_ascii());

        // The next request follows the body at once.
        let bytes = [written, b"next request\r\n"].concat();
        let mut body = FramedRead::new(&bytes[..], Chunked::default());
        while let Some(Part::Data(piece)) = body.next().await.transpose()? {
            println!("a piece of {} bytes", piece.len());
        }
        let mut lines = body.map_codec(|_| LinesCodec::new(80));
        println!("then: {:?}", lines.next().await);
        Ok(())
    })
}

/// What a body consists of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Some bytes, never none.
    Data(Bytes),
    /// The body is complete.
    End,
}

/// The codec of one body after the other.
#[derive(Debug, Default)]
pub struct Chunked {
    state: State,
}

/// ```text
///                       ┌────────────── "\r\n" ◀─────────────┐
///                       ▼                                    │
///   Start ── a byte ─▶ Size ── n > 0 ──▶ Data { left } ──▶ DataEnd
///     ▲                 │                └──▲ a piece: out
///     │                 └── 0 ──▶ LastEnd
///     └───────── "\r\n": End, out ──┘
/// ```
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Between two bodies, the only place where a stream may end.
    #[default]
    Start,
    /// A line with a size comes.
    Size,
    /// So many bytes of the chunk have not come yet.
    Data { left: u64 },
    /// The line ending behind a chunk comes.
    DataEnd,
    /// The empty line behind the last chunk comes.
    LastEnd,
}

impl Decoder for Chunked {
    type Item = Part;
    type Error = ChunkedError;

    fn decode(&mut self, src: &mut BytesMut) -> Result<Option<Part>, ChunkedError> {
        loop {
            match self.state {
                State::Start => {
                    if src.is_empty() {
                        return Ok(None);
                    }
                    self.state = State::Size;
                }
                State::Size => {
                    let Some(line) = line_of(src, LONGEST_SIZE)? else {
                        return Ok(None);
                    };
                    self.state = match size_of_chunk(&src[..line])? {
                        0 => State::LastEnd,
                        left => State::Data { left },
                    };
                    src.advance(line + ENDING.len());
                }
                State::Data { left } => {
                    if src.is_empty() {
                        return Ok(None);
                    }
                    let len = src.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                    // A copy: split off, it would keep a whole read buffer alive.
                    let piece = Bytes::copy_from_slice(&src[..len]);
                    src.advance(len);
                    self.state = match left - len as u64 {
                        0 => State::DataEnd,
                        left => State::Data { left },
                    };
                    return Ok(Some(Part::Data(piece)));
                }
                State::DataEnd => {
                    let Some(_) = line_of(src, 0)? else {
                        return Ok(None);
                    };
                    src.advance(ENDING.len());
                    self.state = State::Size;
                }
                State::LastEnd => {
                    let Some(_) = line_of(src, 0)? else {
                        return Ok(None);
                    };
                    src.advance(ENDING.len());
                    self.state = State::Start;
                    return Ok(Some(Part::End));
                }
            }
        }
    }

    fn decode_eof(&mut self, src: &mut BytesMut) -> Result<Option<Part>, ChunkedError> {
        match self.decode(src)? {
            None if self.state != State::Start => {
                Err(io::Error::from(io::ErrorKind::UnexpectedEof).into())
            }
            part => Ok(part),
        }
    }

    fn needed(&self) -> usize {
        match self.state {
            State::Data { left } => usize::try_from(left).unwrap_or(usize::MAX),
            _ => 0,
        }
    }
}

impl Encoder<Part> for Chunked {
    type Error = ChunkedError;

    fn encode(&mut self, part: Part, dst: &mut Segments) -> Result<(), ChunkedError> {
        match part {
            // An empty chunk would be the last one.
            Part::Data(bytes) if bytes.is_empty() => {}
            Part::Data(bytes) => {
                write!(dst.buf().writer(), "{:x}\r\n", bytes.len())?;
                dst.push(bytes);
                dst.put_slice(ENDING);
            }
            Part::End => dst.put_slice(b"0\r\n\r\n"),
        }
        Ok(())
    }
}

/// How long the line at the front of `src` is without its ending, if that is there.
fn line_of(src: &[u8], longest: usize) -> Result<Option<usize>, ChunkedError> {
    let seen = &src[..src.len().min(longest + ENDING.len())];
    if let Some(at) = seen.windows(ENDING.len()).position(|end| end == ENDING) {
        return Ok(Some(at));
    }
    // What has just one byte more is a whole line if that begins the ending.
    match seen.get(longest..) {
        Some([] | [b'\r']) | None => Ok(None),
        Some(_) => Err(ChunkedError::LineTooLong),
    }
}

fn size_of_chunk(line: &[u8]) -> Result<u64, ChunkedError> {
    let digits = str::from_utf8(line).ok();
    // `from_str_radix` would take a sign.
    let digits = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    digits
        .and_then(|digits| u64::from_str_radix(digits, 16).ok())
        .ok_or(ChunkedError::Size)
}

/// What can go wrong. All of it ends the stream, which is what [`Decoder::is_fatal`] says if it is not
/// overridden: nobody knows where the next chunk begins.
#[derive(Debug)]
#[non_exhaustive]
pub enum ChunkedError {
    /// A line is longer than it can be.
    LineTooLong,
    /// A size is no hexadecimal number of 64 bits.
    Size,
    /// The reader or writer failed, or the stream ended inside a body.
    Io(io::Error),
}

impl fmt::Display for ChunkedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LineTooLong => "a line is longer than it can be",
            Self::Size => "a size is no hexadecimal number",
            Self::Io(_) => "reading or writing chunks failed",
        })
    }
}

impl error::Error for ChunkedError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Io(source) => Some(source),
            _ => None,
        }
    }
}

impl From<io::Error> for ChunkedError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

const ENDING: &[u8] = b"\r\n";

/// More digits than 64 bits have.
const LONGEST_SIZE: usize = 16;
