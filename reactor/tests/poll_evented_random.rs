//! Random histories of one object: whoever waits for what is there has been woken, whatever happened before.
//!
//! The same seed gives the same history; a failure names it.

mod common;

use std::{
    io::{ErrorKind, Read, Write},
    net::Shutdown,
    os::unix::net::UnixStream as Peer,
    sync::Arc,
    task::Poll,
};

use common::{CountWakes, Random, fill, settle, unix_pair_with, with_cx};
use reactor::{Core, Direction, Options, PollEvented, Trigger, mio::net::UnixStream};

type Object = PollEvented<UnixStream>;

/// A task that waits.
struct Parked {
    count: Arc<CountWakes>,
    /// It has tried, and has found nothing. Otherwise it took readiness back by mistake.
    honest: bool,
    /// Something is new since.
    news: bool,
}

struct History {
    trigger: Trigger,
    cores: [Core; 2],
    /// At which of the cores the object is.
    at: usize,
    object: Option<Object>,
    peer: Peer,
    /// Reads the same socket behind the object's back.
    other_party: Peer,
    sent: u8,
    received: u8,
    unread: usize,
    /// The peer has left no room since so many bytes.
    unread_by_peer: usize,
    paused: [bool; 2],
    reader: Option<Parked>,
    writer: Option<Parked>,
    told: Vec<&'static str>,
}

impl History {
    fn new(trigger: Trigger) -> Self {
        let cores = [Core::new().unwrap(), Core::new().unwrap()];
        let options = Options::new().trigger(trigger);
        let (object, peer) = unix_pair_with(&cores[0].handle(), options);
        peer.set_nonblocking(true).unwrap();
        let descriptor = std::os::fd::AsFd::as_fd(&object).try_clone_to_owned();
        Self {
            trigger,
            cores,
            at: 0,
            object: Some(object),
            peer,
            other_party: descriptor.unwrap().into(),
            sent: 0,
            received: 0,
            unread: 0,
            unread_by_peer: 0,
            paused: [false; 2],
            reader: None,
            writer: None,
            told: Vec::new(),
        }
    }

    fn object(&self) -> &Object {
        self.object.as_ref().unwrap()
    }

    fn step(&mut self, random: &mut Random) {
        let amount = 1 + random.below(3) as usize;
        let told = match random.below(16) {
            0..3 => self.peer_writes(amount),
            3..5 => self.reads(amount),
            5..8 => self.waits_to_read(),
            8 => self.waits_by_mistake(),
            9 => self.waits_to_write(),
            10 => self.peer_reads_all(),
            11 => self.pauses(Direction::Read),
            12 => self.resumes(Direction::Read),
            13 => match random.below(2) {
                0 => self.pauses(Direction::Write),
                _ => self.resumes(Direction::Write),
            },
            14 => self.moves(),
            _ => self.other_party_reads_all(),
        };
        self.told.push(told);
        self.cores.iter_mut().for_each(settle);
        self.look();
    }

    fn peer_writes(&mut self, amount: usize) -> &'static str {
        for _ in 0..amount {
            self.peer.write_all(&[self.sent]).unwrap();
            self.sent = self.sent.wrapping_add(1);
        }
        self.unread += amount;
        if let Some(reader) = &mut self.reader {
            reader.news = true;
        }
        "the peer writes"
    }

    fn reads(&mut self, amount: usize) -> &'static str {
        let mut buf = vec![0; amount];
        match self.object().try_read_with(|mut io| io.read(&mut buf)) {
            Ok(n) => self.take(&buf[..n]),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                assert_eq!(self.unread, 0, "would block, and there was something");
            }
        }
        "a read is tried"
    }

    fn take(&mut self, bytes: &[u8]) {
        for byte in bytes {
            assert_eq!(*byte, self.received);
            self.received = self.received.wrapping_add(1);
        }
        self.unread -= bytes.len();
    }

    fn waits_to_read(&mut self) -> &'static str {
        let (count, waker) = CountWakes::new();
        let mut buf = [0; 1];
        let polled = with_cx(&waker, |cx| {
            self.object().poll_read_with(cx, |mut io| io.read(&mut buf))
        });
        match polled {
            Poll::Ready(n) => {
                let n = n.unwrap();
                self.take(&buf[..n]);
                "a task reads"
            }
            Poll::Pending => {
                // What is there may have been read behind the object's back, or not be known in a pause.
                self.reader = Some(Parked {
                    count,
                    honest: self.unread == 0,
                    news: false,
                });
                "a task waits to read"
            }
        }
    }

    fn waits_by_mistake(&mut self) -> &'static str {
        let (count, waker) = CountWakes::new();
        with_cx(&waker, |cx| {
            if let Poll::Ready(witness) = self.object().poll_read(cx) {
                self.object().need_read(cx, witness.unwrap()).unwrap();
            }
        });
        self.reader = Some(Parked {
            count,
            honest: false,
            news: false,
        });
        "a task waits to read by mistake"
    }

    fn waits_to_write(&mut self) -> &'static str {
        self.unread_by_peer += fill(self.object());
        let (count, waker) = CountWakes::new();
        let polled = with_cx(&waker, |cx| {
            self.object()
                .poll_write_with(cx, |mut io| io.write(&[7; 4096]))
        });
        match polled {
            Poll::Ready(n) => self.unread_by_peer += n.unwrap(),
            Poll::Pending => {
                self.writer = Some(Parked {
                    count,
                    honest: true,
                    news: false,
                });
            }
        }
        "a task waits to write"
    }

    fn peer_reads_all(&mut self) -> &'static str {
        let mut buf = vec![0; 1 << 16];
        while self.unread_by_peer > 0 {
            self.unread_by_peer -= self.peer.read(&mut buf).unwrap();
        }
        "the peer reads all"
    }

    fn other_party_reads_all(&mut self) -> &'static str {
        let mut buf = vec![0; self.unread];
        if self.unread > 0 {
            self.other_party.read_exact(&mut buf).unwrap();
            self.take(&buf);
        }
        "another party reads all"
    }

    fn pauses(&mut self, direction: Direction) -> &'static str {
        self.object().pause(direction).unwrap();
        self.paused[direction as usize] = true;
        "a pause"
    }

    fn resumes(&mut self, direction: Direction) -> &'static str {
        self.object().resume(direction).unwrap();
        self.paused[direction as usize] = false;
        "the end of a pause"
    }

    /// Whoever waits is woken by that.
    fn moves(&mut self) -> &'static str {
        self.at = 1 - self.at;
        let handle = self.cores[self.at].handle();
        let object = self.object.take().unwrap();
        self.object = Some(object.rebind(&handle).unwrap());
        for parked in [self.reader.take(), self.writer.take()]
            .into_iter()
            .flatten()
        {
            assert!(parked.count.get() > 0, "a task was left behind");
        }
        "it moves to the other reactor"
    }

    /// Who waits for what is there has been woken.
    fn look(&mut self) {
        let is_paused = self.paused[Direction::Read as usize];
        if let Some(reader) = self.reader.take_if(|reader| reader.count.get() == 0) {
            let hears = reader.honest || reader.news || self.trigger != Trigger::Edge;
            let overdue = self.unread > 0 && !is_paused && hears;
            assert!(!overdue, "a reader was forgotten");
            self.reader = Some(reader);
        } else {
            self.reader = None;
        }
        let is_paused = self.paused[Direction::Write as usize];
        if let Some(writer) = self.writer.take_if(|writer| writer.count.get() == 0) {
            let overdue = self.unread_by_peer == 0 && !is_paused;
            assert!(!overdue, "a writer was forgotten");
            self.writer = Some(writer);
        } else {
            self.writer = None;
        }
    }

    /// Nothing happens any more: the loop sleeps. Then the peer goes, of which a task hears in any case.
    fn end(&mut self) {
        let handle = self.cores[self.at].handle();
        self.cores.iter_mut().for_each(settle);
        let before = handle.metrics().events;
        for _ in 0..10 {
            self.cores.iter_mut().for_each(settle);
        }
        let events = handle.metrics().events - before;
        assert!(events <= 6, "{events} events while nothing happens");
        self.resumes(Direction::Read);
        while self.reader.is_none() {
            self.waits_to_read();
        }
        self.peer.shutdown(Shutdown::Both).unwrap();
        self.cores.iter_mut().for_each(settle);
        let reader = self.reader.take().unwrap();
        assert!(reader.count.get() > 0, "a reader did not hear of the end");
    }
}

fn histories(trigger: Trigger) {
    for seed in 0..200 {
        let mut random = Random::new(seed);
        let mut history = History::new(trigger);
        let run = std::panic::AssertUnwindSafe(|| {
            for _ in 0..60 {
                history.step(&mut random);
            }
            history.end();
        });
        if let Err(panic) = std::panic::catch_unwind(run) {
            eprintln!("seed {seed}, {trigger:?}: {:#?}", history.told);
            std::panic::resume_unwind(panic);
        }
    }
}

#[test]
fn whatever_happened_before_no_task_of_an_edge_triggered_object_is_forgotten() {
    histories(Trigger::Edge);
}

#[test]
fn whatever_happened_before_no_task_of_a_level_triggered_object_is_forgotten() {
    histories(Trigger::Level);
}

#[test]
fn whatever_happened_before_no_task_of_a_oneshot_object_is_forgotten() {
    histories(Trigger::Oneshot);
}
