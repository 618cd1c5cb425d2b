//! `write_buf` over buffers of one and of many chunks.

mod common;

use std::{
    io::{self, ErrorKind, IoSlice, Write},
    task::{Context, Poll, Waker},
};

use bytes::{Buf, Bytes};
use common::drive;
use futures::executor::block_on;
use io_traits::{AsyncWrite, poll_write_buf, task, testing::Script, write_buf};

fn three() -> impl Buf {
    (&b"one"[..]).chain(&b"two"[..]).chain(&b"three"[..])
}

#[test]
fn many_chunks_go_out_in_one_vectored_write() {
    let mut script = Script::new();
    let mut buf = three();
    assert_eq!(
        block_on(task::io(|| write_buf(&mut script, &mut buf))).unwrap(),
        11
    );
    assert_eq!(
        (script.write_calls(), script.written()),
        (1, &b"onetwothree"[..])
    );
    assert!(!buf.has_remaining());
}

#[test]
fn a_writer_of_plain_writes_gets_chunk_after_chunk() {
    let mut script = Script::new().plain_writes_only();
    let mut buf = three();
    let mut writes = Vec::new();
    while buf.has_remaining() {
        writes.push(block_on(task::io(|| write_buf(&mut script, &mut buf))).unwrap());
    }
    assert_eq!(writes, [3, 3, 5]);
    assert_eq!(script.written(), b"onetwothree");
}

#[test]
fn every_short_vectored_write_continues_at_the_right_byte() {
    for limit in 1..=11 {
        let mut script = Script::new().takes(limit).write_would_block().takes(limit);
        let mut buf = three();
        while buf.has_remaining() {
            drive(task::io(|| write_buf(&mut script, &mut buf)))
                .0
                .unwrap();
        }
        assert_eq!(script.written(), b"onetwothree", "limit {limit}");
    }
}

#[test]
fn an_empty_buffer_writes_nothing_and_is_done() {
    let mut script = Script::new().never_takes();
    assert_eq!(
        block_on(task::io(|| write_buf(&mut script, &mut Bytes::new()))).unwrap(),
        0
    );
    assert_eq!(script.write_calls(), 0);
}

#[test]
fn an_error_leaves_the_buffer_as_it_was() {
    let mut script = Script::new().write_fails(ErrorKind::BrokenPipe);
    let mut buf = three();
    let error = block_on(task::io(|| write_buf(&mut script, &mut buf))).unwrap_err();
    assert_eq!((error.kind(), buf.remaining()), (ErrorKind::BrokenPipe, 11));
}

#[test]
fn more_chunks_than_one_call_takes_arrive_all_in_order() {
    let numbers: Vec<String> = (0..200).map(|n| n.to_string()).collect();
    let mut buf: Box<dyn Buf> = Box::new(Bytes::new());
    for number in numbers.iter().rev() {
        buf = Box::new(Bytes::from(number.clone()).chain(buf));
    }
    let mut script = Script::new();
    while buf.has_remaining() {
        block_on(task::io(|| write_buf(&mut script, &mut buf))).unwrap();
    }
    assert_eq!(script.written(), numbers.concat().as_bytes());
}

/// Claims to have taken more than it was given.
struct Boaster;

impl Write for Boaster {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        Ok(buf.len() + 1)
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        Ok(bufs.iter().map(|buf| buf.len()).sum::<usize>() + 1)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsyncWrite for Boaster {
    fn writes_slices(&self) -> bool {
        true
    }
}

#[test]
fn a_writer_that_claims_too_much_is_invalid_data_and_skips_no_byte() {
    let mut cx = Context::from_waker(Waker::noop());
    let mut one = &b"abc"[..];
    let polled = poll_write_buf(&mut Boaster, &mut cx, &mut one);
    assert!(matches!(polled, Poll::Ready(Err(error)) if error.kind() == ErrorKind::InvalidData));
    assert_eq!(one, b"abc");

    let mut many = three();
    let polled = poll_write_buf(&mut Boaster, &mut cx, &mut many);
    assert!(matches!(polled, Poll::Ready(Err(error)) if error.kind() == ErrorKind::InvalidData));
    assert_eq!(many.remaining(), 11);
}

/// The same lie told through the poll functions, which nobody stands before.
struct PollBoaster;

impl Write for PollBoaster {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsyncWrite for PollBoaster {
    fn poll_write_from(&mut self, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(buf.len() + 1))
    }
}

#[test]
fn a_poll_function_that_claims_too_much_is_an_error_and_not_a_panic() {
    let mut cx = Context::from_waker(Waker::noop());
    let mut buf = &b"abc"[..];
    let polled = poll_write_buf(&mut PollBoaster, &mut cx, &mut buf);
    assert!(matches!(polled, Poll::Ready(Err(_))));
    assert_eq!(buf, b"abc");
}

#[test]
fn helpers_meet_a_poll_function_that_claims_too_much_with_an_error() {
    assert!(block_on(io_traits::io::write_all(&mut PollBoaster, b"abc")).is_err());
    assert!(block_on(io_traits::io::copy(&mut &b"abc"[..], &mut PollBoaster)).is_err());
}
