//! Two tasks with one layer: one of them reads, the other writes, and neither loses a wakeup.

mod common;
mod layer_socket;

use std::{
    cell::RefCell,
    future::Future,
    io::{self, Read, Write},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use common::{CountWakes, Random};
use io_traits::{layer::Layer, task};
use layer_socket::Socket;

/// Does what a TLS library does: whoever calls, it moves both directions as far as they go.
///
/// A write takes what it can without telling whether it went out, and fetches what has come in on the
/// way. A read sends before it receives.
struct BothWays {
    socket: Socket,
    outgoing: Vec<u8>,
    incoming: Vec<u8>,
}

impl BothWays {
    const CAPACITY: usize = 16;

    fn send(&mut self) -> io::Result<()> {
        while !self.outgoing.is_empty() {
            let n = self.socket.write(&self.outgoing)?;
            self.outgoing.drain(..n);
        }
        Ok(())
    }

    fn fetch(&mut self) -> io::Result<usize> {
        let mut buf = [0; 8];
        let n = self.socket.read(&mut buf)?;
        self.incoming.extend(&buf[..n]);
        Ok(n)
    }
}

impl Read for BothWays {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let sent = self.send();
        if self.incoming.is_empty() {
            self.fetch()?;
            if let Err(error) = sent
                && error.kind() != io::ErrorKind::WouldBlock
            {
                return Err(error);
            }
        }
        let n = self.incoming.len().min(buf.len());
        buf[..n].copy_from_slice(&self.incoming[..n]);
        self.incoming.drain(..n);
        Ok(n)
    }
}

impl Write for BothWays {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let n = buf.len().min(Self::CAPACITY - self.outgoing.len());
        self.outgoing.extend_from_slice(&buf[..n]);
        if self.send().is_err() && self.incoming.is_empty() {
            let _ = self.fetch();
        }
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.send()
    }
}

type Shared = Rc<RefCell<Layer<BothWays>>>;

async fn read_all(layer: Shared, length: usize) -> Vec<u8> {
    let mut all = Vec::new();
    while all.len() < length {
        let mut buf = [0; 5];
        let n = task::io(|| layer.borrow_mut().read(&mut buf))
            .await
            .unwrap();
        all.extend(&buf[..n]);
    }
    all
}

async fn write_all(layer: Shared, data: Vec<u8>) -> Vec<u8> {
    let mut left = &data[..];
    while !left.is_empty() {
        let n = task::io(|| layer.borrow_mut().write(left)).await.unwrap();
        left = &left[n..];
        if left.len().is_multiple_of(7) {
            task::io(|| layer.borrow_mut().flush()).await.unwrap();
        }
    }
    task::io(|| layer.borrow_mut().flush()).await.unwrap();
    data
}

/// A task that is polled only when it was woken.
struct Task {
    future: Pin<Box<dyn Future<Output = Vec<u8>>>>,
    wakes: std::sync::Arc<CountWakes>,
    waker: Waker,
    seen: usize,
    output: Option<Vec<u8>>,
}

impl Task {
    fn new(future: impl Future<Output = Vec<u8>> + 'static) -> Self {
        let (wakes, waker) = CountWakes::new();
        waker.wake_by_ref();
        Self {
            future: Box::pin(future),
            wakes,
            waker,
            seen: 0,
            output: None,
        }
    }

    fn is_woken(&self) -> bool {
        self.output.is_none() && self.wakes.get() > self.seen
    }

    fn poll(&mut self) {
        self.seen = self.wakes.get();
        let mut cx = Context::from_waker(&self.waker);
        if let Poll::Ready(output) = self.future.as_mut().poll(&mut cx) {
            self.output = Some(output);
        }
    }
}

#[test]
fn a_reader_and_a_writer_in_two_tasks_lose_no_wakeup() {
    for seed in 1..=500 {
        let mut random = Random::new(seed);
        let mut bytes = |length| {
            (0..length)
                .map(|_| random.below(256) as u8)
                .collect::<Vec<_>>()
        };
        let (incoming, outgoing) = (bytes(200), bytes(200));

        let socket = Socket::new();
        let layer = Rc::new(RefCell::new(Layer::new(BothWays {
            socket: socket.clone(),
            outgoing: Vec::new(),
            incoming: Vec::new(),
        })));
        let mut tasks = [
            Task::new(read_all(layer.clone(), incoming.len())),
            Task::new(write_all(layer.clone(), outgoing.clone())),
        ];
        // The network has so much left to bring and to take, in pieces, at any time.
        let (mut arrived, mut room) = (0, 0);
        while tasks.iter().any(|task| task.output.is_none()) {
            let choice = random.below(4);
            let piece = 1 + random.below(12) as usize;
            let quiet = !tasks.iter().any(Task::is_woken);
            if arrived < incoming.len() && (choice == 0 || quiet && choice.is_multiple_of(2)) {
                let end = (arrived + piece).min(incoming.len());
                socket.receive(&incoming[arrived..end]);
                arrived = end;
            } else if room < outgoing.len() && (choice == 1 || quiet) {
                let piece = piece.min(outgoing.len() - room);
                socket.make_room(piece);
                room += piece;
            } else if quiet {
                assert!(arrived < incoming.len(), "seed {seed}: a wakeup was lost");
            } else {
                let woken = (choice as usize) % 2;
                let woken = if tasks[woken].is_woken() {
                    woken
                } else {
                    1 - woken
                };
                tasks[woken].poll();
            }
        }
        assert_eq!(tasks[0].output.as_ref(), Some(&incoming), "seed {seed}");
        assert_eq!(socket.output(), outgoing, "seed {seed}");
    }
}
