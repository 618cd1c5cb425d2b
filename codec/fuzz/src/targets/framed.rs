use std::{
    future::Future,
    io,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use codec::{Framed, Segments};
use futures::{Sink, StreamExt, stream::FusedStream};
use messages::{Both, LONGEST, MOST_SENT, Message, Messages, Protocol};

use super::round_trip::finish;
use crate::{input::Input, pipe::Pipe};

mod messages;

/// `Framed`, through a list of operations that is read from the input: to read, to feed, to flush, to wait
/// for room and be cancelled, to be taken apart and put together, to change from one protocol to another
/// in mid-stream. In any order no byte is lost in either direction, nothing is repeated, what has been read
/// comes without another read, and no more is queued than is allowed.
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
        let buffered = self.framed().read_buffer().len();
        let next = self.coming.0.get(self.received);
        let is_there = next.is_some_and(|next| buffered >= next.frame_len());
        let unread = self.framed().get_ref().unread();
        let polled = self.framed().poll_next_unpin(&mut cx);
        if is_there {
            assert!(polled.is_ready(), "a frame that is there does not come");
            assert_eq!(unread, self.framed().get_ref().unread(), "a read too many");
        }
        match polled {
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

const LONGEST_FRAME: usize = LONGEST + 3;

/// If nothing else was said.
const HIGH_WATER: usize = 128 * 1024;
