use std::{
    fs::File,
    io::{self, IoSliceMut},
    net::Shutdown,
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::{SocketAddr, UnixStream as StdStream},
    },
    path::Path,
    task::{Context, Poll},
};

use io_traits::{ReadCursor, ReadHalf, task};
use reactor::{
    Handle, Options, PeerClosed, PollEvented, Ready, RegisterError,
    mio::net::UnixStream as MioStream,
};

use super::{FdBuffer, PeerCredentials, UnixConnect};
use crate::{
    OwnedWriteHalf,
    byte_stream::{ByteStream, Carrier, Received, byte_stream_traits},
    relay::relayed,
    sys,
};

/// A Unix connection.
///
/// All operations take `&self`; `Read`, `Write`, [`AsyncRead`](io_traits::AsyncRead) and
/// [`AsyncWrite`](io_traits::AsyncWrite) are there for it and for `&` of it, so two tasks can use the
/// two directions without a lock. Reading and writing happen on the current task, see
/// [`io_traits::task`].
///
/// There is no buffer in it: a read is a `recvmsg`, a write is a `send`, and `flush` has nothing to do.
/// Descriptors that the peer passes along with its bytes are received by
/// [`recv_with_fds`](Self::recv_with_fds); with any other read they are closed by the system.
///
/// Dropping it closes the socket. If there is data that was not read, the peer gets an error instead
/// of the end.
#[derive(Debug)]
pub struct UnixStream {
    bytes: ByteStream<MioStream>,
}

impl UnixStream {
    /// Connects to a path; waits if the listener's queue is full.
    ///
    /// Errors come from the future, never from this call.
    pub fn connect(path: impl AsRef<Path>, handle: &Handle) -> UnixConnect {
        UnixConnect::new(SocketAddr::from_pathname(path), handle)
    }

    /// Connects to an address of std, which may be an abstract one on Linux; as
    /// [`connect`](Self::connect).
    pub fn connect_addr(addr: &SocketAddr, handle: &Handle) -> UnixConnect {
        UnixConnect::new(Ok(addr.clone()), handle)
    }

    /// Two streams, connected to each other.
    ///
    /// # Errors
    ///
    /// Those of the system. An error with the source [`ReactorGone`](reactor::ReactorGone) if the core
    /// has been dropped.
    pub fn pair(handle: &Handle) -> io::Result<(Self, Self)> {
        let (one, two) = MioStream::pair()?;
        Ok((Self::connected(one, handle)?, Self::connected(two, handle)?))
    }

    /// Takes over a connected socket of std, and sets it to non-blocking mode.
    ///
    /// # Errors
    ///
    /// As [`pair`](Self::pair).
    pub fn from_std(stream: StdStream, handle: &Handle) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self::connected(MioStream::from_std(stream), handle)?)
    }

    pub(super) fn connected(
        stream: MioStream,
        handle: &Handle,
    ) -> Result<Self, RegisterError<MioStream>> {
        Ok(Self {
            bytes: ByteStream::new(PollEvented::with_options(
                stream,
                handle,
                Options::new().watch_urgent(),
            )?),
        })
    }

    /// Gives the socket to std, still in non-blocking mode.
    ///
    /// # Errors
    ///
    /// Those of the system; the socket is closed then.
    pub fn into_std(self) -> io::Result<StdStream> {
        Ok(self.bytes.into_inner().into_inner()?.into())
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

    /// Sends bytes and descriptors, on the current task; returns how many bytes were sent. The receiver gets
    /// duplicates of the descriptors, with the first of the bytes.
    ///
    /// If fewer bytes were sent than were given, the descriptors have been sent: the rest is for a plain
    /// `write`.
    ///
    /// # Errors
    ///
    /// `WouldBlock` with the task scheduled; an error with the source
    /// [`NotInTask`](task::NotInTask) outside of a task; [`InvalidInput`](io::ErrorKind::InvalidInput) for
    /// more than [`FdBuffer::MOST`] descriptors, or without a byte that they could travel with; those of
    /// the system.
    pub fn send_with_fds(&self, buf: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<usize> {
        task::poll(|cx| self.poll_send_with_fds(cx, buf, fds))
    }

    /// Sends bytes and descriptors; as [`send_with_fds`](Self::send_with_fds).
    ///
    /// # Errors
    ///
    /// As [`send_with_fds`](Self::send_with_fds), but never `WouldBlock` nor `Interrupted`.
    pub fn poll_send_with_fds(
        &self,
        cx: &mut Context<'_>,
        buf: &[u8],
        fds: &[BorrowedFd<'_>],
    ) -> Poll<io::Result<usize>> {
        if buf.is_empty() {
            return Poll::Ready(match fds.is_empty() {
                true => Ok(0),
                false => Err(io::Error::new(
                    io::ErrorKind::InvalidInput,
                    "descriptors travel with at least one byte",
                )),
            });
        }
        let io = self.bytes.io();
        io.poll_write_with(cx, |io| sys::send_with_fds(io, buf, fds))
    }

    /// Reads bytes and the descriptors that came with them, on the current task; returns how many bytes,
    /// and 0 at the end of the stream.
    ///
    /// A read stops where the descriptors of one send end, so that those of two sends are never mixed.
    ///
    /// # Errors
    ///
    /// `WouldBlock` with the task scheduled; an error with the source
    /// [`NotInTask`](task::NotInTask) outside of a task; those of the system.
    pub fn recv_with_fds(&self, buf: &mut [u8], fds: &mut FdBuffer) -> io::Result<usize> {
        task::poll(|cx| self.poll_recv_with_fds(cx, buf, fds))
    }

    /// Reads bytes and the descriptors that came with them; as [`recv_with_fds`](Self::recv_with_fds).
    ///
    /// # Errors
    ///
    /// Those of the system, but never `WouldBlock` nor `Interrupted`.
    pub fn poll_recv_with_fds(
        &self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
        fds: &mut FdBuffer,
    ) -> Poll<io::Result<usize>> {
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let io = self.bytes.io();
        io.poll_read_draining(cx, |io| Ok(fds.recv(io, buf)?.out_of(buf.len())))
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

    /// Who is at the other end.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn peer_credentials(&self) -> io::Result<PeerCredentials> {
        PeerCredentials::of(self.bytes.socket())
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
    /// somebody else may be reading it.
    pub fn peer_closed(&self) -> PeerClosed<'_, MioStream> {
        self.bytes.io().peer_closed()
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

    /// Our address; the one who connects has none, as a rule.
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
    /// Those of the system.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.bytes.socket().peer_addr()
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

byte_stream_traits!(UnixStream, &UnixStream);
relayed!(UnixStream);

impl io_traits::Splittable for UnixStream {}

impl Carrier for MioStream {
    const TRUSTS_SHORT_WRITES: bool = sys::TRUSTS_SHORT_UNIX_WRITES;

    fn receive(&self, buf: &mut [u8]) -> io::Result<Received> {
        sys::recv_stream(self, &mut [IoSliceMut::new(buf)])
    }

    fn receive_vectored(&self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<Received> {
        sys::recv_stream(self, bufs)
    }

    fn receive_into(&self, buf: &mut ReadCursor<'_>) -> io::Result<Received> {
        sys::recv_stream_into(self, buf)
    }

    fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        sys::peek(self, buf)
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.shutdown(how)
    }
}

impl AsFd for UnixStream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.bytes.io().as_fd()
    }
}
