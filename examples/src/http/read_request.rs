use std::io;

use bytes::{Buf, BytesMut};
use httparse::{EMPTY_HEADER, Error as ParseError, Status as Parsed};
use io_traits::{AsyncRead, read_buf, task};

use super::{Refusal, Request};

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
        Ok(Parsed::Complete(length)) => Some((Request::of(&request), length)),
        Err(ParseError::TooManyHeaders) => Some((Err(Refusal::TooLarge), 0)),
        Err(_) => Some((Err(Refusal::Malformed), 0)),
    }
}

/// The longest head of a request, in bytes.
const MAX_HEAD: usize = 16 * 1024;
const MAX_HEADERS: usize = 64;
/// Room for one read, in bytes.
const READ: usize = 4 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Method;

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
    fn the_path_has_no_query_and_no_host() {
        for (target, path) in [
            ("/", "/"),
            ("/a/b?c=/d", "/a/b"),
            ("http://here/a?b", "/a"),
            ("https://here:443/", "/"),
            ("http://here", "/"),
            ("http://here?a=/b", "/"),
            ("*", "*"),
            ("ftp://here/a", "ftp://here/a"),
        ] {
            let request = parsed(&format!("GET {target} HTTP/1.1\r\nHost: here\r\n\r\n"));
            assert_eq!(request.unwrap().path(), path);
        }
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
