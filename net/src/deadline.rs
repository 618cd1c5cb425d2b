#[cfg(unix)]
use std::os::fd::{AsFd, BorrowedFd};
use std::{
    fmt,
    future::{Future, Pending, pending},
    io::{self, IoSlice, IoSliceMut, Read, Write},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use io_traits::{AsyncRead, AsyncWrite, ReadCursor, task};
use reactor::{Handle, Timeout};

/// A stream whose reads and writes do not wait for ever.
///
/// The time of an operation begins when it is found that it has to wait, and ends with the first byte
/// that moves: a limit on silence, not on the length of a message. A timer exists only meanwhile, so a
/// stream that is never waited for has none. For a limit on a whole exchange see
/// [`Handle::timeout`].
///
/// After its time is over an operation is an error; the stream is as it was, and the next operation has
/// its full time. The time of an operation that was given up (its future was dropped) runs on, until one
/// of the same direction has moved a byte or failed.
///
/// It works for one task at a time. For two tasks split the stream first, and put a `Deadline` around each
/// half.
///
/// # Errors
///
/// Of an operation: [`TimedOut`](io::ErrorKind::TimedOut) with the source [`Elapsed`](reactor::Elapsed);
/// otherwise those of the stream. A TCP connection may itself report `TimedOut`, without that source,
/// when the network has given it up.
///
/// # Examples
///
/// ```
/// use std::{io::ErrorKind, time::Duration};
/// use net::{Deadline, TcpStream, io_traits::io::read, reactor::Core};
///
/// # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
/// # let addr = listener.local_addr()?;
/// let mut core = Core::new()?;
/// let handle = core.handle();
/// let error = core.run(async {
///     let stream = TcpStream::connect(&addr, &handle).await?;
///     let mut stream = Deadline::new(stream, &handle).read_limit(Duration::from_millis(1));
///     read(&mut stream, &mut [0; 128]).await
/// })?;
/// assert_eq!(error.unwrap_err().kind(), ErrorKind::TimedOut);
/// # std::io::Result::Ok(())
/// ```
pub struct Deadline<T> {
    io: T,
    handle: Handle,
    read: Limit,
    write: Limit,
}

impl<T> Deadline<T> {
    /// Puts it around a stream, without limits. The timers are those of the reactor of `handle`.
    pub fn new(io: T, handle: &Handle) -> Self {
        Self {
            io,
            handle: handle.clone(),
            read: Limit::default(),
            write: Limit::default(),
        }
    }

    /// How long a read may wait.
    pub fn read_limit(mut self, limit: Duration) -> Self {
        self.set_read_limit(Some(limit));
        self
    }

    /// How long a write, a flush or a shutdown may wait.
    pub fn write_limit(mut self, limit: Duration) -> Self {
        self.set_write_limit(Some(limit));
        self
    }

    /// Changes how long a read may wait; `None` is for ever. A read that waits already begins anew.
    pub fn set_read_limit(&mut self, limit: Option<Duration>) {
        self.read = Limit::new(limit);
    }

    /// Changes how long a write, a flush or a shutdown may wait; `None` is for ever. What waits already
    /// begins anew.
    pub fn set_write_limit(&mut self, limit: Option<Duration>) {
        self.write = Limit::new(limit);
    }

    /// The stream.
    pub fn get_ref(&self) -> &T {
        &self.io
    }

    /// The stream. What is done through this reference has no limit.
    pub fn get_mut(&mut self) -> &mut T {
        &mut self.io
    }

    /// Gives the stream back.
    pub fn into_inner(self) -> T {
        self.io
    }

    fn poll_read<R>(
        &mut self,
        cx: &mut Context<'_>,
        read: impl FnOnce(&mut T, &mut Context<'_>) -> Poll<io::Result<R>>,
    ) -> Poll<io::Result<R>> {
        let polled = read(&mut self.io, cx);
        self.read.apply(&self.handle, cx, polled)
    }

    fn poll_write<R>(
        &mut self,
        cx: &mut Context<'_>,
        write: impl FnOnce(&mut T, &mut Context<'_>) -> Poll<io::Result<R>>,
    ) -> Poll<io::Result<R>> {
        let polled = write(&mut self.io, cx);
        self.write.apply(&self.handle, cx, polled)
    }
}

/// The limit of one direction.
#[derive(Debug, Default)]
struct Limit {
    limit: Option<Duration>,
    /// While an operation waits.
    waiting: Option<Timeout<Pending<()>>>,
}

impl Limit {
    fn new(limit: Option<Duration>) -> Self {
        Self {
            limit,
            waiting: None,
        }
    }

    fn apply<R>(
        &mut self,
        handle: &Handle,
        cx: &mut Context<'_>,
        polled: Poll<io::Result<R>>,
    ) -> Poll<io::Result<R>> {
        if polled.is_ready() {
            self.waiting = None;
        } else if let Some(limit) = self.limit {
            let start = || handle.timeout(limit, pending());
            let waiting = self.waiting.get_or_insert_with(start);
            let over = ready!(Pin::new(waiting).poll(cx));
            self.waiting = None;
            return Poll::Ready(Err(
                over.expect_err("what is pending for ever is never done")
            ));
        }
        polled
    }
}

impl<T: AsyncRead> Read for Deadline<T> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        task::poll(|cx| self.poll_read(cx, |io, cx| task::poll_io(cx, || io.read(buf))))
    }

    fn read_vectored(&mut self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        task::poll(|cx| self.poll_read(cx, |io, cx| task::poll_io(cx, || io.read_vectored(bufs))))
    }
}

impl<T: AsyncRead> AsyncRead for Deadline<T> {
    fn poll_read_into(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadCursor<'_>,
    ) -> Poll<io::Result<usize>> {
        self.poll_read(cx, |io, cx| io.poll_read_into(cx, buf))
    }
}

impl<T: AsyncWrite> Write for Deadline<T> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        task::poll(|cx| self.poll_write_from(cx, buf))
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        task::poll(|cx| self.poll_write_slices(cx, bufs))
    }

    fn flush(&mut self) -> io::Result<()> {
        // A stream that has nothing to flush says so outside of a task, too.
        match self.io.flush() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                task::poll(|cx| self.poll_flush(cx))
            }
            result => {
                self.write.waiting = None;
                result
            }
        }
    }
}

impl<T: AsyncWrite> AsyncWrite for Deadline<T> {
    fn poll_write_from(&mut self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write(cx, |io, cx| io.poll_write_from(cx, buf))
    }

    fn poll_write_slices(
        &mut self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_write(cx, |io, cx| io.poll_write_slices(cx, bufs))
    }

    fn writes_slices(&self) -> bool {
        self.io.writes_slices()
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_write(cx, |io, cx| io.poll_flush(cx))
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_write(cx, |io, cx| io.poll_shutdown(cx))
    }
}

impl<T: fmt::Debug> fmt::Debug for Deadline<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deadline")
            .field("io", &self.io)
            .field("read", &self.read.limit)
            .field("write", &self.write.limit)
            .finish_non_exhaustive()
    }
}

#[cfg(unix)]
impl<T: AsFd> AsFd for Deadline<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.io.as_fd()
    }
}
