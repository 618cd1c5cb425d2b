//! Answers to GET and HEAD, over anything that reads and writes.

use std::io;

use bytes::BytesMut;
use examples::{
    Random,
    http::{Method, Refusal, Request, read_request},
};
use io_traits::{AsyncRead, AsyncWrite, io::write_all};

/// Answers requests until the client ends, or has said what cannot be understood.
///
/// It need not flush: a [`Layer`](io_traits::layer::Layer) does so when it waits for the next request.
pub(crate) async fn serve_requests<S: AsyncRead + AsyncWrite>(stream: &mut S) -> io::Result<()> {
    let mut input = BytesMut::new();
    while let Some(request) = read_request(stream, &mut input).await? {
        let response = respond(&request);
        write_response(stream, &response).await?;
        if !response.keep_alive {
            break;
        }
    }
    Ok(())
}

#[derive(Debug, PartialEq, Eq)]
enum Target {
    Page,
    Bytes(u64),
    Unknown,
}

impl Target {
    fn of(path: &str) -> Self {
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
    /// HEAD: the answer has no body.
    head_only: bool,
    keep_alive: bool,
}

enum Body {
    Text(&'static str),
    /// So many bytes of [`Random`], seeded with their number.
    Bytes(u64),
}

fn respond(request: &Result<Request, Refusal>) -> Response {
    let request = match request {
        Ok(request) => request,
        Err(refusal) => {
            return Response {
                status: refusal.status(),
                header: "",
                body: Body::Text(""),
                head_only: false,
                keep_alive: false,
            };
        }
    };
    let (status, header, body) = match (request.method, Target::of(request.path())) {
        (Method::Other, _) => (
            "405 Method Not Allowed",
            "Allow: GET, HEAD\r\n",
            Body::Text(""),
        ),
        (_, Target::Page) => ("200 OK", HTML, Body::Text(PAGE)),
        (_, Target::Bytes(n)) => ("200 OK", BINARY, Body::Bytes(n)),
        (_, Target::Unknown) => (
            "404 Not Found",
            PLAIN,
            Body::Text("There is no such page.\n"),
        ),
    };
    Response {
        status,
        header,
        body,
        head_only: request.method == Method::Head,
        keep_alive: request.keep_alive,
    }
}

async fn write_response<W: AsyncWrite>(stream: &mut W, response: &Response) -> io::Result<()> {
    let length = match response.body {
        Body::Text(text) => text.len() as u64,
        Body::Bytes(n) => n,
    };
    let (status, header) = (response.status, response.header);
    let connection = if response.keep_alive {
        ""
    } else {
        "Connection: close\r\n"
    };
    let mut head =
        format!("HTTP/1.1 {status}\r\n{header}Content-Length: {length}\r\n{connection}\r\n");
    match response.body {
        _ if response.head_only => write_all(stream, head.as_bytes()).await,
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

    #[test]
    fn paths_lead_to_targets() {
        for (path, target) in [
            ("/", Target::Page),
            ("/bytes/0", Target::Bytes(0)),
            ("/bytes/300000", Target::Bytes(300_000)),
            ("/bytes/", Target::Unknown),
            ("/bytes/+1", Target::Unknown),
            ("/bytes/1x", Target::Unknown),
            ("/bytes/99999999999999999999", Target::Unknown),
            ("/other", Target::Unknown),
        ] {
            assert_eq!(Target::of(path), target, "{path}");
        }
    }

    #[test]
    fn other_methods_are_told_which_ones_are_allowed() {
        let response = respond(&Ok(Request {
            method: Method::Other,
            target: "/".into(),
            range: None,
            if_range: None,
            keep_alive: true,
        }));
        assert!(response.header.contains("GET, HEAD"));
        assert!(response.keep_alive);
    }

    #[test]
    fn what_is_refused_is_the_last() {
        for refusal in [Refusal::Malformed, Refusal::TooLarge] {
            assert!(!respond(&Err(refusal)).keep_alive);
        }
    }
}
