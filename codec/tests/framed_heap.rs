//! How many bytes of heap a `Framed` holds, and when.

mod allocator;
mod common;

use std::{
    io::{self, Read, Write},
    task::{Context, Poll, Waker},
};

use allocator::live_bytes;
use bytes::Bytes;
use codec::{Framed, FramedRead, LengthDelimitedCodec};
use futures::{StreamExt, executor::block_on};
use io_traits::{AsyncRead, AsyncWrite, pool, task};

/// A peer whose pieces come one by one, and who would block behind each; it takes everything.
struct Peer<'a> {
    pieces: &'a [&'a [u8]],
    /// What is left of the piece under way.
    rest: &'a [u8],
    blocks: bool,
    reads: usize,
}

impl<'a> Peer<'a> {
    fn new(pieces: &'a [&'a [u8]]) -> Self {
        Self {
            pieces,
            rest: &[],
            blocks: false,
            reads: 0,
        }
    }
}

impl Read for Peer<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.rest.is_empty() {
            self.blocks = !self.blocks;
            let (true, Some((piece, pieces))) = (self.blocks, self.pieces.split_first()) else {
                return task::poll(|cx| {
                    cx.waker().wake_by_ref();
                    Poll::Pending
                });
            };
            (self.rest, self.pieces) = (piece, pieces);
        }
        self.reads += 1;
        self.rest.read(buf)
    }
}

impl Write for Peer<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsyncRead for Peer<'_> {}
impl AsyncWrite for Peer<'_> {}

/// Has this thread's pool hold a buffer, so that what is lent and given back is nobody's. So has it the memory
/// that readers without a poll function of their own read by way of.
fn fill_pool() {
    let lent: Vec<_> = (0..4).map(|_| pool::take()).collect();
    drop(lent);
    block_on(io_traits::io::copy(&mut &b"x"[..], &mut io::sink())).unwrap();
}

fn park<T: StreamExt + Unpin>(stream: &mut T) {
    let mut cx = Context::from_waker(Waker::noop());
    assert!(stream.poll_next_unpin(&mut cx).is_pending());
}

#[test]
fn an_idle_connection_holds_no_heap_before_its_first_byte_and_under_200_bytes_after_traffic() {
    fill_pool();
    let frame = [&[0, 0, 0, 100][..], &[7; 100]].concat();
    let pieces = [&frame[..]; 50];
    let before = live_bytes();
    let mut frames = Framed::new(Peer::new(&pieces), LengthDelimitedCodec::new(4096));
    park(&mut Framed::new(
        Peer::new(&[]),
        LengthDelimitedCodec::new(4096),
    ));
    assert_eq!(live_bytes(), before);
    block_on(async {
        for _ in 0..50 {
            let frame = frames.next().await.unwrap().unwrap();
            frames.feed(frame).await.unwrap();
        }
    });
    park(&mut frames);
    let held = live_bytes() - before;
    assert!(held < 200, "{held} bytes");
    // Also with large ones, which the queue refers to, once the thread has places for them.
    let large = Bytes::from_static(&[7; 4096]);
    let burst = |frames: &mut Framed<_, _>| {
        block_on(async {
            for _ in 0..40 {
                frames.feed(large.clone()).await.unwrap();
            }
            frames.flush().await.unwrap();
        });
    };
    burst(&mut frames);
    let spared = live_bytes();
    let others: Vec<_> = (0..100)
        .map(|_| {
            let mut other = Framed::new(Peer::new(&[]), LengthDelimitedCodec::new(4096));
            burst(&mut other);
            other
        })
        .collect();
    let held = (live_bytes() - spared) as usize - size_of_val(&others[..]);
    assert!(held < 100 * 200, "{held} bytes of 100 connections");
}

#[test]
fn after_a_frame_of_4_mib_in_each_direction_less_than_64_kib_are_held() {
    const LENGTH: usize = 4 << 20;
    fill_pool();
    let frame = [&(LENGTH as u32).to_be_bytes()[..], &vec![7; LENGTH]].concat();
    let pieces: Vec<_> = frame.chunks(1460).collect();
    let before = live_bytes();
    let mut frames = Framed::new(Peer::new(&pieces), LengthDelimitedCodec::new(LENGTH));
    block_on(async {
        let frame = frames.next().await.unwrap().unwrap();
        assert_eq!(frame.len(), LENGTH);
        frames.send(&frame[..]).await.unwrap();
    });
    park(&mut frames);
    let held = live_bytes() - before;
    assert!(held < 64 * 1024, "{held} bytes");
}

#[test]
fn segments_of_1460_bytes_cost_one_read_each_however_the_frames_lie_in_them() {
    for length in [10, 64, 1000, 1456, 1460, 9000, 100_000, 1_000_000] {
        let frames = 1 + 2_000_000 / (length + 4);
        let frame = [&(length as u32).to_be_bytes()[..], &vec![7; length]].concat();
        let bytes = frame.repeat(frames);
        let pieces: Vec<_> = bytes.chunks(1460).collect();
        let mut stream = FramedRead::new(Peer::new(&pieces), LengthDelimitedCodec::new(length));
        block_on(async {
            for _ in 0..frames {
                assert_eq!(stream.next().await.unwrap().unwrap().len(), length);
            }
        });
        assert_eq!(stream.get_ref().reads, pieces.len(), "frames of {length}");
    }
}

#[test]
fn hundred_waiting_readers_have_used_one_buffer_one_after_the_other() {
    let frame = [&[0, 0, 0, 100][..], &[7; 100]].concat();
    let pieces = [&frame[..]];
    let reader = || {
        let mut frames = FramedRead::new(Peer::new(&pieces), LengthDelimitedCodec::new(100));
        assert!(block_on(frames.next()).is_some());
        park(&mut frames);
        frames
    };
    let first = reader();
    let before = live_bytes();
    let readers: Vec<_> = (0..100).map(|_| reader()).collect();
    let held = (live_bytes() - before) as usize - size_of_val(&readers[..]);
    assert!(held < 100, "{held} bytes");
    drop(first);
}

#[test]
fn thousand_connections_that_announce_much_and_send_little_hold_little() {
    fill_pool();
    let head = (8_u32 << 20).to_be_bytes();
    let pieces = [&head[..]];
    let before = live_bytes();
    let connections: Vec<_> = (0..1000)
        .map(|_| {
            let mut frames =
                FramedRead::new(Peer::new(&pieces), LengthDelimitedCodec::new(8 << 20));
            park(&mut frames);
            assert_eq!(frames.read_buffer().len(), 4);
            frames
        })
        .collect();
    let held = (live_bytes() - before) as usize / connections.len();
    assert!(
        held < size_of_val(&connections[0]) + 100,
        "{held} bytes each"
    );
}
