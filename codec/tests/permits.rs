//! `reserve` waits for room without holding a frame.

mod common;

use std::{
    collections::VecDeque,
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use codec::{Framed, FramedWrite, LengthDelimitedCodec, LengthDelimitedError, LinesCodec};
use common::{Gate, Wakes, poll_next};
use futures::executor::block_on;
use io_traits::testing::Script;

fn poll_once<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn a_wait_for_room_that_is_cancelled_at_any_time_loses_no_frame() {
    let gate = Gate::default();
    let mut lines = FramedWrite::new(gate.clone(), LinesCodec::new(80)).with_high_water_bytes(1);
    let mut waiting: VecDeque<_> = (0..100).map(|i| i.to_string()).collect();
    let expected: String = waiting.iter().map(|line| format!("{line}\n")).collect();
    let mut cancelled = 0;
    while !waiting.is_empty() {
        // Each wait is polled once and dropped; a byte of room comes in between.
        match poll_once(lines.reserve()) {
            Poll::Ready(permit) => permit.unwrap().feed(waiting.pop_front().unwrap()).unwrap(),
            Poll::Pending => cancelled += 1,
        }
        gate.open(1);
    }
    gate.open(1_000);
    block_on(lines.flush()).unwrap();
    assert_eq!(gate.taken(), expected.as_bytes());
    assert!(cancelled > 100, "{cancelled}");
}

/// What the permit is for: the same with `feed` loses the frame that waited.
#[test]
fn a_cancelled_feed_takes_its_frame_with_it_as_its_docs_say() {
    let gate = Gate::default();
    let mut lines = FramedWrite::new(gate.clone(), LinesCodec::new(80)).with_high_water_bytes(1);
    assert!(poll_once(lines.feed("queued")).is_ready());
    assert!(poll_once(lines.feed("lost")).is_pending());
    gate.open(1_000);
    block_on(lines.flush()).unwrap();
    assert_eq!(gate.taken(), b"queued\n");
}

#[test]
fn a_wait_for_room_is_woken_when_the_queue_has_drained() {
    let gate = Gate::default();
    let mut lines = Framed::new(gate.clone(), LinesCodec::new(80)).with_high_water_bytes(4);
    block_on(async { lines.reserve().await.unwrap().feed("1234567").unwrap() });
    let (wakes, waker) = Wakes::new();
    let mut cx = Context::from_waker(&waker);
    {
        let mut reserve = pin!(lines.reserve());
        assert!(reserve.as_mut().poll(&mut cx).is_pending());
        gate.open(4);
        assert_eq!(wakes.count(), 1);
        // Four are left, which is the mark.
        assert!(reserve.as_mut().poll(&mut cx).is_pending());
        gate.open(1);
        assert_eq!(wakes.count(), 2);
        assert!(reserve.as_mut().poll(&mut cx).is_ready());
    }
    assert_eq!(gate.taken(), b"12345");
    assert_eq!(lines.write_buffer().len(), 3);
}

#[test]
fn a_permit_that_is_dropped_queues_nothing() {
    let mut lines = FramedWrite::new(Script::new(), LinesCodec::new(80));
    drop(block_on(lines.reserve()).unwrap());
    assert!(lines.write_buffer().is_empty());
    block_on(lines.flush()).unwrap();
    assert_eq!(lines.get_ref().write_calls(), 0);
}

#[test]
fn a_frame_that_cannot_be_encoded_leaves_the_queue_as_it_was() {
    let mut frames = FramedWrite::new(Script::new(), LengthDelimitedCodec::new(3));
    block_on(async {
        let permit = frames.reserve().await.unwrap();
        permit.feed(Bytes::from_static(b"one")).unwrap();
        let permit = frames.reserve().await.unwrap();
        let error = permit.feed(Bytes::from_static(b"four")).unwrap_err();
        assert!(matches!(
            error,
            LengthDelimitedError::ItemTooLong { len: 4 }
        ));
        frames.flush().await.unwrap();
    });
    assert_eq!(frames.get_ref().written(), b"\0\0\0\x03one");
}

#[test]
fn an_error_of_the_writer_comes_from_the_wait() {
    let script = Script::new().write_fails(std::io::ErrorKind::BrokenPipe);
    let mut lines = FramedWrite::new(script, LinesCodec::new(80)).with_high_water_bytes(0);
    block_on(lines.feed("one")).unwrap();
    let error = block_on(lines.reserve()).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe);
}

#[test]
fn what_a_permit_queued_is_flushed_before_the_stream_parks() {
    let mut lines = Framed::new(Script::new().never_gives(), LinesCodec::new(80));
    block_on(async { lines.reserve().await.unwrap().feed("answer").unwrap() });
    assert!(poll_next(&mut lines).is_pending());
    assert_eq!(lines.get_ref().written(), b"answer\n");
}
