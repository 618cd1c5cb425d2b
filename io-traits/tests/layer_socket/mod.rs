//! A socket whose two directions block and wake apart from each other.
#![allow(dead_code, reason = "each test file uses some of it")]

use std::{
    cell::RefCell,
    collections::VecDeque,
    io::{self, Read, Write},
    rc::Rc,
    task::{Poll, Waker},
};

use io_traits::task;

/// Its network is in the hands of the test, which has a clone of it.
///
/// Like the sockets of `net`, it remembers every waker that waits for a direction, and wakes and
/// forgets all of them when that direction can go on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Socket(Rc<RefCell<State>>);

#[derive(Debug, Default)]
struct State {
    input: VecDeque<u8>,
    ended: bool,
    output: Vec<u8>,
    room: usize,
    readers: Vec<Waker>,
    writers: Vec<Waker>,
}

impl Socket {
    /// Nothing to read, and no room to write.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn receive(&self, bytes: impl AsRef<[u8]>) {
        let mut state = self.0.borrow_mut();
        state.input.extend(bytes.as_ref());
        wake(&mut state.readers);
    }

    pub(crate) fn receive_end(&self) {
        let mut state = self.0.borrow_mut();
        state.ended = true;
        wake(&mut state.readers);
    }

    pub(crate) fn make_room(&self, bytes: usize) {
        let mut state = self.0.borrow_mut();
        state.room = state.room.saturating_add(bytes);
        wake(&mut state.writers);
    }

    pub(crate) fn output(&self) -> Vec<u8> {
        self.0.borrow().output.clone()
    }

    /// How many wakers wait for reading, and how many for writing.
    pub(crate) fn waiting(&self) -> (usize, usize) {
        let state = self.0.borrow();
        (state.readers.len(), state.writers.len())
    }
}

impl Read for Socket {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        task::poll(|cx| {
            let mut state = self.0.borrow_mut();
            if state.input.is_empty() && !state.ended {
                add(&mut state.readers, cx.waker());
                return Poll::Pending;
            }
            Poll::Ready(state.input.read(buf))
        })
    }
}

impl Write for Socket {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        task::poll(|cx| {
            let mut state = self.0.borrow_mut();
            let n = buf.len().min(state.room);
            if n == 0 && !buf.is_empty() {
                add(&mut state.writers, cx.waker());
                return Poll::Pending;
            }
            state.output.extend_from_slice(&buf[..n]);
            state.room -= n;
            Poll::Ready(Ok(n))
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn add(wakers: &mut Vec<Waker>, waker: &Waker) {
    if !wakers.iter().any(|other| other.will_wake(waker)) {
        wakers.push(waker.clone());
    }
}

fn wake(wakers: &mut Vec<Waker>) {
    wakers.drain(..).for_each(Waker::wake);
}

/// A protocol that keeps what it is given until it is flushed, and takes no more than it has room for.
#[derive(Debug)]
pub(crate) struct Held<S> {
    pub(crate) stream: S,
    pub(crate) held: Vec<u8>,
    pub(crate) capacity: usize,
    pub(crate) flushes: usize,
}

impl<S> Held<S> {
    pub(crate) fn new(stream: S, capacity: usize) -> Self {
        Self {
            stream,
            held: Vec::new(),
            capacity,
            flushes: 0,
        }
    }
}

impl<S: Read> Read for Held<S> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.stream.read(buf)
    }
}

impl<S: Write> Write for Held<S> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let n = buf.len().min(self.capacity - self.held.len());
        self.held.extend_from_slice(&buf[..n]);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.flushes += 1;
        while !self.held.is_empty() {
            let n = self.stream.write(&self.held)?;
            self.held.drain(..n);
        }
        self.stream.flush()
    }
}
