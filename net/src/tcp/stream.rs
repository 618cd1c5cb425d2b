#[cfg(unix)]
use std::os::fd::{AsFd, BorrowedFd};
use std::{
    fs::File,
    io::{self, IoSliceMut, Read},
    net::{Shutdown, SocketAddr},
    task::{Context, Poll},
    time::Duration,
};

use io_traits::{ReadCursor, ReadHalf, task};
use reactor::{
    Handle, Options, PeerClosed, PollEvented, Ready, RegisterError,
    mio::net::TcpStream as MioStream,
};
use socket2::SockRef;

use super::connect::begin;
use crate::{
    Connect, OwnedWriteHalf,
    byte_stream::{ByteStream, Carrier, Received, byte_stream_traits},
    relay::relayed,
    sys,
};

/// A TCP connection.
///
/// All operations take `&self`; `Read`, `Write`, [`AsyncRead`](io_traits::AsyncRead) and
/// [`AsyncWrite`](io_traits::AsyncWrite) are there for it and
/// for `&` of it, so two tasks can use the two directions without a lock. Reading and writing happen
/// on the current task, see [`io_traits::task`].
///
/// There is no buffer in it: a read is a `recv`, a write is a `send`, and `flush` has nothing to do.
///
/// Dropping it closes the socket. If there is data that was not read, the peer's connection is reset:
/// use [`close`](Self::close) where that matters.
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
    bytes: ByteStream<MioStream>,
}

impl TcpStream {
    /// Connects to an address.
    ///
    /// Errors come from the future, never from this call.
    pub fn connect(addr: &SocketAddr, handle: &Handle) -> Connect {
        Connect::new(*addr, handle)
    }

    /// Connects a socket of std, which may have been set up and bound before, and sets it to non-blocking
    /// mode.
    ///
    /// This is for options that [`TcpBuilder`](super::TcpBuilder) does not have: a `socket2::Socket`
    /// becomes a stream of std by `into()`. Errors come from the future, never from this call.
    pub fn connect_std(socket: std::net::TcpStream, addr: &SocketAddr, handle: &Handle) -> Connect {
        let start = || begin(&socket, addr).map(|()| socket);
        Connect::start(handle, start, false)
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

    pub(crate) fn connected(
        stream: MioStream,
        handle: &Handle,
    ) -> Result<Self, RegisterError<MioStream>> {
        let options = Options::new().watch_urgent();
        Ok(Self::from_evented(PollEvented::with_options(
            stream, handle, options,
        )?))
    }

    pub(super) fn from_evented(io: PollEvented<MioStream>) -> Self {
        Self {
            bytes: ByteStream::new(io),
        }
    }

    /// Gives the socket to std, still in non-blocking mode.
    ///
    /// # Errors
    ///
    /// Those of the system; the socket is closed then.
    #[cfg(unix)]
    pub fn into_std(self) -> io::Result<std::net::TcpStream> {
        Ok(std::os::fd::OwnedFd::from(self.bytes.into_inner().into_inner()?).into())
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
        self.bytes.poll_peek(cx, buf)
    }

    /// Sends bytes of a file without reading them, on the current task: at most `len` of them, from
    /// `offset` on. Returns how many were sent; 0 if the file ends before `offset`.
    ///
    /// On Linux that is sendfile(2). Elsewhere, and where the system refuses, the bytes go through a buffer.
    /// The file's own position does not matter; it is not used on Unix systems. [`send_file`](crate::send_file())
    /// sends all of a range.
    ///
    /// The socket never blocks, but the file may: what is not in memory is read from the disk, and the
    /// thread waits for it.
    ///
    /// # Errors
    ///
    /// `WouldBlock` with the task scheduled; an error with the source
    /// [`NotInTask`](task::NotInTask) outside of a task; those of the system, for the file and for the
    /// socket.
    pub fn send_file(&self, file: &File, offset: u64, len: usize) -> io::Result<usize> {
        task::poll(|cx| self.poll_send_file(cx, file, offset, len))
    }

    /// Sends bytes of a file; as [`send_file`](Self::send_file).
    ///
    /// # Errors
    ///
    /// As [`send_file`](Self::send_file), but never `WouldBlock` nor `Interrupted`.
    pub fn poll_send_file(
        &self,
        cx: &mut Context<'_>,
        file: &File,
        offset: u64,
        len: usize,
    ) -> Poll<io::Result<usize>> {
        self.bytes.poll_send_file(cx, file, offset, len)
    }

    /// Ends one or both directions, at once. The peer of an ended writing side sees the end of the
    /// stream. It may be done again.
    ///
    /// # Errors
    ///
    /// Those of the system. That the peer has gone first is no error, as there is nobody left to be told.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.bytes.shutdown(how)
    }

    /// Waits until the peer has closed its side, without reading: data that was not read stays, and
    /// somebody else may be reading it. A reset is a close, too.
    pub fn peer_closed(&self) -> PeerClosed<'_, MioStream> {
        self.bytes.io().peer_closed()
    }

    /// Ends the connection in good order: tells the peer that no byte will follow, reads and throws away
    /// what it still sends until it closes its side, and closes the socket.
    ///
    /// A socket that is closed with unread data is reset, and a reset may overtake what was sent before it:
    /// the peer would lose the end of an answer.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: dropping it closes the socket at once, as dropping the stream does.
    ///
    /// # Errors
    ///
    /// The socket is closed in any case. [`TimedOut`](io::ErrorKind::TimedOut) with the source
    /// [`Elapsed`](reactor::Elapsed) if the peer has not closed its side within `limit`;
    /// [`ConnectionReset`](io::ErrorKind::ConnectionReset) and others of the system.
    pub async fn close(self, limit: Duration) -> io::Result<()> {
        self.bytes.end()?;
        let handle = self.bytes.io().handle();
        let (mut rest, mut nowhere) = (&self, io::sink());
        let drain = io_traits::io::copy(&mut rest, &mut nowhere);
        handle.timeout(limit, drain).await?.map(drop)
    }

    /// Ends the connection at once: the peer's next operation says
    /// [`ConnectionReset`](io::ErrorKind::ConnectionReset), and what was not sent yet is thrown away. The
    /// port is free again at once.
    ///
    /// # Errors
    ///
    /// Those of the system; the socket is closed then, but not with a reset.
    pub fn abort(self) -> io::Result<()> {
        // With 0 seconds nothing lingers, and nothing blocks: socket(7).
        SockRef::from(self.bytes.socket()).set_linger(Some(Duration::ZERO))
    }

    /// Takes the stream apart into two halves for two tasks, without a lock. Dropping the half that
    /// writes ends that direction.
    ///
    /// [`split`](io_traits::split()) does the same with halves that end nothing.
    pub fn into_split(self) -> (ReadHalf<Self>, OwnedWriteHalf<Self>) {
        OwnedWriteHalf::split(self, |stream| stream.bytes.end())
    }

    /// Waits until a read is worth trying.
    pub fn readable(&self) -> Ready<'_, MioStream> {
        self.bytes.io().readable()
    }

    /// Waits until a write is worth trying.
    pub fn writable(&self) -> Ready<'_, MioStream> {
        self.bytes.io().writable()
    }

    /// Our address.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.bytes.socket().local_addr()
    }

    /// The peer's address.
    ///
    /// # Errors
    ///
    /// Those of the system; [`NotConnected`](io::ErrorKind::NotConnected) if the peer has gone.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.bytes.socket().peer_addr()
    }

    /// Whether small writes are sent at once (`TCP_NODELAY`).
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn nodelay(&self) -> io::Result<bool> {
        self.bytes.socket().nodelay()
    }

    /// Makes small writes go out at once instead of waiting for the acknowledgement of earlier ones
    /// (`TCP_NODELAY`).
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.bytes.socket().set_nodelay(nodelay)
    }

    /// Takes the pending error of the socket (`SO_ERROR`).
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.bytes.socket().take_error()
    }
}

byte_stream_traits!(TcpStream, &TcpStream);
relayed!(TcpStream);

impl io_traits::Splittable for TcpStream {}

/// TCP is a stream of bytes: a read that got less than it asked for has emptied the socket, a write
/// that was not taken whole has filled it.
impl Carrier for MioStream {
    const TRUSTS_SHORT_WRITES: bool = true;

    #[inline]
    fn receive(&self, buf: &mut [u8]) -> io::Result<Received> {
        let mut socket = self;
        socket.read(buf).map(received)
    }

    fn receive_vectored(&self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<Received> {
        let mut socket = self;
        socket.read_vectored(bufs).map(received)
    }

    #[inline]
    fn receive_into(&self, buf: &mut ReadCursor<'_>) -> io::Result<Received> {
        sys::recv_into(self, buf).map(received)
    }

    fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.peek(buf)
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.shutdown(how)
    }
}

#[cfg(unix)]
impl AsFd for TcpStream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.bytes.io().as_fd()
    }
}

/// Urgent data may cut a read short as well, but that is known by its event.
#[inline]
fn received(bytes: usize) -> Received {
    Received {
        bytes,
        stops_only_when_empty: true,
    }
}
