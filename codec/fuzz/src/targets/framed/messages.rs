use std::io;

use bytes::{Bytes, BytesMut};
use codec::{Decoder, Encoder, LengthDelimitedCodec, LinesCodec, Segments};

use crate::{input::Input, pipe::Pipe};

/// Two protocols, of which one is spoken at a time; anything is sent at any time.
pub(super) struct Both {
    pub(super) protocol: Protocol,
    lengths: LengthDelimitedCodec,
    lines: LinesCodec,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Lengths,
    Lines,
}

#[derive(Debug, Clone)]
pub(super) struct Message {
    pub(super) protocol: Protocol,
    pub(super) payload: Bytes,
}

pub(super) struct Messages(pub(super) Vec<Message>);

impl Both {
    pub(super) fn new(protocol: Protocol) -> Self {
        let lengths = LengthDelimitedCodec::builder(LONGEST)
            .length_field_length(3)
            .build()
            .expect("the longest fits three bytes");
        Self {
            protocol,
            lengths,
            lines: LinesCodec::new(LONGEST),
        }
    }
}

impl Decoder for Both {
    type Item = Vec<u8>;
    type Error = io::Error;

    fn decode(&mut self, src: &mut BytesMut) -> io::Result<Option<Vec<u8>>> {
        Ok(match self.protocol {
            Protocol::Lengths => self.lengths.decode(src)?.map(|item| item.to_vec()),
            Protocol::Lines => self.lines.decode(src)?.map(String::into_bytes),
        })
    }

    fn decode_eof(&mut self, src: &mut BytesMut) -> io::Result<Option<Vec<u8>>> {
        Ok(match self.protocol {
            Protocol::Lengths => self.lengths.decode_eof(src)?.map(|item| item.to_vec()),
            Protocol::Lines => self.lines.decode_eof(src)?.map(String::into_bytes),
        })
    }

    fn needed(&self) -> usize {
        match self.protocol {
            Protocol::Lengths => self.lengths.needed(),
            Protocol::Lines => self.lines.needed(),
        }
    }
}

impl Encoder<Message> for Both {
    type Error = io::Error;

    fn encode(&mut self, message: Message, dst: &mut Segments) -> io::Result<()> {
        match message.protocol {
            Protocol::Lengths => self.lengths.encode(message.payload, dst)?,
            Protocol::Lines => {
                let line = String::from_utf8_lossy(&message.payload);
                self.lines.encode(line, dst)?;
            }
        }
        Ok(())
    }
}

impl Message {
    /// One that leaves of `room` what it does not take.
    pub(super) fn from_input(input: &mut Input<'_>, room: &mut usize) -> Self {
        let protocol = match input.flag() {
            true => Protocol::Lengths,
            false => Protocol::Lines,
        };
        let len = input.length().min(LONGEST).min(*room);
        *room -= len;
        let mut payload = input.bytes(len.min(20)).to_vec();
        if protocol == Protocol::Lines {
            // Text without endings.
            payload
                .iter_mut()
                .for_each(|byte| *byte = (*byte).clamp(b' ', b'~'));
        }
        payload.resize(len, b'.');
        let payload = Bytes::from(payload);
        Self { protocol, payload }
    }

    pub(super) fn frame_len(&self) -> usize {
        match self.protocol {
            Protocol::Lengths => 3 + self.payload.len(),
            Protocol::Lines => self.payload.len() + 1,
        }
    }

    pub(super) fn put_to(&self, bytes: &mut Vec<u8>) {
        bytes.reserve(self.frame_len());
        match self.protocol {
            Protocol::Lengths => {
                bytes.extend_from_slice(&(self.payload.len() as u32).to_be_bytes()[1..]);
                bytes.extend_from_slice(&self.payload);
            }
            Protocol::Lines => {
                bytes.extend_from_slice(&self.payload);
                bytes.push(b'\n');
            }
        }
    }
}

impl Messages {
    pub(super) fn from_input(input: &mut Input<'_>) -> Self {
        let count = input.below(12);
        let mut room = MOST_SENT;
        let messages = (0..count).map(|_| Message::from_input(input, &mut room));
        Self(messages.collect())
    }

    pub(super) fn pipe(&self, cuts: u16) -> Pipe {
        let len = self.0.iter().map(Message::frame_len).sum();
        let mut stream = Vec::with_capacity(len);
        let mut ends = Vec::new();
        for message in &self.0 {
            message.put_to(&mut stream);
            ends.push(stream.len());
        }
        let mut pipe = Pipe::new(stream, cuts);
        let mut start = 0;
        for end in ends {
            pipe.tell_read(start..end);
            start = end;
        }
        pipe
    }
}

/// The longest payload, in bytes.
pub(super) const LONGEST: usize = 70_000;

/// In all payloads of one direction: several of the longest.
pub(super) const MOST_SENT: usize = 4 * LONGEST;
