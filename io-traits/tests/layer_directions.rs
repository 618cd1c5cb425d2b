//! Whichever direction of the socket blocks is the one that is waited for.

mod common;
mod layer_socket;

use std::{
    io::{self, Read, Write},
    task::Poll,
};

use common::{CountWakes, drive, poll_with};
use io_traits::{
    io::{read, write_all},
    layer::Layer,
};
use layer_socket::{Held, Socket};

/// Before it reads, it has to write something; before it writes, it has to read something.
struct Crosswise {
    socket: Socket,
    greeted: bool,
    allowed: bool,
}

impl Crosswise {
    fn new(socket: &Socket) -> Self {
        Self {
            socket: socket.clone(),
            greeted: false,
            allowed: false,
        }
    }
}

impl Read for Crosswise {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if !self.greeted {
            self.socket.write(b"!")?;
            self.greeted = true;
        }
        self.socket.read(buf)
    }
}

impl Write for Crosswise {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if !self.allowed {
            self.socket.read(&mut [0; 1])?;
            self.allowed = true;
        }
        self.socket.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_read_that_has_to_write_first_is_woken_by_writability() {
    let socket = Socket::new();
    let mut layer = Layer::new(Crosswise::new(&socket));
    let (wakes, waker) = CountWakes::new();
    let mut buf = [0; 8];
    let mut reading = read(&mut layer, &mut buf);
    assert!(poll_with(&mut reading, &waker).is_pending());
    assert_eq!(socket.waiting(), (0, 1));
    // That says nothing to somebody who waits for writability.
    socket.receive(b"data");
    assert_eq!(wakes.get(), 0);
    socket.make_room(1);
    assert_eq!(wakes.get(), 1);
    assert!(matches!(
        poll_with(&mut reading, &waker),
        Poll::Ready(Ok(4))
    ));
    assert_eq!(socket.output(), b"!");
}

#[test]
fn a_write_that_has_to_read_first_is_woken_by_readability() {
    let socket = Socket::new();
    let mut layer = Layer::new(Crosswise::new(&socket));
    let (wakes, waker) = CountWakes::new();
    let mut writing = write_all(&mut layer, b"data");
    assert!(poll_with(&mut writing, &waker).is_pending());
    assert_eq!(socket.waiting(), (1, 0));
    socket.make_room(10);
    assert_eq!(wakes.get(), 0);
    socket.receive(b"!");
    assert_eq!(wakes.get(), 1);
    assert!(poll_with(&mut writing, &waker).is_ready());
    assert_eq!(socket.output(), b"data");
}

#[test]
fn a_read_and_its_flush_that_both_block_are_both_waited_for() {
    for room_first in [false, true] {
        let socket = Socket::new();
        let mut layer = Layer::new(Held::new(socket.clone(), 100));
        drive(write_all(&mut layer, b"question")).0.unwrap();
        let (wakes, waker) = CountWakes::new();
        let mut buf = [0; 8];
        let mut reading = read(&mut layer, &mut buf);
        assert!(poll_with(&mut reading, &waker).is_pending());
        assert_eq!(socket.waiting(), (1, 1));
        if room_first {
            socket.make_room(100);
            assert_eq!(wakes.get(), 1);
            assert!(poll_with(&mut reading, &waker).is_pending());
            assert_eq!(socket.output(), b"question");
            assert_eq!(socket.waiting(), (1, 0));
        }
        let before = wakes.get();
        socket.receive(b"answer");
        assert_eq!(wakes.get(), before + 1);
        assert!(matches!(
            poll_with(&mut reading, &waker),
            Poll::Ready(Ok(6))
        ));
    }
}

#[test]
fn one_operation_that_blocks_on_both_is_woken_by_either() {
    for room_first in [false, true] {
        let socket = Socket::new();
        let mut layer = Layer::with_flush(socket.clone(), |_| Ok(()));
        let (wakes, waker) = CountWakes::new();
        let mut verb = layer.with(|socket| {
            let written = socket.write(b"x");
            socket.read(&mut [0; 1]).or(written)
        });
        assert!(poll_with(&mut verb, &waker).is_pending());
        assert_eq!(socket.waiting(), (1, 1));
        if room_first {
            socket.make_room(1);
        } else {
            socket.receive(b"x");
        }
        assert_eq!(wakes.get(), 1);
        assert!(poll_with(&mut verb, &waker).is_ready());
    }
}

#[test]
fn the_end_of_the_input_is_the_end() {
    let socket = Socket::new();
    let mut layer = Layer::new(Held::new(socket.clone(), 0));
    let (wakes, waker) = CountWakes::new();
    let mut buf = [0; 1];
    let mut reading = read(&mut layer, &mut buf);
    assert!(poll_with(&mut reading, &waker).is_pending());
    socket.receive_end();
    assert_eq!(wakes.get(), 1);
    assert!(matches!(
        poll_with(&mut reading, &waker),
        Poll::Ready(Ok(0))
    ));
}
