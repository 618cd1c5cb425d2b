use std::{
    collections::VecDeque,
    io::{self, IoSlice, Read, Write},
    task::Poll,
};

use crate::{AsyncRead, AsyncWrite, task};

/// A reader and writer that does what it was told, step by step.
///
/// Steps of reading and steps of writing are two lists. A read takes the next step of reading: bytes
/// (as many as fit; the rest stays), a `WouldBlock` that wakes the task at once, or an error. At the
/// end of the list comes the end of the stream, for ever. A write takes the next step of writing: a
/// limit to how much is taken, a `WouldBlock`, or an error; at the end of the list everything is taken.
///
/// The script obeys the law it tests: a `WouldBlock` needs a current task, and that task is woken.
///
/// # Examples
///
/// ```
/// # use futures::executor::block_on;
/// use io_traits::{io, testing::Script};
///
/// let mut script = Script::new().gives(b"he").would_block().gives(b"llo");
/// let mut buf = [0; 5];
/// block_on(io::read_exact(&mut script, &mut buf)).unwrap();
/// assert_eq!(&buf, b"hello");
/// ```
#[derive(Debug, Default)]
pub struct Script {
    reads: VecDeque<Step>,
    writes: VecDeque<Step>,
    written: Vec<u8>,
    write_calls: usize,
    read_calls: usize,
    flushes: usize,
    shut_down: bool,
    plain_writes_only: bool,
}

#[derive(Debug)]
enum Step {
    Bytes(Vec<u8>),
    Take(usize),
    WouldBlock,
    Never,
    Fail(io::ErrorKind),
}

impl Script {
    /// A script with no steps: every read is the end, every write is taken.
    pub fn new() -> Self {
        Self::default()
    }

    /// Then reads give these bytes.
    pub fn gives(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.reads.push_back(Step::Bytes(bytes.as_ref().to_vec()));
        self
    }

    /// Then one read would block, and wakes its task at once.
    pub fn would_block(mut self) -> Self {
        self.reads.push_back(Step::WouldBlock);
        self
    }

    /// From then on every read would block, and no task is woken.
    pub fn never_gives(mut self) -> Self {
        self.reads.push_back(Step::Never);
        self
    }

    /// Then one read fails.
    pub fn fails(mut self, kind: io::ErrorKind) -> Self {
        self.reads.push_back(Step::Fail(kind));
        self
    }

    /// Then one write takes at most `limit` bytes.
    pub fn takes(mut self, limit: usize) -> Self {
        self.writes.push_back(Step::Take(limit));
        self
    }

    /// Then one write would block, and wakes its task at once.
    pub fn write_would_block(mut self) -> Self {
        self.writes.push_back(Step::WouldBlock);
        self
    }

    /// From then on every write would block, and no task is woken.
    pub fn never_takes(mut self) -> Self {
        self.writes.push_back(Step::Never);
        self
    }

    /// Then one write fails.
    pub fn write_fails(mut self, kind: io::ErrorKind) -> Self {
        self.writes.push_back(Step::Fail(kind));
        self
    }

    /// Lets a write take from several buffers only one by one.
    pub fn plain_writes_only(mut self) -> Self {
        self.plain_writes_only = true;
        self
    }

    /// Everything that was written.
    pub fn written(&self) -> &[u8] {
        &self.written
    }

    /// How many reads were tried.
    pub fn read_calls(&self) -> usize {
        self.read_calls
    }

    /// How many writes were tried, plain or vectored.
    pub fn write_calls(&self) -> usize {
        self.write_calls
    }

    /// How many times it was flushed.
    pub fn flushes(&self) -> usize {
        self.flushes
    }

    /// Whether the writing side was ended.
    pub fn is_shut_down(&self) -> bool {
        self.shut_down
    }

    /// Forgets the remaining steps of writing, so that everything is taken.
    pub fn unblock_writes(&mut self) {
        self.writes.clear();
    }

    /// The limit for the next write.
    fn next_write(&mut self) -> io::Result<usize> {
        self.write_calls += 1;
        match self.writes.front() {
            Some(Step::Never) => return never(),
            None => return Ok(usize::MAX),
            _ => {}
        }
        match self.writes.pop_front() {
            Some(Step::Take(limit)) => Ok(limit),
            Some(Step::Fail(kind)) => Err(kind.into()),
            _ => would_block(),
        }
    }
}

impl Read for Script {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        // As the real objects: outside of a task always the same answer.
        task::poll(|_| Poll::Ready(Ok(())))?;
        self.read_calls += 1;
        match self.reads.front_mut() {
            None => return Ok(0),
            Some(Step::Never) => return never(),
            Some(Step::Bytes(bytes)) if bytes.len() > buf.len() => {
                buf.copy_from_slice(&bytes[..buf.len()]);
                bytes.drain(..buf.len());
                return Ok(buf.len());
            }
            Some(_) => {}
        }
        match self.reads.pop_front() {
            Some(Step::Bytes(bytes)) => {
                buf[..bytes.len()].copy_from_slice(&bytes);
                Ok(bytes.len())
            }
            Some(Step::Fail(kind)) => Err(kind.into()),
            _ => would_block(),
        }
    }
}

impl Write for Script {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(buf)])
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        task::poll(|_| Poll::Ready(Ok(())))?;
        let mut left = self.next_write()?;
        let before = self.written.len();
        let most = if self.plain_writes_only {
            1
        } else {
            bufs.len()
        };
        for buf in bufs.iter().filter(|buf| !buf.is_empty()).take(most) {
            let n = buf.len().min(left);
            self.written.extend_from_slice(&buf[..n]);
            left -= n;
        }
        Ok(self.written.len() - before)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.flushes += 1;
        Ok(())
    }
}

impl AsyncRead for Script {}

impl AsyncWrite for Script {
    fn writes_slices(&self) -> bool {
        !self.plain_writes_only
    }

    fn poll_shutdown(&mut self, cx: &mut std::task::Context<'_>) -> Poll<io::Result<()>> {
        self.shut_down = true;
        self.poll_flush(cx)
    }
}

/// Would block once: the task is woken at once.
fn would_block<T>() -> io::Result<T> {
    task::poll(|cx| {
        cx.waker().wake_by_ref();
        Poll::Pending
    })
}

/// Would block for ever.
fn never<T>() -> io::Result<T> {
    task::poll(|_| Poll::Pending)
}
