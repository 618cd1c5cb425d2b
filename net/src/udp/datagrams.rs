use std::slice::{Chunks, Iter};

use crate::RecvMeta;

/// A datagram in a [`RecvBatch`](crate::RecvBatch).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Datagram<'a> {
    /// Its bytes.
    pub payload: &'a [u8],
    /// What is known of it, and of those that came in the same message.
    pub meta: &'a RecvMeta,
}

/// The datagrams of a [`RecvBatch`](crate::RecvBatch), in the order in which they came.
#[derive(Debug, Clone)]
pub struct Datagrams<'a> {
    messages: Messages<'a>,
    /// What is left of the message that is being taken apart; no bytes if there is none.
    rest: &'a [u8],
    /// That of the message.
    meta: Option<&'a RecvMeta>,
}

impl<'a> Datagrams<'a> {
    pub(super) fn new(memory: &'a [u8], room: usize, metas: &'a [RecvMeta]) -> Self {
        Self {
            messages: Messages {
                memory: memory.chunks(room),
                metas: metas.iter(),
            },
            rest: &[],
            meta: None,
        }
    }

    /// From the next message on, if none has been taken apart yet.
    pub(super) fn into_messages(self) -> impl Iterator<Item = Datagram<'a>> {
        self.messages
    }
}

impl<'a> Iterator for Datagrams<'a> {
    type Item = Datagram<'a>;

    // It is called for each datagram, and a message of GRO has up to 64 of them.
    #[inline]
    fn next(&mut self) -> Option<Datagram<'a>> {
        let Datagram { payload, meta } = match self.meta {
            Some(meta) if !self.rest.is_empty() => Datagram {
                payload: self.rest,
                meta,
            },
            // A message of no bytes is a datagram, too.
            _ => self.messages.next()?,
        };
        let size = meta.segment_size.max(1).min(payload.len());
        let (payload, rest) = payload.split_at(size);
        (self.rest, self.meta) = (rest, Some(meta));
        Some(Datagram { payload, meta })
    }
}

/// The messages, each with all its datagrams in one payload.
#[derive(Debug, Clone)]
struct Messages<'a> {
    memory: Chunks<'a, u8>,
    metas: Iter<'a, RecvMeta>,
}

impl<'a> Iterator for Messages<'a> {
    type Item = Datagram<'a>;

    fn next(&mut self) -> Option<Datagram<'a>> {
        let meta = self.metas.next()?;
        let payload = &self.memory.next()?[..meta.len];
        Some(Datagram { payload, meta })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Payloads of messages, each with the length of its datagrams.
    fn apart(messages: &[(&'static str, usize)]) -> Vec<String> {
        const ROOM: usize = 8;
        let mut memory = vec![b'?'; ROOM * messages.len()];
        let mut metas = Vec::new();
        for (place, &(payload, segment_size)) in memory.chunks_mut(ROOM).zip(messages) {
            place[..payload.len()].copy_from_slice(payload.as_bytes());
            metas.push(RecvMeta {
                len: payload.len(),
                segment_size,
                ..RecvMeta::default()
            });
        }
        let mut apart = Vec::new();
        for datagram in Datagrams::new(&memory, ROOM, &metas) {
            assert_eq!(datagram.meta.segment_size, messages[0].1);
            apart.push(String::from_utf8(datagram.payload.to_vec()).unwrap());
        }
        // By the message it is the same.
        let by_message: Vec<_> = Datagrams::new(&memory, ROOM, &metas)
            .into_messages()
            .flat_map(|message| message.meta.datagrams(message.payload))
            .collect();
        assert_eq!(
            by_message,
            apart.iter().map(String::as_bytes).collect::<Vec<_>>()
        );
        apart
    }

    #[test]
    fn messages_are_taken_apart_one_after_the_other() {
        assert_eq!(apart(&[]), [""; 0]);
        let messages = [("aabbcc", 2), ("ddeef", 2), ("g", 2), ("hh", 2)];
        let each = ["aa", "bb", "cc", "dd", "ee", "f", "g", "hh"];
        assert_eq!(apart(&messages), each);
    }

    #[test]
    fn a_message_of_no_bytes_is_one_datagram_wherever_it_comes() {
        let messages = [("", 2), ("aab", 2), ("", 2), ("", 2), ("c", 2), ("", 2)];
        assert_eq!(apart(&messages), ["", "aa", "b", "", "", "c", ""]);
        assert_eq!(apart(&[("", 0)]), [""]);
    }
}
