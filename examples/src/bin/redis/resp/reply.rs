use std::{borrow::Cow, io::Write};

use bytes::{BufMut, Bytes};
use codec::Segments;

/// What a client is answered, or told unasked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reply {
    Simple(&'static str),
    Error(Cow<'static, str>),
    Integer(i64),
    Bulk(Bytes),
    /// No string.
    Null,
    /// No array, which version 2 tells apart from no string.
    NullArray,
    Array(Vec<Self>),
    Set(Vec<Self>),
    Map(Vec<(Self, Self)>),
    /// Unasked for; version 2 has no way to say so.
    Push(Vec<Self>),
    /// Several replies to one command.
    Several(Vec<Self>),
}

/// The version of the protocol that a client has asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    Two,
    Three,
}

impl Reply {
    pub(crate) const OK: Self = Self::Simple("OK");

    pub(crate) fn error(text: impl Into<Cow<'static, str>>) -> Self {
        Self::Error(text.into())
    }

    /// `None` is null.
    pub(crate) fn string(bytes: Option<Bytes>) -> Self {
        bytes.map_or(Self::Null, Self::Bulk)
    }

    pub(crate) fn strings(strings: impl IntoIterator<Item = Bytes>) -> Self {
        Self::Array(strings.into_iter().map(Self::Bulk).collect())
    }

    /// Appends it as `protocol` says it.
    pub(crate) fn put(self, protocol: Protocol, dst: &mut Segments) {
        let is_three = protocol == Protocol::Three;
        match self {
            Self::Simple(text) => put_line(b'+', text, dst),
            Self::Error(text) => put_line(b'-', &text, dst),
            Self::Integer(number) => put_number(b':', number, dst),
            Self::Bulk(bytes) => {
                put_number(b'$', bytes.len() as i64, dst);
                dst.push(bytes);
                dst.put_slice(ENDING);
            }
            Self::Null | Self::NullArray if is_three => dst.put_slice(b"_\r\n"),
            Self::Null => dst.put_slice(b"$-1\r\n"),
            Self::NullArray => dst.put_slice(b"*-1\r\n"),
            Self::Array(items) => put_items(b'*', items, protocol, dst),
            Self::Set(items) => put_items(if is_three { b'~' } else { b'*' }, items, protocol, dst),
            Self::Push(items) => {
                put_items(if is_three { b'>' } else { b'*' }, items, protocol, dst)
            }
            Self::Map(pairs) => {
                // Version 2 has keys and values alternate.
                let (kind, count) = match is_three {
                    true => (b'%', pairs.len()),
                    false => (b'*', 2 * pairs.len()),
                };
                put_number(kind, count as i64, dst);
                for (key, value) in pairs {
                    key.put(protocol, dst);
                    value.put(protocol, dst);
                }
            }
            Self::Several(replies) => replies
                .into_iter()
                .for_each(|reply| reply.put(protocol, dst)),
        }
    }
}

impl From<&'static str> for Reply {
    fn from(text: &'static str) -> Self {
        Self::Bulk(Bytes::from_static(text.as_bytes()))
    }
}

fn put_items(kind: u8, items: Vec<Reply>, protocol: Protocol, dst: &mut Segments) {
    put_number(kind, items.len() as i64, dst);
    for item in items {
        item.put(protocol, dst);
    }
}

fn put_line(kind: u8, text: &str, dst: &mut Segments) {
    dst.put_slice(&[kind]);
    // A line ending in it would begin another reply, and a client's words may be in an error.
    for (part, text) in text.split(['\r', '\n']).enumerate() {
        dst.put_slice(if part == 0 { b"" } else { b" " });
        dst.put_slice(text.as_bytes());
    }
    dst.put_slice(ENDING);
}

fn put_number(kind: u8, number: i64, dst: &mut Segments) {
    dst.put_slice(&[kind]);
    match u8::try_from(number) {
        // The most frequent ones, without the machinery of formatting.
        Ok(digit @ 0..=9) => dst.put_slice(&[b'0' + digit]),
        _ => write!(dst.buf().writer(), "{number}").expect("a queue takes everything"),
    }
    dst.put_slice(ENDING);
}

const ENDING: &[u8] = b"\r\n";

#[cfg(test)]
mod tests {
    use bytes::Buf;

    use super::*;

    fn said(reply: Reply, protocol: Protocol) -> String {
        let mut queue = Segments::new();
        reply.put(protocol, &mut queue);
        let bytes = queue.copy_to_bytes(queue.remaining());
        bytes.escape_ascii().to_string().replace("\\r\\n", " ")
    }

    #[test]
    fn each_reply_is_said_as_its_version_says_it() {
        let one = || vec![Reply::Integer(1), "a".into()];
        for (reply, two, three) in [
            (Reply::OK, "+OK ", "+OK "),
            (Reply::error("ERR no"), "-ERR no ", "-ERR no "),
            (Reply::Integer(-12), ":-12 ", ":-12 "),
            (Reply::Integer(10), ":10 ", ":10 "),
            (Reply::string(None), "$-1 ", "_ "),
            (Reply::NullArray, "*-1 ", "_ "),
            (Reply::Array(one()), "*2 :1 $1 a ", "*2 :1 $1 a "),
            (Reply::Set(one()), "*2 :1 $1 a ", "~2 :1 $1 a "),
            (Reply::Push(one()), "*2 :1 $1 a ", ">2 :1 $1 a "),
            (
                Reply::Map(vec![("k".into(), Reply::Integer(0))]),
                "*2 $1 k :0 ",
                "%1 $1 k :0 ",
            ),
            (Reply::Several(one()), ":1 $1 a ", ":1 $1 a "),
        ] {
            assert_eq!(said(reply.clone(), Protocol::Two), two);
            assert_eq!(said(reply, Protocol::Three), three);
        }
    }

    #[test]
    fn an_error_is_one_line_whatever_the_client_has_written_into_it() {
        let reply = Reply::error("ERR unknown command: a\r\n+OK");
        assert_eq!(said(reply, Protocol::Two), "-ERR unknown command: a  +OK ");
    }
}
