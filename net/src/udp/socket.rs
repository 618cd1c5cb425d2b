#[cfg(unix)]
use std::os::fd::{AsFd, BorrowedFd};
use std::{io, net::SocketAddr};

use reactor::{Handle, PollEvented, Ready, mio::net::UdpSocket as MioSocket};

use super::offload::Offload;

/// A UDP socket.
///
/// All operations take `&self`, so tasks can share a socket without a lock. They come in three forms:
/// on the current task ([`recv_from`](Self::recv_from), see [`io_traits::task`]), with an explicit
/// context ([`poll_recv_from`](Self::poll_recv_from)), and without a task
/// ([`try_recv_from`](Self::try_recv_from), which goes with [`readable`](Self::readable)).
///
/// Many datagrams at a time are far cheaper: [`recv_batch`](Self::recv_batch) and
/// [`send_batch`](Self::send_batch). What is beside a datagram, such as the address that it was sent to,
/// is in [`recv_msg`](Self::recv_msg) and [`send_msg`](Self::send_msg). Tasks that only send have a
/// [`sender`](Self::sender) each.
///
/// There is no `Read` and no `Write`: datagrams are no stream of bytes.
///
/// * A datagram of no bytes is one like any other; receiving it is `Ok(0)`, and not the end.
/// * A datagram that is longer than the buffer is cut off, and the rest is lost; [`recv_msg`](Self::recv_msg)
///   and [`recv_batch`](Self::recv_batch) say so, the others do not. So is a whole datagram in an empty
///   buffer. 65,535 bytes are enough for any.
/// * A datagram is sent whole or not at all.
///
/// # Errors
///
/// An ICMP message that answers an earlier datagram of a connected socket, as when nobody listens at
/// the other end ([`ConnectionRefused`](io::ErrorKind::ConnectionRefused)), wakes who waits for either
/// direction, and is reported once, by whatever operation comes next; [`take_error`](Self::take_error)
/// is one. That operation has then neither received nor sent. The socket stays usable; [`is_transient`](crate::is_transient) tells such errors from others.
///
/// # Examples
///
/// ```
/// use net::{UdpSocket, io_traits::task, reactor::Core};
///
/// let mut core = Core::new()?;
/// let any_port = "127.0.0.1:0".parse().unwrap();
/// let server = UdpSocket::bind(&any_port, &core.handle())?;
/// let client = UdpSocket::bind(&any_port, &core.handle())?;
/// client.connect(&server.local_addr()?)?;
///
/// let n = core.run(async {
///     let mut buf = [0; 1500];
///     task::io(|| client.send(b"hello")).await?;
///     let (n, from) = task::io(|| server.recv_from(&mut buf)).await?;
///     task::io(|| server.send_to(&buf[..n], &from)).await?;
///     task::io(|| client.recv(&mut buf)).await
/// })??;
/// assert_eq!(n, 5);
/// # std::io::Result::Ok(())
/// ```
#[derive(Debug)]
pub struct UdpSocket {
    pub(super) io: PollEvented<MioSocket>,
    pub(super) offload: Offload,
}

impl UdpSocket {
    /// Makes a socket that receives at an address. Port 0 lets the system choose.
    ///
    /// For other options make a socket of your own, and [`from_std`](Self::from_std).
    ///
    /// # Errors
    ///
    /// [`AddrInUse`](io::ErrorKind::AddrInUse), [`AddrNotAvailable`](io::ErrorKind::AddrNotAvailable)
    /// and others of the system. An error with the source [`ReactorGone`](reactor::ReactorGone) if the
    /// core has been dropped.
    pub fn bind(addr: &SocketAddr, handle: &Handle) -> io::Result<Self> {
        Self::registered(MioSocket::bind(*addr)?, handle)
    }

    /// Takes over a socket of std, and sets it to non-blocking mode.
    ///
    /// # Errors
    ///
    /// Those of the system. An error with the source [`ReactorGone`](reactor::ReactorGone) if the core
    /// has been dropped.
    pub fn from_std(socket: std::net::UdpSocket, handle: &Handle) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Self::registered(MioSocket::from_std(socket), handle)
    }

    fn registered(socket: MioSocket, handle: &Handle) -> io::Result<Self> {
        Ok(Self {
            io: PollEvented::on_demand(socket, handle)?,
            offload: Offload::new(),
        })
    }

    /// Gives the socket to std, still in non-blocking mode.
    ///
    /// # Errors
    ///
    /// Those of the system; the socket is closed then.
    #[cfg(unix)]
    pub fn into_std(self) -> io::Result<std::net::UdpSocket> {
        Ok(std::os::fd::OwnedFd::from(self.io.into_inner()?).into())
    }

    /// Makes an address the one to send to, and the only one to receive from. Nothing is sent, and it
    /// may be done again. Datagrams that have come before stay, whoever sent them.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn connect(&self, addr: &SocketAddr) -> io::Result<()> {
        self.io.get_ref().connect(*addr)
    }

    /// Waits until receiving is worth trying: there is a datagram, or an error to report.
    pub fn readable(&self) -> Ready<'_, MioSocket> {
        self.io.readable()
    }

    /// Waits until sending is worth trying: there is room, or an error to report.
    pub fn writable(&self) -> Ready<'_, MioSocket> {
        self.io.writable()
    }

    /// Our address, with the port that the system has chosen.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.get_ref().local_addr()
    }

    /// The address that the socket was connected to.
    ///
    /// # Errors
    ///
    /// Those of the system; [`NotConnected`](io::ErrorKind::NotConnected) if it was not.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.io.get_ref().peer_addr()
    }

    /// Takes the pending error of the socket (`SO_ERROR`).
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.io.get_ref().take_error()
    }
}

#[cfg(unix)]
impl AsFd for UdpSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.io.as_fd()
    }
}
