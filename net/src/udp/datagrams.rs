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
    /// What is left of a message.
    rest: Option<Datagram<'a>>,
}

impl<'a> Datagrams<'a> {
    pub(super) fn new(memory: &'a [u8], room: usize, metas: &'a [RecvMeta]) -> Self {
        Self {
            messages: Messages {
                memory: memory.chunks(room),
                metas: metas.iter(),
            },
            rest: None,
        }
    }

    /// From the next message on, if none has been taken apart yet.
    pub(super) fn into_messages(self) -> impl Iterator<Item = Datagram<'a>> {
        self.messages
    }
}

impl<'a> Iterator for Datagrams<'a> {
    type Item = Datagram<'a>;

    fn next(&mut self) -> Option<Datagram<'a>> {
        let Datagram { payload, meta } = match self.rest.take() {
            Some(rest) => rest,
            None => self.messages.next()?,
        };
        if payload.len() <= meta.segment_size {
            return Some(Datagram { payload, meta });
        }
        let (payload, rest) = payload.split_at(meta.segment_size.max(1));
        self.rest = (!rest.is_empty()).then_some(Datagram {
            payload: rest,
            meta,
        });
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
