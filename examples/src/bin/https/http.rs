//! As much of HTTP/1.1 as it takes to answer GET and HEAD, over anything that reads and writes.

use std::io;

use bytes::{Buf, BytesMut};
use examples::Random;
use httparse::{EMPTY_HEADER, Error as ParseError, Header, Status as Parsed};
use io_traits::{AsyncRead, AsyncWrite, io::write_all, read_buf, task};

/// Answers requests until the client ends, or has said what cannot be understood.
///
/// It need not flush: a [`Layer`](io_traits::layer::Layer) does so when it waits for the next request.
pub(crate) async fn serve_requests<S: AsyncRead + AsyncWrite>(stream: &mut S) -> io::Result<()> {
    let mut input = BytesMut::new();
    while let Some(request) = read_request(stream, &mut input).await? {
        let response = respond(&request);
        write_response(stream, &request, &response).await?;
        if !request.keep_alive {
            break;
        }
    }
    Ok(())
}

/// What the head of a request says. One that is refused is a request all the same: it gets an answer.
#[derive(Debug, PartialEq, Eq)]
struct Request {
    target: Target,
    /// HEAD: the answer has no body.
    head_only: bool,
    keep_alive: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Target {
    Page,
    Bytes(u64),
    Unknown,
    /// Of another method than GET and HEAD.
    Other,
    TooLarge,
    Malformed,
}

impl Request {
    /// A request after which nobody knows where the next one begins.
    fn refused(target: Target) -> Self {
        Self {
            target,
            head_only: false,
            keep_alive: false,
        }
    }
}

async fn read_request<R: AsyncRead>(
    stream: &mut R,
    input: &mut BytesMut,
) -> io::Result<Option<Request>> {
    loop {
        // However much came in one piece, the same is too large.
        let head = &input[..input.len().min(MAX_HEAD)];
        if let Some((request, length)) = parse(head) {
            input.advance(length);
            return Ok(Some(request));
        }
        if head.len() == MAX_HEAD {
            return Ok(Some(Request::refused(Target::TooLarge)));
        }
        input.reserve(READ);
        if task::io(|| read_buf(stream, input)).await? == 0 {
            return Ok(None);
        }
    }
}

/// Reads a request and its length, if all of its head is there.
fn parse(head: &[u8]) -> Option<(Request, usize)> {
    let mut headers = [EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(head) {
        Ok(Parsed::Partial) => None,
        Ok(Parsed::Complete(length)) => Some((understand(&request), length)),
        Err(ParseError::TooManyHeaders) => Some((Request::refused(Target::TooLarge), 0)),
        Err(_) => Some((Request::refused(Target::Malformed), 0)),
    }
}

fn understand(request: &httparse::Request<'_, '_>) -> Request {
    let has = |name: &str| request.headers.iter().any(|h| is_named(h, name));
    let is_http_1_1 = request.version == Some(1);
    // RFC 9112, section 3.2: an answer to a request without it must be 400.
    if is_http_1_1 && !has("host") {
        return Request::refused(Target::Malformed);
    }
    let path = request.path.unwrap_or_default();
    let target = match request.method {
        Some("GET" | "HEAD") => Target::of(path),
        _ => Target::Other,
    };
    // A body is not read, so that the next request cannot be found behind it.
    let has_body = has("content-length") || has("transfer-encoding");
    Request {
        target,
        head_only: request.method == Some("HEAD"),
        keep_alive: is_http_1_1 && !has_body && !request.headers.iter().any(says_close),
    }
}

fn is_named(header: &Header<'_>, name: &str) -> bool {
    header.name.eq_ignore_ascii_case(name)
}

fn says_close(header: &Header<'_>) -> bool {
    let mut options = header.value.split(|&byte| byte == b',');
    is_named(header, "connection")
        && options.any(|option| option.trim_ascii().eq_ignore_ascii_case(b"close"))
}

impl Target {
    fn of(path: &str) -> Self {
        let (path, _query) = path.split_once('?').unwrap_or((path, ""));
        match path.strip_prefix("/bytes/") {
            _ if path == "/" => Self::Page,
            // `parse` would take a sign as well.
            Some(n) if n.starts_with(|c: char| c.is_ascii_digit()) => {
                n.parse().map_or(Self::Unknown, Self::Bytes)
            }
            _ => Self::Unknown,
        }
    }
}

struct Response {
    status: &'static str,
    /// A header line or none.
    header: &'static str,
    body: Body,
}

enum Body {
    Text(&'static str),
    /// So many bytes of [`Random`], seeded with their number.
    Bytes(u64),
}

fn respond(request: &Request) -> Response {
    let (status, header, body) = match request.target {
        Target::Page => ("200 OK", HTML, Body::Text(PAGE)),
        Target::Bytes(n) => ("200 OK", BINARY, Body::Bytes(n)),
        Target::Unknown => (
            "404 Not Found",
            PLAIN,
            Body::Text("There is no such page.\n"),
        ),
        Target::Other => (
            "405 Method Not Allowed",
            "Allow: GET, HEAD\r\n",
            Body::Text(""),
        ),
        Target::TooLarge => ("431 Request Header Fields Too Large", "", Body::Text("")),
        Target::Malformed => ("400 Bad Request", "", Body::Text("")),
    };
    Response {
        status,
        header,
        body,
    }
}

async fn write_response<W: AsyncWrite>(
    stream: &mut W,
    request: &Request,
    response: &Response,
) -> io::Result<()> {
    let length = match response.body {
        Body::Text(text) => text.len() as u64,
        Body::Bytes(n) => n,
    };
    let (status, header) = (response.status, response.header);
    let connection = if request.keep_alive {
        ""
    } else {
        "Connection: close\r\n"
    };
    let mut head =
        format!("HTTP/1.1 {status}\r\n{header}Content-Length: {length}\r\n{connection}\r\n");
    match response.body {
        _ if request.head_only => write_all(stream, head.as_bytes()).await,
        Body::Text(text) => {
            // Both in one record of TLS.
            head.push_str(text);
            write_all(stream, head.as_bytes()).await
        }
        Body::Bytes(n) => {
            write_all(stream, head.as_bytes()).await?;
            write_random(stream, n).await
        }
    }
}

async fn write_random<W: AsyncWrite>(stream: &mut W, n: u64) -> io::Result<()> {
    let (mut random, mut left) = (Random::new(n), n);
    let mut chunk = vec![0; CHUNK];
    while left > 0 {
        let length = chunk.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        random.fill(&mut chunk[..length]);
        write_all(stream, &chunk[..length]).await?;
        left -= length as u64;
    }
    Ok(())
}

/// The longest head of a request, in bytes.
const MAX_HEAD: usize = 16 * 1024;
const MAX_HEADERS: usize = 64;
/// Room for one read, in bytes.
const READ: usize = 4 * 1024;
/// What is made and written at a time, in bytes: as much as a record of TLS holds. A multiple of 8, so
/// that the bytes are the same as if they were made at once.
const CHUNK: usize = 16 * 1024;

const HTML: &str = "Content-Type: text/html; charset=utf-8\r\n";
const PLAIN: &str = "Content-Type: text/plain; charset=utf-8\r\n";
const BINARY: &str = "Content-Type: application/octet-stream\r\n";

const PAGE: &str = "<!DOCTYPE html>
<title>It works</title>
<p>A TLS library written for blocking sockets has sent this from an event loop.
<p>There are also <a href=\"/bytes/300000\">some bytes</a>.
";

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(head: &str) -> Request {
        let (request, length) = parse(head.as_bytes()).expect("the head is whole");
        if request.target != Target::Malformed && request.target != Target::TooLarge {
            assert_eq!(length, head.len());
        }
        request
    }

    fn get(path: &str, headers: &str) -> Request {
        parsed(&format!(
            "GET {path} HTTP/1.1\r\nHost: here\r\n{headers}\r\n"
        ))
    }

    #[test]
    fn paths_lead_to_targets() {
        for (path, target) in [
            ("/", Target::Page),
            ("/?query", Target::Page),
            ("/bytes/0", Target::Bytes(0)),
            ("/bytes/300000?again", Target::Bytes(300_000)),
            ("/bytes/", Target::Unknown),
            ("/bytes/+1", Target::Unknown),
            ("/bytes/1x", Target::Unknown),
            ("/bytes/99999999999999999999", Target::Unknown),
            ("/other", Target::Unknown),
        ] {
            assert_eq!(get(path, "").target, target, "{path}");
        }
    }

    #[test]
    fn a_connection_is_kept_unless_there_is_a_reason_not_to() {
        assert!(get("/", "").keep_alive);
        assert!(get("/", "Connection: keep-alive\r\n").keep_alive);
        assert!(!get("/", "connection: Upgrade , Close\r\n").keep_alive);
        assert!(!get("/", "Content-Length: 3\r\n").keep_alive);
        assert!(!get("/", "Transfer-Encoding: chunked\r\n").keep_alive);
        assert!(!parsed("GET / HTTP/1.0\r\n\r\n").keep_alive);
    }

    #[test]
    fn what_cannot_be_understood_is_refused_and_is_the_last() {
        for head in [
            "GET / HTTP/1.1\r\n\r\n",
            "GET / HTTP/2.0\r\n\r\n",
            "GET\r\n\r\n",
            "GET / HTTP/1.1\r\nno colon\r\n\r\n",
            "\u{16}\u{3}\u{1}",
        ] {
            assert_eq!(
                parsed(head),
                Request::refused(Target::Malformed),
                "{head:?}"
            );
        }
        let headers = "a: b\r\n".repeat(MAX_HEADERS + 1);
        assert_eq!(get("/", &headers), Request::refused(Target::TooLarge));
    }

    #[test]
    fn other_methods_are_told_which_ones_are_allowed() {
        let request = parsed("DELETE / HTTP/1.1\r\nHost: here\r\n\r\n");
        assert_eq!(request.target, Target::Other);
        assert!(respond(&request).header.contains("GET, HEAD"));
    }

    #[test]
    fn half_a_head_is_none() {
        let head = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n";
        for length in 0..head.len() {
            assert_eq!(parse(&head[..length]), None, "{length}");
        }
    }
}
