use std::{
    io::{self, IoSlice, Read, Write},
    sync::Arc,
    task::{Context, Poll, Wake, Waker, ready},
};

use crate::{
    AsyncRead, AsyncWrite, ReadCursor, async_read::poll_read_slice, async_write::checked, task,
};

/// Makes any reader and writer behave as awkwardly as the laws allow.
///
/// Reads and writes come in small pieces, usually of one byte. Now and then an operation would block
/// for no reason, and wakes its task at once. Tasks are woken although nothing happened. The object
/// inside sees another waker at most polls. What is written stays where it is until a flush, or until
/// sixteen bytes have come together. The same seed gives the same torture.
///
/// What works on an object and not on the tortured one relies on something that no law promises.
///
/// # Examples
///
/// ```
/// # use futures::executor::block_on;
/// use io_traits::{io::{copy, read_to_end}, testing::Torture};
///
/// let mut reader = Torture::new(&b"the same bytes in the end"[..], 7);
/// let mut all = Vec::new();
/// block_on(read_to_end(&mut reader, &mut all, 80)).unwrap();
/// assert_eq!(all, b"the same bytes in the end");
/// ```
#[derive(Debug)]
pub struct Torture<T> {
    object: T,
    random: u64,
    /// Written, but not flushed.
    held: Vec<u8>,
}

impl<T> Torture<T> {
    /// Tortures an object.
    pub fn new(object: T, seed: u64) -> Self {
        Self {
            object,
            random: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1,
            held: Vec::new(),
        }
    }

    /// The object.
    pub fn get_ref(&self) -> &T {
        &self.object
    }

    /// The object.
    pub fn get_mut(&mut self) -> &mut T {
        &mut self.object
    }

    /// Gives the object back; what was not flushed is lost.
    pub fn into_inner(self) -> T {
        self.object
    }

    /// One in `n` times.
    fn one_in(&mut self, n: u64) -> bool {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random.is_multiple_of(n)
    }

    /// How many bytes this time.
    fn piece(&mut self) -> usize {
        let mut most = 1;
        while most < 1 << 16 && self.one_in(3) {
            most *= 4;
        }
        most
    }

    /// Calls an operation of the object, if it is in the mood.
    fn poll<R>(
        &mut self,
        cx: &mut Context<'_>,
        operation: impl FnOnce(&mut T, &mut Context<'_>) -> Poll<R>,
    ) -> Poll<R> {
        if self.one_in(4) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.one_in(8) {
            cx.waker().wake_by_ref();
        }
        if self.one_in(3) {
            return operation(&mut self.object, cx);
        }
        let relay = Waker::from(Arc::new(Relay(cx.waker().clone())));
        operation(&mut self.object, &mut Context::from_waker(&relay))
    }
}

/// A waker that nobody has seen before.
struct Relay(Waker);

impl Wake for Relay {
    fn wake(self: Arc<Self>) {
        self.0.wake_by_ref();
    }
}

impl<T: AsyncRead> Read for Torture<T> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        task::poll(|cx| poll_read_slice(self, cx, buf))
    }
}

impl<T: AsyncRead> AsyncRead for Torture<T> {
    fn poll_read_into(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadCursor<'_>,
    ) -> Poll<io::Result<usize>> {
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(0));
        }
        let piece = self.piece();
        self.poll(cx, |object, cx| {
            let (polled, filled) = buf.limited(piece, |buf| object.poll_read_into(cx, buf));
            polled.map_ok(|_| filled)
        })
    }
}

impl<T: AsyncWrite> Torture<T> {
    fn poll_release(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.held.is_empty() {
            let piece = self.piece().min(self.held.len());
            let held: Vec<u8> = self.held[..piece].to_vec();
            let n = ready!(self.poll(cx, |object, cx| object.poll_write_from(cx, &held)))?;
            if checked(n, piece)? == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.held.drain(..n);
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite> Write for Torture<T> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        task::poll(|cx| self.poll_write_from(cx, buf))
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        task::poll(|cx| self.poll_write_slices(cx, bufs))
    }

    fn flush(&mut self) -> io::Result<()> {
        task::poll(|cx| self.poll_flush(cx))
    }
}

impl<T: AsyncWrite> AsyncWrite for Torture<T> {
    fn poll_write_from(&mut self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_slices(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_slices(
        &mut self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if bufs.iter().all(|buf| buf.is_empty()) {
            return Poll::Ready(Ok(0));
        }
        if self.held.len() >= HELD {
            ready!(self.poll_release(cx))?;
        }
        let before = self.held.len();
        let mut left = self.piece().min(HELD - before);
        for buf in bufs {
            let n = buf.len().min(left);
            self.held.extend_from_slice(&buf[..n]);
            left -= n;
        }
        Poll::Ready(Ok(self.held.len() - before))
    }

    fn writes_slices(&self) -> bool {
        true
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_release(cx))?;
        self.poll(cx, |object, cx| object.poll_flush(cx))
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_release(cx))?;
        self.poll(cx, |object, cx| object.poll_shutdown(cx))
    }
}

/// How many bytes it holds back, at most.
const HELD: usize = 16;
