//! `copy`: what it flushes, what it holds, and what can be seen of it.

mod common;

use std::{
    io::{self, ErrorKind, Read},
    task::{Context, Poll},
};

use common::{drive, poll_once};
use futures::executor::block_on;
use io_traits::{
    AsyncRead, BufReader, BufWriter, ReadCursor,
    io::{copy, copy_bidirectional, copy_buf, write_all},
    pool, task,
    testing::Script,
};

#[test]
fn every_split_and_every_pause_copies_the_same_bytes() {
    let message = b"0123456789abcdef";
    for split in 1..message.len() {
        for room in 1..=message.len() {
            let mut from = Script::new()
                .gives(&message[..split])
                .would_block()
                .gives(&message[split..])
                .would_block();
            let mut to = Script::new()
                .takes(room)
                .write_would_block()
                .takes(1)
                .write_would_block();
            assert_eq!(drive(copy(&mut from, &mut to)).0.unwrap(), 16);
            assert_eq!(to.written(), message, "split {split}, room {room}");
        }
    }
}

#[test]
fn flushes_before_it_parks_and_once_for_what_was_written() {
    let mut from = Script::new().gives(b"question").would_block().never_gives();
    let mut to = Script::new();
    let mut future = copy(&mut from, &mut to);
    for _ in 0..3 {
        assert!(poll_once(&mut future).is_pending());
    }
    drop(future);
    assert_eq!(to.written(), b"question");
    // What the peer waits for must not wait for the peer; and nothing new needs no flush.
    assert_eq!(to.flushes(), 1);
}

/// By a copy that was dropped while its flush waited, or by somebody who wrote a header.
#[test]
fn what_was_written_before_the_copy_is_flushed_before_it_parks() {
    let mut to = BufWriter::new(Script::new());
    let mut header = || {
        block_on(write_all(&mut to, b"header")).unwrap();
        std::mem::replace(&mut to, BufWriter::new(Script::new()))
    };
    let mut from = BufReader::new(Script::new().never_gives());

    let mut by_copy = header();
    assert!(poll_once(&mut copy(&mut from, &mut by_copy)).is_pending());
    assert_eq!(by_copy.get_ref().written(), b"header");

    let mut by_copy_buf = header();
    assert!(poll_once(&mut copy_buf(&mut from, &mut by_copy_buf)).is_pending());
    assert_eq!(by_copy_buf.get_ref().written(), b"header");

    let mut one = BufWriter::new(Script::new().never_gives());
    block_on(write_all(&mut one, b"header")).unwrap();
    let mut two = Script::new().never_gives();
    assert!(poll_once(&mut copy_bidirectional(&mut one, &mut two)).is_pending());
    assert_eq!(one.get_ref().written(), b"header");
}

#[test]
fn a_flush_that_would_block_is_tried_again_at_the_next_park() {
    let mut from = Script::new().gives(b"a").never_gives();
    let mut to = BlockedFlush::default();
    let mut future = copy(&mut from, &mut to);
    assert!(poll_once(&mut future).is_pending());
    assert!(poll_once(&mut future).is_pending());
    assert!(poll_once(&mut future).is_pending());
    drop(future);
    assert_eq!((to.tries, to.flushed), (2, 1));
}

/// The first flush would block.
#[derive(Default)]
struct BlockedFlush {
    tries: usize,
    flushed: usize,
}

impl io::Write for BlockedFlush {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.tries += 1;
        if self.tries == 1 {
            return task::poll(|_| Poll::Pending);
        }
        self.flushed += 1;
        Ok(())
    }
}

impl io_traits::AsyncWrite for BlockedFlush {}

#[test]
fn flushes_at_the_end_and_does_not_shut_down() {
    let mut from: &[u8] = b"all";
    let mut to = Script::new();
    assert_eq!(block_on(copy(&mut from, &mut to)).unwrap(), 3);
    assert_eq!(to.flushes(), 1);
    assert!(!to.is_shut_down());
}

/// Remembers where it was asked to read to.
struct SpyOnMemory {
    seen: Vec<*const u8>,
    script: Script,
}

impl Read for SpyOnMemory {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.script.read(buf)
    }
}

impl AsyncRead for SpyOnMemory {
    fn poll_read_into(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadCursor<'_>,
    ) -> Poll<io::Result<usize>> {
        self.seen.push(buf.initialize_unfilled().as_ptr());
        self.script.poll_read_into(cx, buf)
    }
}

#[test]
fn a_copy_that_waits_for_its_reader_holds_no_buffer() {
    let script = || Script::new().gives(b"x").would_block().never_gives();
    let mut readers: Vec<_> = (0..100)
        .map(|_| SpyOnMemory {
            seen: Vec::new(),
            script: script(),
        })
        .collect();
    let mut sinks: Vec<_> = readers.iter().map(|_| io::sink()).collect();
    let mut copies: Vec<_> = readers
        .iter_mut()
        .zip(&mut sinks)
        .map(|(from, to)| copy(from, to))
        .collect();
    for _ in 0..2 {
        for copy in &mut copies {
            assert!(poll_once(copy).is_pending());
            assert_eq!(copy.unwritten(), 0);
        }
    }
    drop(copies);
    // All of them used the one piece of memory of this thread, one after the other.
    let all: Vec<_> = readers.iter().flat_map(|reader| &reader.seen).collect();
    assert_eq!(all.len(), 300);
    assert!(all.iter().all(|&address| address == all[0]));
}

#[test]
fn copied_and_unwritten_account_for_every_byte() {
    let mut from = Script::new().gives(b"0123456789");
    let mut to = Script::new().takes(4).never_takes();
    let mut future = copy(&mut from, &mut to);
    assert!(poll_once(&mut future).is_pending());
    assert_eq!((future.copied(), future.unwritten()), (4, 6));
}

#[test]
fn the_errors_of_both_sides_come_out_and_tell_how_far_it_came() {
    let mut from = Script::new().gives(b"ab").fails(ErrorKind::ConnectionReset);
    let mut to = Script::new();
    let mut future = copy(&mut from, &mut to);
    let error = drive(&mut future).0.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert_eq!(future.copied(), 2);

    let mut from = Script::new().gives(b"abcd");
    let mut to = Script::new().takes(1).write_fails(ErrorKind::BrokenPipe);
    let mut future = copy(&mut from, &mut to);
    let error = drive(&mut future).0.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    assert_eq!((future.copied(), future.unwritten()), (1, 3));

    let mut from = Script::new().gives(b"abcd");
    let mut to = Script::new().takes(0);
    let error = block_on(copy(&mut from, &mut to)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WriteZero);
}

#[test]
fn interrupted_on_either_side_is_not_seen() {
    let mut from = Script::new().fails(ErrorKind::Interrupted).gives(b"ab");
    let mut to = Script::new().write_fails(ErrorKind::Interrupted);
    assert_eq!(drive(copy(&mut from, &mut to)).0.unwrap(), 2);
}

#[test]
fn copies_more_than_its_buffer_holds() {
    let message: Vec<u8> = (0..3 * pool::CAPACITY + 7).map(|n| n as u8).collect();
    let mut from = &message[..];
    let mut to = Vec::new();
    assert_eq!(
        block_on(copy(&mut from, &mut to)).unwrap(),
        message.len() as u64
    );
    assert_eq!(to, message);
}

#[test]
fn a_copy_from_a_buffer_flushes_before_it_parks_and_at_the_end() {
    let script = Script::new().gives(b"question").would_block().never_gives();
    let (mut from, mut to) = (BufReader::new(script), Script::new());
    let mut future = copy_buf(&mut from, &mut to);
    for _ in 0..3 {
        assert!(poll_once(&mut future).is_pending());
    }
    assert_eq!(future.copied(), 8);
    drop(future);
    assert_eq!((to.written(), to.flushes()), (&b"question"[..], 1));

    let mut to = Script::new();
    block_on(copy_buf(&mut &b"all"[..], &mut to)).unwrap();
    assert_eq!((to.written(), to.flushes()), (&b"all"[..], 1));
    assert!(!to.is_shut_down());
}

#[test]
fn a_copy_from_a_buffer_ends_with_the_errors_of_both_sides_and_loses_nothing() {
    let script = Script::new().gives(b"ab").fails(ErrorKind::ConnectionReset);
    let (mut from, mut to) = (BufReader::new(script), Script::new());
    let error = drive(copy_buf(&mut from, &mut to)).0.unwrap_err();
    assert_eq!(
        (error.kind(), to.written()),
        (ErrorKind::ConnectionReset, &b"ab"[..])
    );

    let mut from = &b"abcd"[..];
    let mut to = Script::new().takes(1).write_fails(ErrorKind::BrokenPipe);
    let error = drive(copy_buf(&mut from, &mut to)).0.unwrap_err();
    assert_eq!((error.kind(), from), (ErrorKind::BrokenPipe, &b"bcd"[..]));
    let error = block_on(copy_buf(&mut from, &mut Script::new().takes(0))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WriteZero);
}
