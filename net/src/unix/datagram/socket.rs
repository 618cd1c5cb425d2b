use std::{
    io,
    net::Shutdown,
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::{SocketAddr, UnixDatagram as StdDatagram},
    },
    path::Path,
};

use reactor::{Fd, Handle, PollEvented, Ready};

use super::room::Room;
use crate::PeerCredentials;

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
    pub(super) io: PollEvented<Fd<StdDatagram>>,
    pub(super) room: Room,
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

impl AsFd for UnixDatagram {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.io.as_fd()
    }
}
