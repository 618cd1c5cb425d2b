use std::{
    fmt,
    fs::File,
    future::Future,
    io,
    ops::Range,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use io_traits::task::budget;

use crate::{Relayed, idle_limit::IdleLimit};

/// Sends a range of a file to a socket; resolves to how many bytes that were: fewer than asked for only if
/// the file ends before the range does.
///
/// On Linux the bytes do not come by here, by sendfile(2). It yields to other tasks after each 128 calls of
/// at most 1 MiB.
///
/// As with [`relay`](crate::relay()), that takes a process that ignores SIGPIPE.
///
/// A peer that takes nothing is waited for, for ever unless there is an [`idle_limit`](SendFile::idle_limit).
///
/// The socket never blocks, but the file may: what is not in memory is read from the disk, and the thread
/// waits for it. Where that matters, serve files on a core of their own.
///
/// # Cancel safety
///
/// Cancel safe: what was sent was sent, and [`SendFile::sent`] tells how much. There is nothing in between.
///
/// # Errors
///
/// Those of the system, for the file and for the socket, but never `WouldBlock` nor `Interrupted`;
/// [`TimedOut`](io::ErrorKind::TimedOut) with the source [`Elapsed`](reactor::Elapsed) after the idle limit.
/// An error with the source [`ReactorGone`](reactor::ReactorGone) when the core has been dropped.
///
/// # Examples
///
/// ```
/// # use std::{fs::File, io::Write, io::Read};
/// use net::{TcpStream, send_file, reactor::Core};
///
/// # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
/// # let mut client = std::net::TcpStream::connect(listener.local_addr()?)?;
/// # let path = std::env::temp_dir().join(format!("send-file-{}", std::process::id()));
/// # std::fs::write(&path, b"0123456789")?;
/// let mut core = Core::new()?;
/// let stream = TcpStream::from_std(listener.accept()?.0, &core.handle())?;
/// let file = File::open(&path)?;
/// assert_eq!(core.run(send_file(&stream, &file, 3..6))??, 3);
/// # drop(stream);
/// # let mut heard = String::new();
/// # client.read_to_string(&mut heard)?;
/// # assert_eq!(heard, "345");
/// # std::fs::remove_file(&path)?;
/// # std::io::Result::Ok(())
/// ```
pub fn send_file<'a, S: Relayed>(
    socket: &'a S,
    file: &'a File,
    range: Range<u64>,
) -> SendFile<'a, S> {
    SendFile {
        socket,
        file,
        start: range.start,
        left: range,
        idle: IdleLimit::default(),
    }
}

/// The future of [`send_file()`].
#[must_use = "futures do nothing unless they are polled"]
pub struct SendFile<'a, S> {
    socket: &'a S,
    file: &'a File,
    start: u64,
    left: Range<u64>,
    idle: IdleLimit,
}

impl<S> SendFile<'_, S> {
    /// How long it may last that the socket takes nothing, before this ends with an error.
    ///
    /// The system has a buffer between: of a peer that is slow it says for a while that it takes nothing, until
    /// a good part of that buffer is free again.
    pub fn idle_limit(mut self, limit: Duration) -> Self {
        self.idle.set(limit);
        self
    }

    /// How many bytes have been sent so far.
    pub fn sent(&self) -> u64 {
        self.left.start - self.start
    }
}

impl<S: Relayed> Future for SendFile<'_, S> {
    type Output = io::Result<u64>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let before = this.sent();
        let polled = this.poll_send(cx);
        if polled.is_ready() {
            return polled;
        }
        if this.sent() > before {
            this.idle.moved();
        }
        this.idle.poll(cx, || this.socket.handle()).map(Err)
    }
}

impl<S: Relayed> SendFile<'_, S> {
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<u64>> {
        while !self.left.is_empty() {
            ready!(budget::poll_left(cx));
            let len = usize::try_from(self.left.end - self.left.start).unwrap_or(usize::MAX);
            let polled = self
                .socket
                .poll_send_file(cx, self.file, self.left.start, len);
            match ready!(polled)? {
                0 => break,
                n => self.left.start += n as u64,
            }
            budget::spend();
        }
        Poll::Ready(Ok(self.sent()))
    }
}

impl<S> fmt::Debug for SendFile<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendFile")
            .field("sent", &self.sent())
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}
