use std::{mem, str};

use bytes::{Buf, Bytes, BytesMut};
use codec::{Decoder, Encoder, Segments};

use super::{Protocol, Reply, Request, RespError, words::words_of};

/// Requests in one direction, replies in the other.
///
/// A request is an array of strings, as clients send it, or a line of words, as people type it:
///
/// ```text
///     *2\r\n$4\r\nECHO\r\n$5\r\nhello\r\n        ECHO hello\r\n
/// ```
///
/// Arguments are taken out as they come. What is announced reserves nothing.
#[derive(Debug)]
pub(crate) struct Resp {
    max_request: usize,
    /// Of the replies.
    pub(crate) protocol: Protocol,
    state: State,
}

/// ```text
///               ┌──────────── an argument, and others are missing ───────────┐
///               ▼                                                            │
///   Start ──▶ Length ────────────── "$5\r\n" ─────────────────────────▶ Argument
///    ▲ │ "*2\r\n"                                                            │
///    │ └─ a line of words: out                                               │
///    └───────────────── the last argument: the request is out ◀──────────────┘
/// ```
#[derive(Debug)]
enum State {
    /// A request begins.
    Start,
    /// The length of an argument comes.
    Length(Partial),
    /// An argument of so many bytes comes, and its line ending; `needed` bytes of that were missing.
    Argument {
        partial: Partial,
        len: usize,
        needed: usize,
    },
}

/// A request of which some arguments are missing.
#[derive(Debug, Default)]
struct Partial {
    words: Vec<Bytes>,
    missing: usize,
    /// What it takes in memory, roughly.
    size: usize,
}

impl Resp {
    /// A codec for requests of up to so many bytes.
    pub(crate) fn new(max_request: usize) -> Self {
        Self {
            max_request: max_request.min(isize::MAX as usize),
            protocol: Protocol::Two,
            state: State::Start,
        }
    }

    /// How long an argument may be behind those of `partial`.
    fn checked(&self, partial: &Partial, len: i64) -> Result<usize, RespError> {
        let len = usize::try_from(len).map_err(|_| RespError::Length)?;
        let size = partial.size.saturating_add(len);
        if size > self.max_request {
            return Err(RespError::Length);
        }
        Ok(len)
    }
}

impl Decoder for Resp {
    type Item = Request;
    type Error = RespError;

    fn decode(&mut self, src: &mut BytesMut) -> Result<Option<Request>, RespError> {
        loop {
            match &mut self.state {
                State::Start => {
                    let longest = LONGEST_LINE.min(self.max_request);
                    let Some((line, end)) = line_of(src, longest, RespError::LineTooLong)? else {
                        return Ok(None);
                    };
                    let Some(count) = line.strip_prefix(b"*") else {
                        let words = words_of(line).ok_or(RespError::Quotes)?;
                        let request = Request::new(words);
                        src.advance(end);
                        match request {
                            // An empty line is no request; people press return.
                            None => continue,
                            request => return Ok(request),
                        }
                    };
                    let count = number_of(count).ok_or(RespError::Count)?;
                    if count > MOST_ARGUMENTS {
                        return Err(RespError::Count);
                    }
                    src.advance(end);
                    // Neither is an array without anything in it.
                    if let missing @ 1.. = count {
                        self.state = State::Length(Partial {
                            missing: missing as usize,
                            ..Partial::default()
                        });
                    }
                }
                State::Length(partial) => {
                    let Some((line, end)) = line_of(src, LONGEST_NUMBER, RespError::Length)? else {
                        return Ok(None);
                    };
                    let len = match line.split_first() {
                        Some((b'$', len)) => number_of(len).ok_or(RespError::Length)?,
                        other => {
                            let first = other.map_or(b'\r', |(&first, _)| first);
                            return Err(RespError::NoDollar(first));
                        }
                    };
                    let partial = mem::take(partial);
                    let len = self.checked(&partial, len)?;
                    src.advance(end);
                    self.state = State::Argument {
                        partial,
                        len,
                        needed: 0,
                    };
                }
                State::Argument {
                    partial,
                    len,
                    needed,
                } => {
                    let len = *len;
                    // No overflow: a request has at most so many bytes as a buffer can have.
                    *needed = (len + ENDING.len()).saturating_sub(src.len());
                    if *needed > 0 {
                        return Ok(None);
                    }
                    if src[len..][..ENDING.len()] != *ENDING {
                        return Err(RespError::NoEnding);
                    }
                    let mut partial = mem::take(partial);
                    partial.words.push(taken(src, len));
                    partial.size += len + OVERHEAD;
                    partial.missing -= 1;
                    src.advance(ENDING.len());
                    if partial.missing == 0 {
                        self.state = State::Start;
                        return Ok(Request::new(partial.words));
                    }
                    self.state = State::Length(partial);
                }
            }
        }
    }

    fn decode_eof(&mut self, src: &mut BytesMut) -> Result<Option<Request>, RespError> {
        match self.decode(src)? {
            // Between two arguments, too, when nothing is left over.
            None if !src.is_empty() || !matches!(self.state, State::Start) => {
                Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into())
            }
            request => Ok(request),
        }
    }

    fn needed(&self) -> usize {
        match self.state {
            State::Argument { needed, .. } => needed,
            _ => 0,
        }
    }
}

impl Encoder<Reply> for Resp {
    type Error = RespError;

    fn encode(&mut self, reply: Reply, dst: &mut Segments) -> Result<(), RespError> {
        reply.put(self.protocol, dst);
        Ok(())
    }
}

/// The first line without its ending, and where the next one begins; `too_long` if it has more than
/// `longest` bytes.
fn line_of(
    src: &[u8],
    longest: usize,
    too_long: RespError,
) -> Result<Option<(&[u8], usize)>, RespError> {
    let seen = &src[..src.len().min(longest.saturating_add(ENDING.len()))];
    let end = seen.iter().position(|&byte| byte == b'\n');
    let line = &seen[..end.unwrap_or(seen.len())];
    // At the end of what is there it may belong to an ending whose other half has not come yet.
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.len() > longest {
        return Err(too_long);
    }
    Ok(end.map(|end| (line, end + 1)))
}

fn number_of(digits: &[u8]) -> Option<i64> {
    str::from_utf8(digits).ok()?.parse().ok()
}

/// A short argument is copied: split off, a key of ten bytes would keep a buffer of 64 KiB alive.
fn taken(src: &mut BytesMut, len: usize) -> Bytes {
    if len >= LONG && len >= src.capacity() / 2 {
        return src.split_to(len).freeze();
    }
    let bytes = Bytes::copy_from_slice(&src[..len]);
    src.advance(len);
    bytes
}

const ENDING: &[u8] = b"\r\n";

/// Of a line of words, as Redis has it.
const LONGEST_LINE: usize = 64 * 1024;

/// `$` and a number of 64 bits.
const LONGEST_NUMBER: usize = 21;

/// As Redis has it.
const MOST_ARGUMENTS: i64 = 1024 * 1024;

/// What an argument takes beside its bytes, at least.
const OVERHEAD: usize = size_of::<Bytes>();

/// From how many bytes on an argument may be split off.
const LONG: usize = 32 * 1024;

#[cfg(test)]
mod tests {
    use codec::FramedRead;
    use futures::{StreamExt, executor::block_on};
    use io_traits::testing::Script;

    use super::*;

    /// Requests as words, and the error that ends them.
    fn decoded(script: Script, max_request: usize) -> Vec<String> {
        let requests = FramedRead::new(script, Resp::new(max_request));
        let shown = requests.map(|request| match request {
            Ok(request) => {
                let words = [request.name()].into_iter().chain(request.arguments());
                let words: Vec<_> = words.map(|word| word.escape_ascii().to_string()).collect();
                words.join(" ")
            }
            Err(error) => format!("error: {error}"),
        });
        block_on(shown.collect())
    }

    #[test]
    fn requests_are_the_same_however_the_stream_is_cut() {
        let bytes: &[u8] =
            b"*2\r\n$4\r\nECHO\r\n$7\r\nhe\r\nllo\r\nPING\r\n\r\n  GET   key \n*0\r\n*-1\r\n\
            *1\r\n$0\r\n\r\n*1\r\n$4\r\nPING\r\n";
        let expected = ["ECHO he\\r\\nllo", "PING", "GET key", "", "PING"];
        for at in 1..bytes.len() {
            let script = Script::new()
                .gives(&bytes[..at])
                .would_block()
                .gives(&bytes[at..]);
            assert_eq!(decoded(script, 1000), expected, "split at {at}");
        }
    }

    #[test]
    fn what_breaks_the_protocol_is_the_last_item() {
        for (bytes, message) in [
            (&b"*x\r\n"[..], "invalid multibulk length"),
            (b"*1048577\r\n", "invalid multibulk length"),
            (b"*1\r\n:5\r\n", "expected '$', got ':'"),
            (b"*1\r\n\r\n", "expected '$', got '\\r'"),
            (b"*1\r\n$-1\r\n", "invalid bulk length"),
            (b"*1\r\n$x\r\n", "invalid bulk length"),
            (b"*1\r\n$99999999999999999999\r\n", "invalid bulk length"),
            (b"*1\r\n$9999999999999999999999", "invalid bulk length"),
            (b"*1\r\n$101\r\n", "invalid bulk length"),
            (b"*2\r\n$60\r\n", "reading or writing failed"),
            (
                b"*1\r\n$1\r\nabc",
                "expected a line ending behind an argument",
            ),
            (b"*1\r\n", "reading or writing failed"),
            (b"*1\r\n$4\r\nPIN", "reading or writing failed"),
            (b"PING", "reading or writing failed"),
            (b"ECHO \"a\r\n", "unbalanced quotes in request"),
        ] {
            let script = Script::new().gives(b"PING\r\n").gives(bytes);
            let expected = ["PING", &format!("error: {message}")];
            assert_eq!(decoded(script, 100), expected, "{}", bytes.escape_ascii());
        }
        let long = vec![b'x'; LONGEST_LINE + 1];
        let script = Script::new().gives(long);
        assert_eq!(decoded(script, 1 << 20), ["error: too big inline request"]);
    }

    #[test]
    fn arguments_that_are_short_each_are_limited_all_together() {
        let mut bytes = b"*1000\r\n".to_vec();
        for _ in 0..1000 {
            bytes.extend_from_slice(b"$1\r\nx\r\n");
        }
        assert_eq!(
            decoded(Script::new().gives(&bytes), 1000),
            ["error: invalid bulk length"]
        );
        assert_eq!(decoded(Script::new().gives(&bytes), 100_000)[0].len(), 1999);
    }

    #[test]
    fn a_long_argument_is_whole_and_what_is_announced_reserves_nothing() {
        let long = vec![b'x'; 1_000_000];
        let bytes = [
            b"*2\r\n$3\r\nSET\r\n$1000000\r\n",
            &long[..],
            b"\r\nPING\r\n",
        ]
        .concat();
        let requests = decoded(Script::new().gives(bytes), 2_000_000);
        assert_eq!(requests[0].len(), 4 + long.len());
        assert_eq!(requests[1], "PING");

        let script = Script::new()
            .gives(b"*1000000\r\n$500000000\r\nx")
            .never_gives();
        let mut requests = FramedRead::new(script, Resp::new(usize::MAX));
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(requests.poll_next_unpin(&mut cx).is_pending());
        assert_eq!(requests.read_buffer().capacity(), 1);
        let State::Argument { partial, .. } = &requests.decoder().state else {
            panic!("an argument is under way");
        };
        assert_eq!(partial.words.capacity(), 0);
    }
}
