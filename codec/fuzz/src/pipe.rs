use std::{
    io::{self, IoSlice, Read, Write},
    ops::Range,
    task::{Context, Poll},
};

use fastrand::Rng;
use io_traits::{AsyncRead, AsyncWrite, ReadCursor, task};

/// A stream whose bytes come, and a writer who takes them, in pieces that are made of a seed.
///
/// Between two pieces it would block now and then, and wakes its task then.
#[derive(Debug)]
pub(crate) struct Pipe {
    pub(crate) written: Vec<u8>,
    pub(crate) flushed: usize,
    pub(crate) is_shut_down: bool,
    input: Vec<u8>,
    at: usize,
    reads: Direction,
    writes: Direction,
    takes_slices: bool,
}

#[derive(Debug)]
struct Direction {
    rng: Rng,
    style: u8,
    has_blocked: bool,
    borders: Borders,
}

/// Where in a stream it matters how it is cut, in ascending order; everywhere, if nobody has said.
///
/// Around a border the pieces are as short as they are anywhere. The long way between two goes in few, of any
/// length: a thousand cuts inside of a payload find no more than ten of them, and take all the time.
#[derive(Debug, Default)]
struct Borders {
    at: Vec<usize>,
    /// How many of them are behind.
    passed: usize,
}

impl Pipe {
    pub(crate) fn new(input: impl Into<Vec<u8>>, seed: u16) -> Self {
        let direction = |salt| Direction {
            rng: Rng::with_seed(u64::from(seed) ^ salt),
            style: (seed >> 8) as u8,
            has_blocked: false,
            borders: Borders::default(),
        };
        Self {
            written: Vec::new(),
            flushed: 0,
            is_shut_down: false,
            input: input.into(),
            at: 0,
            reads: direction(0),
            writes: direction(0x5eed_0000),
            takes_slices: seed & 1 == 0,
        }
    }

    /// A pipe that gives what was written into this one.
    pub(crate) fn read_back(self, seed: u16) -> Self {
        let mut pipe = Self::new(self.written, seed);
        pipe.reads.borders.at = self.writes.borders.at;
        pipe
    }

    /// Says that a frame comes, and where in what is read.
    pub(crate) fn tell_read(&mut self, frame: Range<usize>) {
        self.reads.borders.add(frame);
    }

    /// Says that a frame goes, and where in what will have been written.
    pub(crate) fn tell_written(&mut self, frame: Range<usize>) {
        self.writes.borders.add(frame);
    }

    /// How many bytes have not been read.
    pub(crate) fn unread(&self) -> usize {
        self.input.len() - self.at
    }

    /// Whether the last write would have blocked.
    pub(crate) fn writer_blocks(&self) -> bool {
        self.writes.has_blocked
    }

    fn take(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let all: usize = slices.iter().map(|slice| slice.len()).sum();
        if all == 0 {
            return Poll::Ready(Ok(0));
        }
        let Some(mut n) = self.writes.piece(self.written.len(), all) else {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        };
        let taken = n;
        for slice in slices {
            let part = n.min(slice.len());
            self.written.extend_from_slice(&slice[..part]);
            n -= part;
        }
        Poll::Ready(Ok(taken))
    }
}

impl Direction {
    /// How many of the `most` bytes from `at` on go through now, at least one; `None` if it would block, which
    /// it never does twice in a row.
    fn piece(&mut self, at: usize, most: usize) -> Option<usize> {
        self.has_blocked = !self.has_blocked && self.rng.u8(..4) == 0;
        if self.has_blocked {
            return None;
        }
        let longest = match self.style % 4 {
            0 => most,
            1 => 1,
            2 => 16,
            _ => 1 << self.rng.u8(..17),
        };
        let longest = longest.max(self.borders.distance(at));
        Some(self.rng.usize(1..=longest.clamp(1, most)))
    }
}

impl Borders {
    fn add(&mut self, frame: Range<usize>) {
        let inside = SIZES.iter().map(|size| frame.start + size);
        self.at.push(frame.start);
        self.at.extend(inside.filter(|&at| at < frame.end));
        self.at.push(frame.end);
    }

    /// How many bytes from `at` on are far from any border.
    fn distance(&mut self, at: usize) -> usize {
        let ahead = &self.at[self.passed..];
        self.passed += ahead
            .iter()
            .take_while(|&&border| border + NEAR <= at)
            .count();
        match self.at.get(self.passed) {
            Some(border) => border.saturating_sub(at + NEAR),
            None => 0,
        }
    }
}

impl Read for Pipe {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        unreachable!("the codec reads through a cursor, which saves the zeroing")
    }
}

impl AsyncRead for Pipe {
    fn poll_read_into(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadCursor<'_>,
    ) -> Poll<io::Result<usize>> {
        let rest = &self.input[self.at..];
        if rest.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let Some(n) = self.reads.piece(self.at, rest.len()) else {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        };
        let n = buf.append(&rest[..n]);
        assert!(n > 0, "a read without room");
        self.at += n;
        Poll::Ready(Ok(n))
    }
}

impl Write for Pipe {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        task::poll(|cx| self.take(cx, &[IoSlice::new(buf)]))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.flushed = self.written.len();
        Ok(())
    }
}

impl AsyncWrite for Pipe {
    fn poll_write_slices(
        &mut self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.take(cx, bufs)
    }

    fn writes_slices(&self) -> bool {
        self.takes_slices
    }

    fn poll_shutdown(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        assert_eq!(
            self.flushed,
            self.written.len(),
            "shut down with unflushed bytes"
        );
        self.is_shut_down = true;
        Poll::Ready(Ok(()))
    }
}

/// Up to how many bytes before and behind a border it matters how a stream is cut.
const NEAR: usize = 8;

/// At how many bytes of a frame the codec begins to hold or to write it in another way.
const SIZES: [usize; 3] = [4 * 1024, 32 * 1024, 64 * 1024];
