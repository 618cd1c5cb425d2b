//! Traffic that has found its pace allocates nothing.

mod allocator;
mod common;

use std::{
    io::{self, Read, Write},
    task::{Context, Poll, Waker},
};

use allocator::allocations;
use bytes::{Bytes, BytesMut};
use codec::{Framed, FramedWrite, LengthDelimitedCodec};
use common::{Blobs, Numbers, framed};
use futures::{Sink, SinkExt, StreamExt, executor::block_on};
use io_traits::{AsyncRead, AsyncWrite, task};

#[test]
fn encoding_and_flushing_allocate_nothing_per_frame() {
    static PAYLOAD: [u8; 4096] = [7; 4096];
    let small = Bytes::from_static(&PAYLOAD[..100]);
    let large = Bytes::from_static(&PAYLOAD);
    let mut sink = FramedWrite::new(io::sink(), Blobs);
    let mut round = || {
        block_on(async {
            for _ in 0..5 {
                sink.feed(small.clone()).await.unwrap();
                sink.feed(large.clone()).await.unwrap();
            }
            sink.flush().await.unwrap();
        });
    };
    // Until the first buffer has been through the pool.
    let warm_up = allocations(|| (0..1_000).for_each(|_| round()));
    assert!(warm_up > 0, "the counter counts");
    let steady = allocations(|| (0..1_000).for_each(|_| round()));
    assert_eq!(steady, 0);
}

#[test]
fn a_producer_that_never_flushes_allocates_nothing_per_write() {
    static PAYLOAD: [u8; 1000] = [7; 1000];
    let frame = Bytes::from_static(&PAYLOAD);
    let mut sink = FramedWrite::new(io::sink(), Blobs);
    let mut feed = |frames: usize| {
        block_on(async {
            for _ in 0..frames {
                sink.feed(frame.clone()).await.unwrap();
            }
        });
    };
    feed(1_000);
    // 10 MB, in more than a hundred writes, each of a queue that has passed its mark.
    assert_eq!(allocations(|| feed(10_000)), 0);
}

/// Gives some frames, then would block once, and so on.
struct Peer {
    frames: Vec<u8>,
    given: usize,
}

impl Peer {
    fn new(frames: Vec<u8>) -> Self {
        Self { frames, given: 0 }
    }
}

impl Read for Peer {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = (&self.frames[self.given..]).read(buf)?;
        if n == 0 {
            self.given = 0;
            return task::poll(|_| Poll::Pending);
        }
        self.given += n;
        Ok(n)
    }
}

impl Write for Peer {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsyncRead for Peer {}
impl AsyncWrite for Peer {}

#[test]
fn echoing_allocates_nothing_per_frame() {
    let peer = Peer::new(framed([1; 100]));
    let mut numbers = Framed::new(peer, Numbers::default());
    let mut cx = Context::from_waker(Waker::noop());
    let mut burst = || {
        let mut echoed = 0;
        while let Poll::Ready(number) = numbers.poll_next_unpin(&mut cx) {
            numbers.start_send_unpin(number.unwrap().unwrap()).unwrap();
            echoed += 1;
        }
        assert_eq!(echoed, 100);
    };
    let warm_up = allocations(|| (0..1_000).for_each(|_| burst()));
    assert!(warm_up > 0, "the counter counts");
    let steady = allocations(|| (0..1_000).for_each(|_| burst()));
    assert_eq!(steady, 0);
}

/// The one is the item itself, which is no part of the buffer, so that it can be kept.
#[test]
fn echoing_frames_of_64_bytes_allocates_once_per_frame() {
    let frame = [&[0, 0, 0, 64][..], &[7; 64]].concat();
    let peer = Peer::new(frame.repeat(100));
    let mut frames = Framed::new(peer, LengthDelimitedCodec::new(64));
    let mut cx = Context::from_waker(Waker::noop());
    let mut burst = || {
        let mut echoed = 0;
        while let Poll::Ready(frame) = frames.poll_next_unpin(&mut cx) {
            let frame: BytesMut = frame.unwrap().unwrap();
            frames.start_send_unpin(frame).unwrap();
            echoed += 1;
        }
        assert_eq!(echoed, 100);
    };
    (0..1_000).for_each(|_| burst());
    let steady = allocations(|| (0..1_000).for_each(|_| burst()));
    assert_eq!(steady, 100 * 1_000);
}

/// The item is the buffer. So these are the next buffer, and the count of those who share this one.
#[test]
fn echoing_frames_of_40_kilobytes_allocates_twice_per_frame() {
    let frame = [&[0, 0, 0x9c, 0x40][..], &[7; 40_000]].concat();
    let mut frames = Framed::new(Peer::new(frame), LengthDelimitedCodec::new(40_000));
    let mut cx = Context::from_waker(Waker::noop());
    let mut round = || {
        let Poll::Ready(Some(frame)) = frames.poll_next_unpin(&mut cx) else {
            panic!("a frame is there");
        };
        frames.start_send_unpin(frame.unwrap()).unwrap();
        assert!(frames.poll_next_unpin(&mut cx).is_pending());
    };
    (0..2).for_each(|_| round());
    let steady = allocations(|| (0..1_000).for_each(|_| round()));
    assert_eq!(steady, 2 * 1_000);
}

/// One is read while the one before waits to be written, and then they change places.
#[test]
fn echoing_frames_of_64_kibibytes_in_a_row_allocates_nothing() {
    let frame = [&[0, 1, 0, 0][..], &[7; 65_536]].concat();
    for at_once in [1, 2, 5, 16] {
        let peer = Peer::new(frame.repeat(at_once));
        let codec = LengthDelimitedCodec::new(65_536).with_shared_items();
        let mut frames = Framed::new(peer, codec);
        let mut round = || {
            let mut cx = Context::from_waker(Waker::noop());
            let mut echoed = 0;
            while let Poll::Ready(frame) = frames.poll_next_unpin(&mut cx) {
                let sink: &mut (dyn Sink<BytesMut, Error = _> + Unpin) = &mut frames;
                assert!(sink.poll_ready_unpin(&mut cx).is_ready());
                sink.start_send_unpin(frame.unwrap().unwrap()).unwrap();
                echoed += 1;
            }
            assert_eq!(echoed, at_once);
        };
        (0..5).for_each(|_| round());
        let steady = allocations(|| (0..100).for_each(|_| round()));
        assert_eq!(steady, 0, "{at_once} at once");
    }
}
