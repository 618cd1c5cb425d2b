use std::{
    future::Future,
    io,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

use bytes::{Bytes, BytesMut};
use codec::{Decoder, Encoder, Framed, LengthDelimitedCodec, LinesCodec, Segments};
use futures::{Sink, StreamExt, stream::FusedStream};

use super::round_trip::finish;
use crate::{input::Input, pipe::Pipe};

/// `Framed`, through a list of operations that is read from the input: to read, to feed, to flush, to wait
/// for room and be cancelled, to be taken apart and put together, to change from one protocol to another
/// in mid-stream. In any order no byte is lost in either direction, nothing is repeated, and no more is
/// queued than is allowed.
///
/// Planted: whoever takes it apart forgets what was not written.
pub(crate) fn check(input: &[u8], planted: bool) {
    let mut input = Input::new(input);
    let cuts = input.short();
    let coming = Messages::from_input(&mut input);
    let first = coming
        .0
        .first()
        .map_or(Protocol::Lines, |message| message.protocol);
    let mut run = Run {
        framed: Some(Framed::new(coming.pipe(cuts), Both::new(first))),
        coming,
        received: 0,
        fed: Vec::new(),
        compared: 0,
        room: MOST_SENT,
        high_water: None,
        planted,
    };
    while !input.is_empty() {
        run.step(&mut input);
        run.check();
    }
    run.end();
}

struct Run {
    /// Only `None` while it is taken apart.
    framed: Option<Framed<Pipe, Both>>,
    coming: Messages,
    /// How many of them have come.
    received: usize,
    /// All bytes that were queued since the beginning.
    fed: Vec<u8>,
    /// How many of them were written, and were the same there: what was written does not change.
    compared: usize,
    /// How many bytes may still be sent.
    room: usize,
    /// If anything else was said.
    high_water: Option<usize>,
    planted: bool,
}

impl Run {
    fn step(&mut self, input: &mut Input<'_>) {
        let mut cx = Context::from_waker(Waker::noop());
        match input.below(11) {
            0..=2 => self.receive(),
            3 | 4 => {
                let message = Message::from_input(input, &mut self.room);
                let ready = Sink::<Message>::poll_ready(self.pinned(), &mut cx);
                if ready.is_ready() {
                    self.feed(message, |run, message| run.pinned().start_send(message));
                }
            }
            5 => {
                let flushed = Sink::<Message>::poll_flush(self.pinned(), &mut cx);
                if flushed.is_ready() {
                    self.assert_flushed();
                }
            }
            6 => {
                let message = Message::from_input(input, &mut self.room);
                // Polled once, and cancelled if there is no room.
                let is_ready = pin!(self.framed().reserve()).poll(&mut cx).is_ready();
                if is_ready {
                    self.feed(message, |run, message| {
                        finish(run.framed().reserve())?.feed(message)
                    });
                }
            }
            7 => {
                let framed = self.framed.take().expect("it is whole");
                let high_water = framed.high_water_bytes();
                let mut parts = framed.into_parts();
                if self.planted {
                    parts.write_buf = Segments::new();
                }
                let framed = Framed::from_parts(parts);
                self.framed = Some(framed.with_high_water_bytes(high_water));
            }
            8 => {
                let bytes = input.length();
                self.high_water = self.high_water.max(Some(bytes));
                self.framed().set_high_water_bytes(bytes);
            }
            9 => {
                let _ = self.framed().codec_mut();
            }
            _ => {
                let before = self.framed().write_buffer().len();
                let too_long = Message {
                    protocol: Protocol::Lengths,
                    payload: Bytes::from_static(&[0; LONGEST + 1]),
                };
                let sent = self.pinned().start_send(too_long);
                assert!(sent.is_err(), "a message that is too long is taken");
                assert_eq!(self.framed().write_buffer().len(), before);
            }
        }
    }

    fn receive(&mut self) {
        // The next message may be one of the other protocol.
        if let Some(next) = self.coming.0.get(self.received) {
            let protocol = next.protocol;
            let framed = self.framed.take().expect("it is whole");
            self.framed = Some(match framed.codec().protocol == protocol {
                true => framed,
                false => framed.map_codec(|_| Both::new(protocol)),
            });
        }
        let was_over = self.framed().is_terminated();
        let mut cx = Context::from_waker(Waker::noop());
        match self.framed().poll_next_unpin(&mut cx) {
            Poll::Ready(Some(item)) => {
                let item = item.expect("what comes is right");
                let next = self
                    .coming
                    .0
                    .get(self.received)
                    .expect("no more than was sent");
                assert!(item == next.payload, "message {} is another", self.received);
                self.received += 1;
            }
            Poll::Ready(None) => {
                assert_eq!(self.received, self.coming.0.len(), "an early end");
                assert!(self.framed().is_terminated());
                // The end is told again without a flush: nobody parks.
                if !was_over {
                    self.assert_flushed();
                }
            }
            Poll::Pending => {
                if !self.framed().get_ref().writer_blocks() {
                    self.assert_flushed();
                }
            }
        }
    }

    fn feed(&mut self, message: Message, feed: impl FnOnce(&mut Self, Message) -> io::Result<()>) {
        let start = self.fed.len();
        message.put_to(&mut self.fed);
        let frame = start..self.fed.len();
        self.framed().get_mut().tell_written(frame);
        feed(self, message).expect("it is not too long");
    }

    fn assert_flushed(&mut self) {
        let framed = self.framed();
        assert!(framed.write_buffer().is_empty());
        assert_eq!(framed.get_ref().flushed, framed.get_ref().written.len());
        self.compare();
        assert_eq!(self.compared, self.fed.len(), "bytes are lost");
    }

    fn check(&mut self) {
        let most = self
            .high_water
            .map_or(HIGH_WATER, |bytes| bytes.max(HIGH_WATER));
        let framed = self.framed.as_ref().expect("it is whole");
        let queued = framed.write_buffer().len();
        assert!(queued < most + LONGEST_FRAME, "{queued} bytes are queued");
        self.compare();
        assert_eq!(
            self.compared + queued,
            self.fed.len(),
            "bytes are lost, or come twice"
        );
    }

    /// Compares what has been written since the last time.
    fn compare(&mut self) {
        let framed = self.framed.as_ref().expect("it is whole");
        let written = &framed.get_ref().written[self.compared..];
        assert!(
            self.fed[self.compared..].starts_with(written),
            "other bytes are written than were fed"
        );
        self.compared += written.len();
    }

    fn end(&mut self) {
        let polls = 4 * (self.framed().get_ref().unread() + self.fed.len()) + 64;
        for _ in 0..polls + self.coming.0.len() {
            self.receive();
            if self.framed().is_terminated() {
                break;
            }
        }
        assert!(self.framed().is_terminated(), "the stream does not end");
        let message = Message {
            protocol: Protocol::Lines,
            payload: Bytes::from_static(b"bye"),
        };
        self.feed(message, |run, message| run.pinned().start_send(message));
        finish(self.framed().close()).expect("a pipe takes everything");
        assert!(self.framed().get_ref().is_shut_down);
        self.assert_flushed();
    }

    fn framed(&mut self) -> &mut Framed<Pipe, Both> {
        self.framed.as_mut().expect("it is whole")
    }

    fn pinned(&mut self) -> Pin<&mut Framed<Pipe, Both>> {
        Pin::new(self.framed())
    }
}

/// Two protocols, of which one is spoken at a time; anything is sent at any time.
struct Both {
    protocol: Protocol,
    lengths: LengthDelimitedCodec,
    lines: LinesCodec,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Lengths,
    Lines,
}

#[derive(Debug, Clone)]
struct Message {
    protocol: Protocol,
    payload: Bytes,
}

struct Messages(Vec<Message>);

impl Both {
    fn new(protocol: Protocol) -> Self {
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
    fn from_input(input: &mut Input<'_>, room: &mut usize) -> Self {
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

    fn put_to(&self, bytes: &mut Vec<u8>) {
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
    fn from_input(input: &mut Input<'_>) -> Self {
        let count = input.below(12);
        let mut room = MOST_SENT;
        let messages = (0..count).map(|_| Message::from_input(input, &mut room));
        Self(messages.collect())
    }

    fn pipe(&self, cuts: u16) -> Pipe {
        let mut stream = Vec::new();
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

const LONGEST: usize = 70_000;

const LONGEST_FRAME: usize = LONGEST + 3;

/// In all payloads of one direction: several of the longest.
const MOST_SENT: usize = 4 * LONGEST;

/// If nothing else was said.
const HIGH_WATER: usize = 64 * 1024;
