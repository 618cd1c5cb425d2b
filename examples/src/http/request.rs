use httparse::Header;

use super::{Method, Refusal};

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

impl Request {
    /// The path of the target, without the query.
    pub fn path(&self) -> &str {
        let target = self.target.split_once('?');
        let path = target.map_or(&*self.target, |(path, _)| path);
        // RFC 9112, section 3.2.2: as a proxy is asked, which every server has to understand.
        let absolute = path
            .strip_prefix("http://")
            .or_else(|| path.strip_prefix("https://"));
        absolute.map_or(path, |rest| rest.find('/').map_or("/", |at| &rest[at..]))
    }

    /// What a head means that the parser has understood.
    pub(super) fn of(request: &httparse::Request<'_, '_>) -> Result<Self, Refusal> {
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
        Ok(Self {
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
}

fn is_named(header: &Header<'_>, name: &str) -> bool {
    header.name.eq_ignore_ascii_case(name)
}

fn says_close(header: &Header<'_>) -> bool {
    let mut options = header.value.split(|&byte| byte == b',');
    is_named(header, "connection")
        && options.any(|option| option.trim_ascii().eq_ignore_ascii_case(b"close"))
}
