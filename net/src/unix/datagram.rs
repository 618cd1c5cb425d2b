use std::{
    io,
    net::Shutdown,
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::{SocketAddr, UnixDatagram as StdDatagram},
    },
    path::Path,
    task::{Context, Poll},
};

use io_traits::{AsyncDatagram, ReadCursor, task};
use reactor::{Fd, Handle, PollEvented, Ready};

use super::room::Room;
use crate::{FdBuffer, PeerCredentials, sys};

/// A Unix socket for datagrams.
///
/// All operations take `&self`, so tasks can share a socket without a lock. They come in three forms:
/// on the current task ([`recv_from`](Self::recv_from), see [`io_traits::task`]), with an explicit
/// context ([`poll_recv_from`](Self::poll_recv_from)), and without a task
/// ([`try_recv_from`](Self::try_recv_from), which goes with [`readable`](Self::readable)).
///
/// Unlike those of UDP, these datagrams are never lost and keep their order: a send to a peer whose queue
/// is full would block.
///
/// * A datagram of no bytes is one like any other; receiving it is `Ok(0)`, and not the end.
/// * A datagram that is longer than the buffer is cut off, and the rest is lost without a word.
/// * A datagram is sent whole or not at all.
/// * A sender that is not bound has no name, and cannot be answered.
///
/// Dropping it closes the socket. The file that [`bind`](Self::bind) made stays behind.
///
/// # Examples
///
/// ```
/// use net::{UnixDatagram, io_traits::task, reactor::Core};
///
/// let mut core = Core::new()?;
/// let (one, two) = UnixDatagram::pair(&core.handle())?;
/// let n = core.run(async {
///     task::io(|| one.send(b"hello")).await?;
///     task::io(|| two.recv(&mut [0; 128])).await
/// })??;
/// assert_eq!(n, 5);
/// # std::io::Result::Ok(())
/// ```
#[derive(Debug)]
pub struct UnixDatagram {
    io: PollEvented<Fd<StdDatagram>>,
    room: Room,
}

impl UnixDatagram {
    /// Makes a socket that receives at a path. The system makes a file there, and nobody removes it.
    ///
    /// # Errors
    ///
    /// [`AddrInUse`](io::ErrorKind::AddrInUse) if there is a file already;
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) for a path that is too long or contains a zero byte;
    /// others of the system. An error with the source [`ReactorGone`](reactor::ReactorGone) if the core
    /// has been dropped; the file is there by then.
    pub fn bind(path: impl AsRef<Path>, handle: &Handle) -> io::Result<Self> {
        Self::from_std(StdDatagram::bind(path)?, handle)
    }

    /// Makes a socket that receives at an address of std, which may be an abstract one on Linux.
    ///
    /// # Errors
    ///
    /// As [`bind`](Self::bind).
    pub fn bind_addr(addr: &SocketAddr, handle: &Handle) -> io::Result<Self> {
        Self::from_std(StdDatagram::bind_addr(addr)?, handle)
    }

    /// Makes a socket without a name: it can send, and receives only what a socket that it is connected
    /// with sends.
    ///
    /// # Errors
    ///
    /// Those of the system. An error with the source [`ReactorGone`](reactor::ReactorGone) if the core
    /// has been dropped.
    pub fn unbound(handle: &Handle) -> io::Result<Self> {
        Self::from_std(StdDatagram::unbound()?, handle)
    }

    /// Two sockets, connected to each other.
    ///
    /// # Errors
    ///
    /// As [`unbound`](Self::unbound).
    pub fn pair(handle: &Handle) -> io::Result<(Self, Self)> {
        let (one, two) = StdDatagram::pair()?;
        Ok((Self::from_std(one, handle)?, Self::from_std(two, handle)?))
    }

    /// Takes over a socket of std, and sets it to non-blocking mode.
    ///
    /// # Errors
    ///
    /// As [`unbound`](Self::unbound).
    pub fn from_std(socket: StdDatagram, handle: &Handle) -> io::Result<Self> {
        Ok(Self {
            io: PollEvented::on_demand(Fd::new(socket)?, handle)?,
            room: Room::default(),
        })
    }

    /// Gives the socket to std, still in non-blocking mode.
    ///
    /// # Errors
    ///
    /// Those of the system; the socket is closed then.
    pub fn into_std(self) -> io::Result<StdDatagram> {
        Ok(self.io.into_inner()?.into_inner())
    }

    /// Makes the socket at a path the one to send to, and the only one to receive from. It may be done
    /// again.
    ///
    /// # Errors
    ///
    /// [`NotFound`](io::ErrorKind::NotFound); [`ConnectionRefused`](io::ErrorKind::ConnectionRefused) if the
    /// socket there has been closed; others of the system.
    pub fn connect(&self, path: impl AsRef<Path>) -> io::Result<()> {
        self.socket().connect(path)
    }

    /// As [`connect`](Self::connect), with an address of std, which may be an abstract one on Linux.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect).
    pub fn connect_addr(&self, addr: &SocketAddr) -> io::Result<()> {
        self.socket().connect_addr(addr)
    }

    /// Ends one or both directions, at once: what is sent in an ended one is an error
    /// ([`BrokenPipe`](io::ErrorKind::BrokenPipe)) at either end.
    ///
    /// Datagrams have no end: on Linux a receive of ours waits for ever then, as it says "would block" when
    /// what had come before has been received.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.socket().shutdown(how)
    }

    /// Waits until receiving is worth trying: there is a datagram, or an error to report.
    pub fn readable(&self) -> Ready<'_, Fd<StdDatagram>> {
        self.io.readable()
    }

    /// Waits until sending is worth trying. It knows of the queue of a connected peer alone, not of that
    /// of an address that something may be sent to.
    pub fn writable(&self) -> Ready<'_, Fd<StdDatagram>> {
        self.io.writable()
    }

    /// Our address.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket().local_addr()
    }

    /// The address of the socket that this one is connected to.
    ///
    /// # Errors
    ///
    /// Those of the system; [`NotConnected`](io::ErrorKind::NotConnected) if it is not.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.socket().peer_addr()
    }

    /// Who made the [`pair`](Self::pair) that it is one of.
    ///
    /// # Errors
    ///
    /// Those of the system; on Linux [`NotConnected`](io::ErrorKind::NotConnected) if it is not one of a
    /// pair.
    pub fn peer_credentials(&self) -> io::Result<PeerCredentials> {
        PeerCredentials::of(self.socket())
    }

    /// Takes the pending error of the socket (`SO_ERROR`).
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.socket().take_error()
    }

    fn socket(&self) -> &StdDatagram {
        self.io.get_ref().get_ref()
    }
}

/// Receiving.
impl UnixDatagram {
    /// Receives a datagram, on the current task; returns its length, or that of the buffer if that is
    /// shorter, and who sent it.
    ///
    /// # Errors
    ///
    /// `WouldBlock` with the task scheduled; an error with the source
    /// [`NotInTask`](task::NotInTask) outside of a task; those of the system.
    pub fn recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        task::poll(|cx| self.poll_recv_from(cx, buf))
    }

    /// Receives a datagram; as [`recv_from`](Self::recv_from).
    ///
    /// # Errors
    ///
    /// Those of the system, but never `WouldBlock` nor `Interrupted`.
    pub fn poll_recv_from(
        &self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<(usize, SocketAddr)>> {
        self.io.poll_read_with(cx, |io| io.get_ref().recv_from(buf))
    }

    /// Receives a datagram if there is one, without a task; as [`recv_from`](Self::recv_from).
    ///
    /// # Errors
    ///
    /// `WouldBlock`, after which [`readable`](Self::readable) waits for what is new; those of the system.
    pub fn try_recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.io.try_read_with(|io| io.get_ref().recv_from(buf))
    }

    /// Receives a datagram without asking who sent it, on the current task; returns its length, or that
    /// of the buffer if that is shorter.
    ///
    /// # Errors
    ///
    /// As [`recv_from`](Self::recv_from).
    pub fn recv(&self, buf: &mut [u8]) -> io::Result<usize> {
        task::poll(|cx| self.poll_recv(cx, buf))
    }

    /// Receives a datagram without asking who sent it; as [`recv`](Self::recv).
    ///
    /// # Errors
    ///
    /// Those of the system, but never `WouldBlock` nor `Interrupted`.
    pub fn poll_recv(&self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        self.io.poll_read_with(cx, |io| io.get_ref().recv(buf))
    }

    /// Receives a datagram if there is one, without a task; as [`recv`](Self::recv).
    ///
    /// # Errors
    ///
    /// As [`try_recv_from`](Self::try_recv_from).
    pub fn try_recv(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.io.try_read_with(|io| io.get_ref().recv(buf))
    }

    /// Looks at the next datagram without taking it away, on the current task; returns its length, or
    /// that of the buffer if that is shorter.
    ///
    /// # Errors
    ///
    /// As [`recv_from`](Self::recv_from).
    pub fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        task::poll(|cx| self.poll_peek(cx, buf))
    }

    /// Looks at the next datagram without taking it away; as [`peek`](Self::peek).
    ///
    /// # Errors
    ///
    /// Those of the system, but never `WouldBlock` nor `Interrupted`.
    pub fn poll_peek(&self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        self.io.poll_read_with(cx, |io| sys::peek(io, buf))
    }

    /// Looks at the next datagram if there is one, without a task; as [`peek`](Self::peek).
    ///
    /// # Errors
    ///
    /// As [`try_recv_from`](Self::try_recv_from).
    pub fn try_peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.io.try_read_with(|io| sys::peek(io, buf))
    }

    /// Receives a datagram and the descriptors that came with it, on the current task.
    ///
    /// # Errors
    ///
    /// As [`recv_from`](Self::recv_from).
    pub fn recv_with_fds(&self, buf: &mut [u8], fds: &mut FdBuffer) -> io::Result<usize> {
        task::poll(|cx| self.poll_recv_with_fds(cx, buf, fds))
    }

    /// Receives a datagram and the descriptors that came with it.
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
        self.io
            .poll_read_with(cx, |io| Ok(fds.recv(io, buf)?.bytes))
    }
}

/// Sending.
impl UnixDatagram {
    /// Sends a datagram to the socket that this one is connected to, on the current task; returns its
    /// length.
    ///
    /// # Errors
    ///
    /// `WouldBlock` with the task scheduled, if the peer's queue is full; an error with the source
    /// [`NotInTask`](task::NotInTask) outside of a task;
    /// [`ConnectionRefused`](io::ErrorKind::ConnectionRefused) if the peer has gone; others of the system.
    pub fn send(&self, buf: &[u8]) -> io::Result<usize> {
        task::poll(|cx| self.poll_send(cx, buf))
    }

    /// Sends a datagram to the socket that this one is connected to; as [`send`](Self::send).
    ///
    /// # Errors
    ///
    /// Those of the system, but never `WouldBlock` nor `Interrupted`.
    pub fn poll_send(&self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.io.poll_write_with(cx, |io| io.get_ref().send(buf))
    }

    /// Sends a datagram if there is room, without a task; as [`send`](Self::send).
    ///
    /// # Errors
    ///
    /// `WouldBlock`, after which [`writable`](Self::writable) waits for what is new; those of the system.
    pub fn try_send(&self, buf: &[u8]) -> io::Result<usize> {
        self.io.try_write_with(|io| io.get_ref().send(buf))
    }

    /// Sends a datagram to an address, on the current task; returns its length.
    ///
    /// If the queue of the receiver is full, it tries again every few milliseconds: the system tells
    /// when there is room in the queue of a connected peer, but not in that of another socket. Who sends
    /// much to one address is better [connected](Self::connect).
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send); [`NotFound`](io::ErrorKind::NotFound) and
    /// [`ConnectionRefused`](io::ErrorKind::ConnectionRefused) if nobody is there.
    pub fn send_to(&self, buf: &[u8], target: &SocketAddr) -> io::Result<usize> {
        task::poll(|cx| self.poll_send_to(cx, buf, target))
    }

    /// Sends a datagram to an address; as [`send_to`](Self::send_to).
    ///
    /// # Errors
    ///
    /// Those of the system, but never `WouldBlock` nor `Interrupted`.
    pub fn poll_send_to(
        &self,
        cx: &mut Context<'_>,
        buf: &[u8],
        target: &SocketAddr,
    ) -> Poll<io::Result<usize>> {
        loop {
            match self.try_send_to(buf, target) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                result => return Poll::Ready(result),
            }
            // A try that fails makes Linux report that we can write, if we can: to wait for that would be a
            // busy loop. (sock_wfree and unix_write_space in the kernel.)
            if sys::is_writable(&self.io) {
                self.room.wait(cx.waker(), || self.io.handle());
                return Poll::Pending;
            }
            // Our own queue may be what is full; that is reported.
            match self.io.poll_write(cx) {
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    self.room.wait(cx.waker(), || self.io.handle());
                    return Poll::Pending;
                }
            }
        }
    }

    /// Sends a datagram to an address if there is room, without a task; as [`send_to`](Self::send_to).
    ///
    /// # Errors
    ///
    /// `WouldBlock`, of which [`writable`](Self::writable) knows nothing if it is the receiver's queue that
    /// is full; those of the system.
    pub fn try_send_to(&self, buf: &[u8], target: &SocketAddr) -> io::Result<usize> {
        self.io
            .try_write_with(|io| io.get_ref().send_to_addr(buf, target))
    }

    /// Sends a datagram and descriptors to the socket that this one is connected to, on the current task;
    /// returns the length of the datagram, which may be 0. The receiver gets duplicates.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send); [`InvalidInput`](io::ErrorKind::InvalidInput) for more than
    /// [`FdBuffer::MOST`] descriptors.
    pub fn send_with_fds(&self, buf: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<usize> {
        task::poll(|cx| self.poll_send_with_fds(cx, buf, fds))
    }

    /// Sends a datagram and descriptors; as [`send_with_fds`](Self::send_with_fds).
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
        self.io
            .poll_write_with(cx, |io| sys::send_with_fds(io, buf, fds))
    }
}

macro_rules! for_it_and_a_reference {
    ($($socket:ty),*) => {$(
        impl AsyncDatagram for $socket {
            type Addr = SocketAddr;

            fn poll_recv_datagram(
                &mut self,
                cx: &mut Context<'_>,
                buf: &mut ReadCursor<'_>,
            ) -> Poll<io::Result<SocketAddr>> {
                self.io.poll_read_with(cx, |io| {
                    // Code that parses names is easily wrong about long ones; that of std is right.
                    let (n, from) = io.get_ref().recv_from(buf.initialize_unfilled())?;
                    buf.advance(n)?;
                    Ok(from)
                })
            }

            fn poll_send_datagram(
                &mut self,
                cx: &mut Context<'_>,
                buf: &[u8],
                to: &SocketAddr,
            ) -> Poll<io::Result<()>> {
                // The system sends a datagram whole or not at all.
                self.poll_send_to(cx, buf, to).map_ok(drop)
            }
        }
    )*};
}

for_it_and_a_reference!(UnixDatagram, &UnixDatagram);

impl AsFd for UnixDatagram {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.io.as_fd()
    }
}
