use std::{
    fs::File,
    io,
    ops::Range,
    path::Path,
    time::{Duration, UNIX_EPOCH},
};

use examples::http::{Method, Refusal, Request};
use rustix::io::Errno;

use crate::folder::Folder;

/// What a request is answered with.
#[derive(Debug)]
pub(crate) struct Answer {
    /// With the empty line behind it, and a body that is no file's.
    pub(crate) head: String,
    pub(crate) body: Option<(File, Range<u64>)>,
    pub(crate) keep_alive: bool,
}

impl Answer {
    pub(crate) fn to(request: &Result<Request, Refusal>, folder: &Folder) -> Self {
        let request = match request {
            Ok(request) => request,
            Err(refusal) => return Self::without_file(refusal.status(), "", true, false),
        };
        if request.method == Method::Other {
            let allow = "Allow: GET, HEAD\r\n";
            return Self::without_file("405 Method Not Allowed", allow, true, request.keep_alive);
        }
        Self::of_file(request, folder).unwrap_or_else(|error| {
            tracing::debug!(target = request.target, %error, "not served");
            Self::instead_of_file(status_of(&error), "", request)
        })
    }

    fn of_file(request: &Request, folder: &Folder) -> io::Result<Self> {
        let (file, path) = folder.file(request.path())?;
        let metadata = file.metadata()?;
        let length = metadata.len();
        let age = metadata.modified()?.duration_since(UNIX_EPOCH);
        let tag = tag(length, age.unwrap_or_default());
        // RFC 9110, section 14.2: there are no parts of an answer to HEAD. Section 13.1.5: of another version
        // than the client has, the whole.
        let is_get = request.method == Method::Get;
        let is_same = request.if_range.as_ref().is_none_or(|has| *has == tag);
        let wanted = match &request.range {
            Some(range) if is_get && is_same => Wanted::of(range, length),
            _ => Wanted::All,
        };
        let common = format!(
            "Content-Type: {}\r\nAccept-Ranges: bytes\r\nETag: {tag}\r\n",
            content_type(&path)
        );
        let (status, headers, range) = match wanted {
            Wanted::All => ("200 OK", common, 0..length),
            Wanted::Part(part) => {
                let (first, last) = (part.start, part.end - 1);
                let range = format!("Content-Range: bytes {first}-{last}/{length}\r\n");
                ("206 Partial Content", common + &range, part)
            }
            Wanted::Impossible => {
                let range = format!("Content-Range: bytes */{length}\r\n");
                let status = "416 Range Not Satisfiable";
                return Ok(Self::instead_of_file(status, &range, request));
            }
        };
        Ok(Self {
            head: head(
                status,
                &headers,
                range.end - range.start,
                request.keep_alive,
            ),
            body: is_get.then_some((file, range)),
            keep_alive: request.keep_alive,
        })
    }

    /// To GET or HEAD.
    fn instead_of_file(status: &str, headers: &str, request: &Request) -> Self {
        let is_get = request.method == Method::Get;
        Self::without_file(status, headers, is_get, request.keep_alive)
    }

    /// The status is all there is to say; it is said in the body, too, for those who see nothing else.
    fn without_file(status: &str, headers: &str, has_body: bool, keep_alive: bool) -> Self {
        let body = format!("{status}\n");
        let headers = format!("Content-Type: text/plain; charset=utf-8\r\n{headers}");
        let mut head = head(status, &headers, body.len() as u64, keep_alive);
        if has_body {
            head += &body;
        }
        Self {
            head,
            body: None,
            keep_alive,
        }
    }
}

/// Of a file that could not be opened. Whoever may not see it is told that it is not there.
fn status_of(error: &io::Error) -> &'static str {
    match Errno::from_io_error(error) {
        // It may well be there.
        Some(Errno::MFILE | Errno::NFILE | Errno::NOMEM) => "503 Service Unavailable",
        Some(Errno::IO) => "500 Internal Server Error",
        _ => "404 Not Found",
    }
}

fn head(status: &str, headers: &str, length: u64, keep_alive: bool) -> String {
    let connection = match keep_alive {
        true => "",
        false => "Connection: close\r\n",
    };
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\n{connection}\r\n")
}

/// What of a file a request is about.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    All,
    /// Not empty.
    Part(Range<u64>),
    Impossible,
}

impl Wanted {
    /// RFC 9110, section 14.1.2. Several ranges, and what is none, are answered with the whole.
    fn of(range: &str, length: u64) -> Self {
        let Some((first, last)) = range.strip_prefix("bytes=").and_then(|r| r.split_once('-'))
        else {
            return Self::All;
        };
        let part = match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => first..last.saturating_add(1).min(length),
            (Some(first), None) if last.is_empty() => first..length,
            // So many at the end.
            (None, Some(last)) if first.is_empty() => length.saturating_sub(last)..length,
            _ => return Self::All,
        };
        match part.is_empty() {
            true => Self::Impossible,
            false => Self::Part(part),
        }
    }
}

/// Digits alone. Too many of them are a large number.
fn number(digits: &str) -> Option<u64> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(digits.parse().unwrap_or(u64::MAX))
}

/// Of one version of a file.
fn tag(length: u64, age: Duration) -> String {
    format!("\"{length:x}-{:x}\"", age.as_nanos())
}

fn content_type(path: &Path) -> &'static str {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("html" | "htm") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("txt" | "md" | "rs" | "toml") => "text/plain; charset=utf-8",
        Some("json") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("pdf") => "application/pdf",
        Some("wasm") => "application/wasm",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_understood_and_end_with_the_file() {
        for (range, expected) in [
            ("bytes=0-0", Wanted::Part(0..1)),
            ("bytes=2-5", Wanted::Part(2..6)),
            ("bytes=2-", Wanted::Part(2..10)),
            ("bytes=-3", Wanted::Part(7..10)),
            ("bytes=-30", Wanted::Part(0..10)),
            ("bytes=5-99999999999999999999999", Wanted::Part(5..10)),
            ("bytes=10-", Wanted::Impossible),
            ("bytes=99999999999999999999999-", Wanted::Impossible),
            ("bytes=-0", Wanted::Impossible),
            ("bytes=5-2", Wanted::All),
            ("bytes=0-1,3-4", Wanted::All),
            ("bytes=-", Wanted::All),
            ("bytes=+1-2", Wanted::All),
            ("bytes=a-b", Wanted::All),
            ("lines=0-1", Wanted::All),
            ("", Wanted::All),
        ] {
            assert_eq!(Wanted::of(range, 10), expected, "{range}");
        }
        assert_eq!(Wanted::of("bytes=0-", 0), Wanted::Impossible);
    }
}
