use std::{
    error::Error,
    fmt,
    io::{self, IoSlice, Read, Write},
    task::{Context, Poll, ready},
};

use super::With;
use crate::{
    AsyncRead, AsyncWrite, ReadCursor,
    async_write::{checked, total},
    task::{
        self,
        attempt::{Attempt, Stall, attempt, kind_behind},
    },
};

/// A protocol object written for blocking sockets, as one that never blocks.
///
/// For an object that is `Read + Write`, such as the TLS streams of rustls and openssl over a socket of
/// `net`, the layer is an [`AsyncRead`] and [`AsyncWrite`]. For one with verbs of its own, such as a
/// WebSocket, there are [`with`](Self::with) and [`poll_with`](Self::poll_with).
///
/// Whichever direction of the socket blocks is the one that is waited for: a read of a TLS object that
/// has to write first is woken by writability.
///
/// Shutting a layer down only flushes it, unless it was told how its protocol says goodbye:
/// [`on_shutdown`](Self::on_shutdown).
///
/// # Examples
///
/// ```
/// use std::io::{self, Read, Write};
/// use io_traits::{io::{read, write_all}, layer::Layer, testing::Script};
///
/// /// A "cipher" over a stream, written as if the stream blocked: it keeps what it could not write.
/// struct Cipher<S> { stream: S, unwritten: Vec<u8> }
///
/// impl<S: Write> Write for Cipher<S> {
///     fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
///         self.unwritten.extend(buf.iter().map(|byte| byte ^ 1));
///         Ok(buf.len())
///     }
///     fn flush(&mut self) -> io::Result<()> {
///         while !self.unwritten.is_empty() {
///             let n = self.stream.write(&self.unwritten)?;
///             self.unwritten.drain(..n);
///         }
///         self.stream.flush()
///     }
/// }
///
/// impl<S: Read> Read for Cipher<S> {
///     fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
///         let n = self.stream.read(buf)?;
///         buf[..n].iter_mut().for_each(|byte| *byte ^= 1);
///         Ok(n)
///     }
/// }
///
/// # futures::executor::block_on(async {
/// let stream = Script::new().would_block().gives("idmmn");
/// let mut layer = Layer::new(Cipher { stream, unwritten: Vec::new() });
/// write_all(&mut layer, b"ask").await?;
/// let mut answer = [0; 5];
/// // Before this waits for the answer, it sees to it that the question goes out.
/// read(&mut layer, &mut answer).await?;
/// assert_eq!(&answer, b"hello");
/// assert_eq!(layer.get_ref().stream.written(), b"`rj");
/// # io::Result::Ok(()) }).unwrap();
/// ```
pub struct Layer<S> {
    protocol: S,
    flush: fn(&mut S) -> io::Result<()>,
    shutdown: Option<fn(&mut S) -> io::Result<()>>,
    slices: Slices,
    stall: Stall,
}

/// Whether the object is known to write from several slices at once; one that is not may do so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slices {
    Unknown,
    Taken,
}

impl<S> Layer<S> {
    /// Puts a layer over an object that is flushed as a writer.
    #[track_caller]
    pub fn new(protocol: S) -> Self
    where
        S: Write,
    {
        Self::with_flush(protocol, S::flush)
    }

    /// Puts a layer over an object that is flushed in its own way.
    ///
    /// For a WebSocket of tungstenite: `Layer::with_flush(socket, |socket| socket.flush().map_err(…))`.
    /// The error may be any I/O error; one with the library's error as its source will do.
    #[track_caller]
    pub fn with_flush(protocol: S, flush: fn(&mut S) -> io::Result<()>) -> Self {
        Self {
            protocol,
            flush,
            shutdown: None,
            slices: Slices::Unknown,
            stall: Stall::new(),
        }
    }

    /// Says how the layer is shut down, after it has been flushed.
    ///
    /// For rustls: queue the `close_notify`, flush, and end the socket's writing side:
    /// `|tls| { tls.conn.send_close_notify(); tls.flush()?; tls.sock.shutdown(Shutdown::Write) }`. The function
    /// is called again after a "would block".
    pub fn on_shutdown(mut self, shutdown: fn(&mut S) -> io::Result<()>) -> Self {
        self.shutdown = Some(shutdown);
        self
    }

    /// Says that the object's `write_vectored` writes from several slices at once, so that callers use it.
    pub fn takes_slices(mut self) -> Self {
        self.slices = Slices::Taken;
        self
    }

    /// The object.
    pub fn get_ref(&self) -> &S {
        &self.protocol
    }

    /// The object. A verb that writes is better called through [`with`](Self::with), which flushes before
    /// the task parks.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.protocol
    }

    /// Gives the object back, with whatever it has not written.
    pub fn into_inner(self) -> S {
        self.protocol
    }

    /// Makes a verb of the object async: `socket.with(|socket| socket.read()).await`.
    ///
    /// The closure is called again until it does not say "would block", so one that hands something over
    /// keeps it in an `Option`; see [`task::io`](task::io()).
    ///
    /// # Cancel safety
    ///
    /// As the verb: dropping the future between two calls of the closure does nothing.
    ///
    /// # Errors
    ///
    /// The verb's own, but none with a `WouldBlock` or `Interrupted` behind it. Those of the flush, and
    /// [`Stalled`](task::Stalled), as an I/O error.
    pub fn with<T, E, F>(&mut self, verb: F) -> With<'_, S, F>
    where
        F: FnMut(&mut S) -> Result<T, E>,
        E: Error + From<io::Error> + 'static,
    {
        With::new(self, verb)
    }

    /// Calls a verb of the object with the task of `cx` as the current one.
    ///
    /// # Errors
    ///
    /// As [`with`](Self::with).
    pub fn poll_with<T, E>(
        &mut self,
        cx: &mut Context<'_>,
        mut verb: impl FnMut(&mut S) -> Result<T, E>,
    ) -> Poll<Result<T, E>>
    where
        E: Error + From<io::Error> + 'static,
    {
        let attempt = attempt(cx, kind_behind, || verb(&mut self.protocol));
        self.settle(cx, attempt)
    }

    fn poll_io<T>(
        &mut self,
        cx: &mut Context<'_>,
        mut operation: impl FnMut(&mut S) -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        let attempt = attempt(cx, kind_behind, || operation(&mut self.protocol));
        self.settle(cx, attempt)
    }

    /// Flushes before the task parks: what the peer waits for must not wait for the peer. It may be a
    /// read that has put it into the object's buffer: the answer to a ping, an alert.
    fn settle<T, E: From<io::Error>>(
        &mut self,
        cx: &mut Context<'_>,
        attempt: Attempt<T, E>,
    ) -> Poll<Result<T, E>> {
        if matches!(attempt, Attempt::Done(_)) {
            return self.stall.settle(cx, attempt);
        }
        match self.attempt_flush(cx) {
            Attempt::Done(Err(error)) => Poll::Ready(Err(error.into())),
            // The flush waits, and has the task woken; so the operation need not have.
            Attempt::Registered => self.stall.settle(cx, Attempt::Registered),
            Attempt::Done(Ok(())) | Attempt::Unregistered | Attempt::Interrupted => {
                self.stall.settle(cx, attempt)
            }
        }
    }

    fn attempt_flush(&mut self, cx: &mut Context<'_>) -> Attempt<(), io::Error> {
        let flush = self.flush;
        attempt(cx, kind_behind, || flush(&mut self.protocol))
    }
}

impl<S: Read> Read for Layer<S> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        task::poll(|cx| {
            if buf.is_empty() {
                return Poll::Ready(Ok(0));
            }
            self.poll_io(cx, |protocol| protocol.read(buf))
        })
    }
}

impl<S: Write> Write for Layer<S> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        task::poll(|cx| self.poll_write_from(cx, buf))
    }

    fn flush(&mut self) -> io::Result<()> {
        task::poll(|cx| self.poll_flush(cx))
    }
}

impl<S: Read> AsyncRead for Layer<S> {
    fn poll_read_into(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadCursor<'_>,
    ) -> Poll<io::Result<usize>> {
        // The object need not know that nothing is there at once when nothing is asked for.
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(0));
        }
        self.poll_io(cx, |protocol| buf.fill_with(|memory| protocol.read(memory)))
    }
}

impl<S: Write> AsyncWrite for Layer<S> {
    /// Nothing taken of something means that the object's own buffers are full: it is flushed, and if
    /// that would block, so does the write.
    fn poll_write_from(&mut self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_taking(cx, buf.len(), |protocol| protocol.write(buf))
    }

    fn poll_write_slices(
        &mut self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_taking(cx, total(bufs), |protocol| protocol.write_vectored(bufs))
    }

    fn writes_slices(&self) -> bool {
        self.slices == Slices::Taken
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let attempt = self.attempt_flush(cx);
        self.stall.settle(cx, attempt)
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_flush(cx))?;
        match self.shutdown {
            Some(shutdown) => self.poll_io(cx, shutdown),
            None => Poll::Ready(Ok(())),
        }
    }
}

impl<S: Write> Layer<S> {
    fn poll_taking(
        &mut self,
        cx: &mut Context<'_>,
        given: usize,
        mut write: impl FnMut(&mut S) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        if given == 0 {
            return Poll::Ready(Ok(0));
        }
        let mut write = |protocol: &mut S| checked(write(protocol)?, given);
        let taken = ready!(self.poll_io(cx, &mut write))?;
        if taken > 0 {
            return Poll::Ready(Ok(taken));
        }
        ready!(self.poll_flush(cx))?;
        self.poll_io(cx, write)
    }
}

impl<S: fmt::Debug> fmt::Debug for Layer<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Layer")
            .field("protocol", &self.protocol)
            .finish_non_exhaustive()
    }
}
