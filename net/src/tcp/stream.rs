#[cfg(unix)]
use std::os::fd::{AsFd, BorrowedFd};
use std::{
    io::{self, IoSlice, IoSliceMut, Read, Write},
    net::{Shutdown, SocketAddr},
    task::{Context, Poll},
};

use io_traits::{AsyncRead, AsyncWrite, ReadCursor, task};
use reactor::{
    Handle, Options, PollEvented, Progress, Ready, RegisterError, mio::net::TcpStream as MioStream,
};

use crate::{Connect, sys};

/// A TCP connection.
///
/// All operations take `&self`; `Read`, `Write`, [`AsyncRead`] and [`AsyncWrite`] are there for it and
/// for `&` of it, so two tasks can use the two directions without a lock. Reading and writing happen
/// on the current task, see [`io_traits::task`].
///
/// There is no buffer in it: a read is a `recv`, a write is a `send`, and `flush` has nothing to do.
///
/// Dropping it closes the socket. If there is data that was not read, the peer's connection is reset:
/// [`shutdown`](Self::shutdown) and read to the end first where that matters.
///
/// # Examples
///
/// The lowest level is the plain `read` of std, in a task:
///
/// ```
/// use std::io::Read;
/// use net::{TcpStream, io_traits::task, reactor::Core};
///
/// # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
/// # let addr = listener.local_addr()?;
/// # let peer = std::thread::spawn(move || {
/// #     std::io::Write::write_all(&mut listener.accept().unwrap().0, b"hello").unwrap();
/// # });
/// let mut core = Core::new()?;
/// let mut tcp_stream = core.run(TcpStream::connect(&addr, &core.handle()))??;
/// let n = core.run(async {
///     let mut buf = [0; 128];
///     task::io(|| tcp_stream.read(&mut buf)).await
/// })??;
/// assert_eq!(n, 5);
/// # peer.join().unwrap();
/// # std::io::Result::Ok(())
/// ```
#[derive(Debug)]
pub struct TcpStream {
    io: PollEvented<MioStream>,
}

impl TcpStream {
    /// Connects to an address.
    ///
    /// Errors come from the future, never from this call.
    pub fn connect(addr: &SocketAddr, handle: &Handle) -> Connect {
        Connect::new(*addr, handle)
    }

    /// Takes over a connected socket of std, and sets it to non-blocking mode.
    ///
    /// # Errors
    ///
    /// Those of the system. An error with the source [`ReactorGone`](reactor::ReactorGone) if the core
    /// has been dropped.
    pub fn from_std(stream: std::net::TcpStream, handle: &Handle) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self::connected(MioStream::from_std(stream), handle)?)
    }

    pub(super) fn connected(
        stream: MioStream,
        handle: &Handle,
    ) -> Result<Self, RegisterError<MioStream>> {
        let options = Options::new().watch_urgent();
        Ok(Self {
            io: PollEvented::with_options(stream, handle, options)?,
        })
    }

    pub(super) fn from_evented(io: PollEvented<MioStream>) -> Self {
        Self { io }
    }

    /// Gives the socket to std, still in non-blocking mode.
    ///
    /// # Errors
    ///
    /// Those of the system; the socket is closed then.
    #[cfg(unix)]
    pub fn into_std(self) -> io::Result<std::net::TcpStream> {
        Ok(std::os::fd::OwnedFd::from(self.io.into_inner()?).into())
    }

    /// Reads what is there without taking it away, on the current task.
    ///
    /// # Errors
    ///
    /// `WouldBlock` with the task scheduled; an error with the source
    /// [`NotInTask`](task::NotInTask) outside of a task; those of the system.
    pub fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        task::poll(|cx| self.poll_peek(cx, buf))
    }

    /// Reads what is there without taking it away; returns 0 at the end of the stream.
    ///
    /// # Errors
    ///
    /// Those of the system, but never `WouldBlock` nor `Interrupted`.
    pub fn poll_peek(&self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        // A short peek proves nothing: what was peeked at is still there.
        self.io.poll_read_with(cx, |io| io.peek(buf))
    }

    /// Ends one or both directions, at once. The peer of an ended writing side sees the end of the
    /// stream.
    ///
    /// # Errors
    ///
    /// Those of the system; [`NotConnected`](io::ErrorKind::NotConnected) if the peer has gone first.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.io.get_ref().shutdown(how)
    }

    /// Waits until a read is worth trying.
    pub fn readable(&self) -> Ready<'_, MioStream> {
        self.io.readable()
    }

    /// Waits until a write is worth trying.
    pub fn writable(&self) -> Ready<'_, MioStream> {
        self.io.writable()
    }

    /// Our address.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.get_ref().local_addr()
    }

    /// The peer's address.
    ///
    /// # Errors
    ///
    /// Those of the system; [`NotConnected`](io::ErrorKind::NotConnected) if the peer has gone.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.io.get_ref().peer_addr()
    }

    /// Whether small writes are sent at once (`TCP_NODELAY`).
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn nodelay(&self) -> io::Result<bool> {
        self.io.get_ref().nodelay()
    }

    /// Makes small writes go out at once instead of waiting for the acknowledgement of earlier ones
    /// (`TCP_NODELAY`).
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.io.get_ref().set_nodelay(nodelay)
    }

    /// Takes the pending error of the socket (`SO_ERROR`).
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.io.get_ref().take_error()
    }

    fn poll_read(&self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        self.io.poll_read_draining(cx, |mut io| {
            let n = io.read(buf)?;
            Ok(short(n, buf.len()))
        })
    }

    fn poll_read_vectored(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        let room = bufs.iter().map(|buf| buf.len()).sum();
        if room == 0 {
            return Poll::Ready(Ok(0));
        }
        self.io.poll_read_draining(cx, |mut io| {
            let n = io.read_vectored(bufs)?;
            Ok(short(n, room))
        })
    }

    fn poll_recv(&self, cx: &mut Context<'_>, buf: &mut ReadCursor<'_>) -> Poll<io::Result<usize>> {
        let room = buf.remaining();
        if room == 0 {
            return Poll::Ready(Ok(0));
        }
        self.io.poll_read_draining(cx, |io| {
            let n = sys::recv_into(io, buf)?;
            Ok(short(n, room))
        })
    }

    fn poll_write(&self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        self.io.poll_write_draining(cx, |mut io| {
            let n = io.write(buf)?;
            Ok(short(n, buf.len()))
        })
    }

    fn poll_write_vectored(
        &self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let given = bufs.iter().map(|buf| buf.len()).sum();
        if given == 0 {
            return Poll::Ready(Ok(0));
        }
        self.io.poll_write_draining(cx, |io| {
            let n = sys::send_vectored(io, bufs)?;
            Ok(short(n, given))
        })
    }

    fn poll_end(&self) -> Poll<io::Result<()>> {
        Poll::Ready(match self.shutdown(Shutdown::Write) {
            // The peer has reset the connection: there is nobody left to be told.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
            result => result,
        })
    }
}

/// TCP is a stream of bytes: a read that got less than it asked for has emptied the socket, a write
/// that was not taken whole has filled it. Only 0 bytes say something else: the end.
#[inline]
fn short(n: usize, asked: usize) -> Progress<usize> {
    Progress {
        value: n,
        drained: 0 < n && n < asked,
    }
}

/// `Read`, `Write`, `AsyncRead` and `AsyncWrite`, the same for the stream and for `&` of it.
macro_rules! byte_stream {
    ($($stream:ty),*) => {$(
        impl Read for $stream {
            fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
                task::poll(|cx| self.poll_read(cx, buf))
            }

            fn read_vectored(&mut self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
                task::poll(|cx| self.poll_read_vectored(cx, bufs))
            }
        }

        impl Write for $stream {
            fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
                task::poll(|cx| self.poll_write(cx, buf))
            }

            fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
                task::poll(|cx| self.poll_write_vectored(cx, bufs))
            }

            /// Nothing is buffered: `Ok(())` at once, also outside of a task.
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }

        impl AsyncRead for $stream {
            fn poll_read_into(
                &mut self,
                cx: &mut Context<'_>,
                buf: &mut ReadCursor<'_>,
            ) -> Poll<io::Result<usize>> {
                self.poll_recv(cx, buf)
            }
        }

        impl AsyncWrite for $stream {
            fn poll_write_from(
                &mut self,
                cx: &mut Context<'_>,
                buf: &[u8],
            ) -> Poll<io::Result<usize>> {
                self.poll_write(cx, buf)
            }

            fn poll_write_slices(
                &mut self,
                cx: &mut Context<'_>,
                bufs: &[IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                self.poll_write_vectored(cx, bufs)
            }

            fn writes_slices(&self) -> bool {
                true
            }

            fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(Ok(()))
            }

            /// Sends a FIN. Reading stays possible.
            fn poll_shutdown(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.poll_end()
            }
        }
    )*};
}

byte_stream!(TcpStream, &TcpStream);

#[cfg(unix)]
impl AsFd for TcpStream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.io.as_fd()
    }
}
