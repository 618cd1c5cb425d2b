//! As much of the heads of HTTP/1.1 as it takes to answer GET and HEAD, over anything that reads.

use std::io;

use bytes::{Buf, BytesMut};
use httparse::{EMPTY_HEADER, Error as ParseError, Header, Status as Parsed};
use io_traits::{AsyncRead, read_buf, task};

/// What the head of a request says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// GET, HEAD or another.
    pub method: Method,
    /// What is asked for, as it was written.
    pub target: String,
    /// The value of the header `Range`.
    pub range: Option<String>,
    /// The value of the header `If-Range`.
    pub if_range: Option<String>,
    /// Whether another request may follow.
    pub keep_alive: bool,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// The answer has a body.
    Get,
    /// The answer is that of GET, without the body.
    Head,
    /// Not answered here.
    Other,
}

/// Why a head is not a request. It gets an answer all the same, after which nobody knows where the next
/// one begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// More than 16 KiB, or more than 64 headers.
    TooLarge,
    /// Not HTTP/1.
    Malformed,
}

impl Request {
    /// The path of the target, without the query.
    pub fn path(&self) -> &str {
        self.target
            .split_once('?')
            .map_or(&self.target, |(path, _)| path)
    }
}

impl Refusal {
    /// The status of the answer.
    pub fn status(self) -> &'static str {
        match self {
            Self::TooLarge => "431 Request Header Fields Too Large",
            Self::Malformed => "400 Bad Request",
        }
    }
}

/// Reads the head of a request; `None` if the client has ended before it was whole. What comes behind it
/// stays in `input`.
///
/// # Errors
///
/// Those of reading.
pub async fn read_request<R: AsyncRead>(
    stream: &mut R,
    input: &mut BytesMut,
) -> io::Result<Option<Result<Request, Refusal>>> {
    loop {
        // However much came in one piece, the same is too large.
        let head = &input[..input.len().min(MAX_HEAD)];
        if let Some((request, length)) = parse(head) {
            input.advance(length);
            return Ok(Some(request));
        }
        if head.len() == MAX_HEAD {
            return Ok(Some(Err(Refusal::TooLarge)));
        }
        input.reserve(READ);
        if task::io(|| read_buf(stream, input)).await? == 0 {
            return Ok(None);
        }
    }
}

/// Reads a request and its length, if all of its head is there.
fn parse(head: &[u8]) -> Option<(Result<Request, Refusal>, usize)> {
    let mut headers = [EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(head) {
        Ok(Parsed::Partial) => None,
        Ok(Parsed::Complete(length)) => Some((understand(&request), length)),
        Err(ParseError::TooManyHeaders) => Some((Err(Refusal::TooLarge), 0)),
        Err(_) => Some((Err(Refusal::Malformed), 0)),
    }
}

fn understand(request: &httparse::Request<'_, '_>) -> Result<Request, Refusal> {
    let find = |name: &str| request.headers.iter().find(|h| is_named(h, name));
    let value = |name: &str| {
        let value = std::str::from_utf8(find(name)?.value).ok()?;
        Some(value.trim().to_owned())
    };
    let is_http_1_1 = request.version == Some(1);
    // RFC 9112, section 3.2: an answer to a request without it must be 400.
    if is_http_1_1 && find("host").is_none() {
        return Err(Refusal::Malformed);
    }
    // A body is not read, so that the next request cannot be found behind it.
    let has_body = find("content-length").is_some() || find("transfer-encoding").is_some();
    Ok(Request {
        method: match request.method {
            Some("GET") => Method::Get,
            Some("HEAD") => Method::Head,
            _ => Method::Other,
        },
        target: request.path.unwrap_or_default().to_owned(),
        range: value("range"),
        if_range: value("if-range"),
        keep_alive: is_http_1_1 && !has_body && !request.headers.iter().any(says_close),
    })
}

fn is_named(header: &Header<'_>, name: &str) -> bool {
    header.name.eq_ignore_ascii_case(name)
}

fn says_close(header: &Header<'_>) -> bool {
    let mut options = header.value.split(|&byte| byte == b',');
    is_named(header, "connection")
        && options.any(|option| option.trim_ascii().eq_ignore_ascii_case(b"close"))
}

/// The longest head of a request, in bytes.
const MAX_HEAD: usize = 16 * 1024;
const MAX_HEADERS: usize = 64;
/// Room for one read, in bytes.
const READ: usize = 4 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(head: &str) -> Result<Request, Refusal> {
        let (request, length) = parse(head.as_bytes()).expect("the head is whole");
        if request.is_ok() {
            assert_eq!(length, head.len());
        }
        request
    }

    fn get(headers: &str) -> Request {
        parsed(&format!(
            "GET /a?b=c HTTP/1.1\r\nHost: here\r\n{headers}\r\n"
        ))
        .unwrap()
    }

    #[test]
    fn what_is_asked_for_is_there_as_it_was_written() {
        let request = get("Range:  bytes=0-1 \r\nif-range: \"x\"\r\n");
        assert_eq!(
            (request.method, request.path(), &*request.target),
            (Method::Get, "/a", "/a?b=c")
        );
        assert_eq!(request.range.as_deref(), Some("bytes=0-1"));
        assert_eq!(request.if_range.as_deref(), Some("\"x\""));
        let head = parsed("HEAD / HTTP/1.0\r\n\r\n").unwrap();
        assert_eq!((head.method, head.range), (Method::Head, None));
        let other = parsed("DELETE / HTTP/1.1\r\nHost: here\r\n\r\n").unwrap();
        assert_eq!(other.method, Method::Other);
    }

    #[test]
    fn a_connection_is_kept_unless_there_is_a_reason_not_to() {
        assert!(get("").keep_alive);
        assert!(get("Connection: keep-alive\r\n").keep_alive);
        assert!(!get("connection: Upgrade , Close\r\n").keep_alive);
        assert!(!get("Content-Length: 3\r\n").keep_alive);
        assert!(!get("Transfer-Encoding: chunked\r\n").keep_alive);
        assert!(!parsed("GET / HTTP/1.0\r\n\r\n").unwrap().keep_alive);
    }

    #[test]
    fn what_cannot_be_understood_is_refused() {
        for head in [
            "GET / HTTP/1.1\r\n\r\n",
            "GET / HTTP/2.0\r\n\r\n",
            "GET\r\n\r\n",
            "GET / HTTP/1.1\r\nno colon\r\n\r\n",
            "\u{16}\u{3}\u{1}",
        ] {
            assert_eq!(parsed(head), Err(Refusal::Malformed), "{head:?}");
        }
        let headers = "a: b\r\n".repeat(MAX_HEADERS + 1);
        let head = format!("GET / HTTP/1.1\r\nHost: here\r\n{headers}\r\n");
        assert_eq!(parsed(&head), Err(Refusal::TooLarge));
    }

    #[test]
    fn half_a_head_is_none() {
        let head = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n";
        for length in 0..head.len() {
            assert_eq!(parse(&head[..length]), None, "{length}");
        }
    }
}
