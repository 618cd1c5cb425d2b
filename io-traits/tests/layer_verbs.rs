//! `Layer::with`: verbs that are neither `read` nor `write`.

mod common;
mod layer_socket;

use std::{
    io::{self, Read, Write},
    task::{Context, Poll},
};

use common::{CountWakes, drive, poll_once, poll_with};
use io_traits::{layer::Layer, task::budget, testing::Script};
use layer_socket::Socket;

/// Messages, each with its length before it; like many a library it takes a message whole, fails with
/// "would block" if it cannot send it at once, and then wants to be flushed.
struct Messages<S> {
    stream: S,
    outgoing: Vec<u8>,
    incoming: Vec<u8>,
}

impl<S: Read + Write> Messages<S> {
    fn new(stream: S) -> Layer<Self> {
        let messages = Self {
            stream,
            outgoing: Vec::new(),
            incoming: Vec::new(),
        };
        Layer::with_flush(messages, Self::flush)
    }

    fn send(&mut self, message: &str) -> io::Result<()> {
        self.outgoing.push(message.len() as u8);
        self.outgoing.extend(message.as_bytes());
        self.flush()
    }

    fn flush(&mut self) -> io::Result<()> {
        while !self.outgoing.is_empty() {
            let n = self.stream.write(&self.outgoing)?;
            self.outgoing.drain(..n);
        }
        Ok(())
    }

    fn receive(&mut self) -> io::Result<String> {
        loop {
            if let Some((&length, rest)) = self.incoming.split_first()
                && let Some(message) = rest.get(..usize::from(length))
            {
                let message = String::from_utf8(message.to_vec()).unwrap();
                self.incoming.drain(..=usize::from(length));
                return Ok(message);
            }
            let mut buf = [0; 3];
            match self.stream.read(&mut buf)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                n => self.incoming.extend(&buf[..n]),
            }
        }
    }
}

#[test]
fn a_message_taken_out_of_an_option_is_sent_once() {
    let script = Script::new()
        .write_would_block()
        .takes(2)
        .write_would_block()
        .takes(1)
        .write_would_block();
    let mut layer = Messages::new(script);
    for message in ["hello", "world"] {
        let mut unsent = Some(message);
        let send = layer.with(|messages| match unsent.take() {
            Some(message) => messages.send(message),
            None => messages.flush(),
        });
        drive(send).0.unwrap();
    }
    assert_eq!(layer.get_ref().stream.written(), b"\x05hello\x05world");
}

#[test]
fn a_send_that_is_called_again_without_one_is_what_the_docs_warn_of() {
    let mut layer = Messages::new(Script::new().write_would_block());
    drive(layer.with(|messages| messages.send("twice")))
        .0
        .unwrap();
    assert_eq!(layer.get_ref().stream.written(), b"\x05twice\x05twice");
}

#[test]
fn a_receive_goes_on_where_it_was_interrupted() {
    let message = b"\x05hello\x00\x02ok";
    for first in 0..=message.len() {
        for second in first..=message.len() {
            let mut script = Script::new();
            for part in [
                &message[..first],
                &message[first..second],
                &message[second..],
            ] {
                if !part.is_empty() {
                    script = script.gives(part);
                }
                script = script.would_block();
            }
            let mut layer = Messages::new(script);
            for expected in ["hello", "", "ok"] {
                let (received, _) = drive(layer.with(Messages::receive));
                assert_eq!(received.unwrap(), expected, "{first}, {second}");
            }
        }
    }
}

#[test]
fn a_verb_that_is_dropped_while_it_waits_has_lost_nothing() {
    let socket = Socket::new();
    let mut layer = Messages::new(socket.clone());
    for byte in *b"\x03abc" {
        assert!(poll_once(&mut layer.with(Messages::receive)).is_pending());
        socket.receive([byte]);
    }
    assert_eq!(drive(layer.with(Messages::receive)).0.unwrap(), "abc");
}

#[test]
fn a_verb_that_only_puts_something_into_the_object_is_flushed_by_the_next_that_waits() {
    let socket = Socket::new();
    socket.make_room(100);
    let mut layer = Messages::new(socket.clone());
    let put = layer.with(|messages| {
        messages.outgoing.extend(b"\x02hi");
        io::Result::Ok(())
    });
    drive(put).0.unwrap();
    assert_eq!(socket.output(), b"");
    assert!(poll_once(&mut layer.with(Messages::receive)).is_pending());
    assert_eq!(socket.output(), b"\x02hi");
}

#[test]
fn the_waker_of_the_latest_poll_is_the_one_that_is_woken() {
    let socket = Socket::new();
    let mut layer = Messages::new(socket.clone());
    let mut receive = layer.with(Messages::receive);
    let wakers: Vec<_> = (0..3).map(|_| CountWakes::new()).collect();
    for (_, waker) in &wakers {
        assert!(poll_with(&mut receive, waker).is_pending());
    }
    socket.receive(b"\x01a");
    assert_eq!(wakers[2].0.get(), 1);
    assert!(matches!(
        poll_with(&mut receive, &wakers[2].1),
        Poll::Ready(Ok(_))
    ));
}

#[test]
fn poll_with_is_the_same_for_poll_functions() {
    let socket = Socket::new();
    let mut layer = Messages::new(socket.clone());
    let (wakes, waker) = CountWakes::new();
    let mut cx = Context::from_waker(&waker);
    assert!(layer.poll_with(&mut cx, Messages::receive).is_pending());
    socket.receive(b"\x01a");
    assert_eq!(wakes.get(), 1);
    let polled = layer.poll_with(&mut cx, Messages::receive);
    assert!(matches!(polled, Poll::Ready(Ok(message)) if message == "a"));
}

#[test]
fn verbs_spend_the_budget_and_yield_when_it_is_used_up() {
    let mut layer = Messages::new(Script::new().gives(b"\x01a\x01b\x01c"));
    let (wakes, waker) = CountWakes::new();
    budget::with(2, || {
        for _ in 0..2 {
            assert!(poll_with(&mut layer.with(Messages::receive), &waker).is_ready());
        }
        assert!(poll_with(&mut layer.with(Messages::receive), &waker).is_pending());
        assert_eq!(wakes.get(), 1);
    });
    assert_eq!(drive(layer.with(Messages::receive)).0.unwrap(), "c");
}
