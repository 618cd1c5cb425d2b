//! What several test files share.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test file is a crate and uses a part of it"
)]

use std::{
    cell::RefCell,
    fmt, io,
    io::{Read, Write},
    pin::Pin,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use codec::{Decoder, Encoder, Segments};
use futures::Stream;
use io_traits::{AsyncRead, AsyncWrite, ReadCursor, task};

/// Frames of 4 bytes, big endian. As a decoder it counts how it is called.
#[derive(Debug, Default)]
pub struct Numbers {
    pub decodes: usize,
}

impl Decoder for Numbers {
    type Item = u32;
    type Error = io::Error;

    fn decode(&mut self, src: &mut BytesMut) -> io::Result<Option<u32>> {
        self.decodes += 1;
        Ok((src.len() >= 4).then(|| src.get_u32()))
    }
}

impl Encoder<u32> for Numbers {
    type Error = io::Error;

    fn encode(&mut self, number: u32, dst: &mut Segments) -> io::Result<()> {
        dst.buf().put_u32(number);
        Ok(())
    }
}

/// A length of 4 bytes, then the bytes. Refuses one that says so when it has appended a part already.
pub struct Blobs;

impl Encoder<Bytes> for Blobs {
    type Error = io::Error;

    fn encode(&mut self, blob: Bytes, dst: &mut Segments) -> io::Result<()> {
        dst.buf().put_u32(blob.len() as u32);
        dst.push(blob.clone());
        if blob.starts_with(b"refuse") {
            dst.put_slice(b"something more");
            return Err(io::ErrorKind::InvalidInput.into());
        }
        Ok(())
    }
}

/// The bytes of `numbers`, as [`Numbers`] frames them.
pub fn framed(numbers: impl IntoIterator<Item = u32>) -> Vec<u8> {
    numbers.into_iter().flat_map(u32::to_be_bytes).collect()
}

/// What is in a queue.
pub fn bytes_of(mut queue: Segments) -> Vec<u8> {
    queue.copy_to_bytes(queue.len()).to_vec()
}

/// Polls a stream once, with a waker that wakes nobody.
pub fn poll_next<S: Stream + Unpin>(stream: &mut S) -> Poll<Option<S::Item>> {
    Pin::new(stream).poll_next(&mut Context::from_waker(Waker::noop()))
}

/// The next item of a stream, which has to be there: if it is not, the test fails and does not hang.
pub fn next_now<S: Stream + Unpin>(stream: &mut S) -> Option<S::Item> {
    match poll_next(stream) {
        Poll::Ready(item) => item,
        Poll::Pending => panic!("the stream waits"),
    }
}

/// Items in a form that can be compared.
pub fn shown<T: fmt::Display, E: fmt::Display>(items: &[Result<T, E>]) -> Vec<String> {
    items
        .iter()
        .map(|item| match item {
            Ok(frame) => format!("{frame}"),
            Err(error) => format!("error: {error}"),
        })
        .collect()
}

/// A waker that counts.
#[derive(Debug, Default)]
pub struct Wakes(AtomicUsize);

impl Wakes {
    pub fn new() -> (Arc<Self>, Waker) {
        let wakes = Arc::new(Self::default());
        (wakes.clone(), wakes.into())
    }

    pub fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A writer with as much room as it is given, which wakes its task when it is given some.
///
/// Nothing can ever be read from it.
#[derive(Debug, Clone, Default)]
pub struct Gate(Rc<RefCell<Gated>>);

#[derive(Debug, Default)]
struct Gated {
    room: usize,
    taken: Vec<u8>,
    waiting: Option<Waker>,
}

impl Gate {
    pub fn open(&self, room: usize) {
        let mut gated = self.0.borrow_mut();
        gated.room += room;
        if let Some(waker) = gated.waiting.take() {
            waker.wake();
        }
    }

    pub fn taken(&self) -> Vec<u8> {
        self.0.borrow().taken.clone()
    }
}

impl Write for Gate {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        task::poll(|cx| {
            let mut gated = self.0.borrow_mut();
            if gated.room == 0 {
                gated.waiting = Some(cx.waker().clone());
                return Poll::Pending;
            }
            let n = buf.len().min(gated.room);
            gated.room -= n;
            gated.taken.extend_from_slice(&buf[..n]);
            Poll::Ready(Ok(n))
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsyncWrite for Gate {}

impl Read for Gate {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        task::poll(|_| Poll::Pending)
    }
}

impl AsyncRead for Gate {}

/// Gives its bytes in pieces of one length, and would block after each of them.
#[derive(Debug)]
pub struct Drip<'a> {
    pub bytes: &'a [u8],
    pub piece: usize,
    blocks: bool,
}

impl<'a> Drip<'a> {
    pub fn new(bytes: &'a [u8], piece: usize) -> Self {
        Self {
            bytes,
            piece,
            blocks: false,
        }
    }
}

impl Read for Drip<'_> {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        unreachable!("a cursor saves the zeroing, which these tests could not pay for")
    }
}

impl AsyncRead for Drip<'_> {
    fn poll_read_into(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadCursor<'_>,
    ) -> Poll<io::Result<usize>> {
        self.blocks = !self.blocks;
        if !self.blocks {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let n = buf.append(&self.bytes[..self.piece.min(self.bytes.len())]);
        self.bytes = &self.bytes[n..];
        Poll::Ready(Ok(n))
    }
}
