//! Traffic that has found its pace allocates nothing.

mod common;

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    io::{self, Read, Write},
    task::{Context, Poll, Waker},
};

use bytes::{BufMut, Bytes};
use codec::{Encoder, Framed, FramedWrite, Segments};
use common::Numbers;
use futures::{SinkExt, StreamExt, executor::block_on};
use io_traits::{AsyncRead, AsyncWrite, task};

/// Counts the allocations of each thread: the test harness has threads of its own.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every method passes its arguments on to the system's allocator, which keeps the contract. A
// `Cell` without a destructor neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: as the caller of this method promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as the caller of this method promises.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: as the caller of this method promises.
        unsafe { System.realloc(memory, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn allocations(f: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.get();
    f();
    ALLOCATIONS.get() - before
}

/// A length of 4 bytes, then the bytes.
struct Blobs;

impl Encoder<Bytes> for Blobs {
    type Error = io::Error;

    fn encode(&mut self, blob: Bytes, dst: &mut Segments) -> io::Result<()> {
        dst.buf().put_u32(blob.len() as u32);
        dst.push(blob);
        Ok(())
    }
}

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
    assert!(allocations(&mut round) > 0, "the counter counts");
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
    // 10 MB, in more than a hundred writes, each of a queue that has passed 64 KiB.
    assert_eq!(allocations(|| feed(10_000)), 0);
}

/// Gives some frames, then would block once, and so on.
struct Peer {
    blocks: bool,
}

impl Read for Peer {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.blocks = !self.blocks;
        if !self.blocks {
            return task::poll(|_| Poll::Pending);
        }
        let frames = &mut buf[..400];
        frames.fill(1);
        Ok(frames.len())
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
    let mut numbers = Framed::new(Peer { blocks: false }, Numbers::default());
    let mut cx = Context::from_waker(Waker::noop());
    let mut burst = || {
        let mut echoed = 0;
        while let Poll::Ready(number) = numbers.poll_next_unpin(&mut cx) {
            numbers.start_send_unpin(number.unwrap().unwrap()).unwrap();
            echoed += 1;
        }
        assert_eq!(echoed, 100);
    };
    assert!(allocations(&mut burst) > 0, "the counter counts");
    let steady = allocations(|| (0..1_000).for_each(|_| burst()));
    assert_eq!(steady, 0);
}
