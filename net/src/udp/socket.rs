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
/// There is no `Read` and no `Write`: datagrams are no stream of bytes.
///
/// * A datagram of no bytes is one like any other; receiving it is `Ok(0)`, and not the end.
/// * A datagram that is longer than the buffer is cut off, and the rest is lost; [`recv_msg`](Self::recv_msg)
///   and [`recv_batch`](Self::recv_batch) say so, the others do not. So is a whole datagram in an empty
///   buffer. 65,535 bytes are enough for any.
/// * A datagram is sent whole or not at all.
///
/// # Which form
///
/// From the plainest to the cheapest. The calls are the system's, for each datagram on Linux:
///
/// | what there is to do | how | calls |
/// |---|---|---|
/// | one datagram now and then | [`recv_from`](Self::recv_from), [`send_to`](Self::send_to); connected: [`recv`](Self::recv), [`send`](Self::send) | one, and one more to find out that nothing else is there |
/// | the same, and what is beside it: where it was sent to, marks of congestion, a time, whether it was cut off | [`recv_msg`](Self::recv_msg), [`send_msg`](Self::send_msg) | the same |
/// | many datagrams, from and to anybody | [`recv_batch`](Self::recv_batch), [`send_batch`](Self::send_batch) | one for up to 64; a batch that is not filled needs no other call to know that nothing else is there |
/// | many datagrams of one length to one peer | [`Transmit::segments`](crate::Transmit::segments), alone or several in a batch (GSO) | one for up to 64 datagrams of each of 64 transmits |
/// | many datagrams from a peer that sends so, or through a network card that merges them | [`set_gro`](Self::set_gro), and `recv_batch` with room for 65,535 bytes in each message | one for up to 64 datagrams in each of 64 messages |
///
/// Batches save calls, which are the smaller part of what a datagram costs; GSO and GRO save most of the
/// kernel's own work as well. GRO costs more than it saves if nobody merges. How much it saves depends on who
/// is faster: a receiver that lags behind finds its messages queued, and one that keeps up sleeps before many
/// of them, so that waking up is a good part of what they cost. `make count ONLY=UDP` counts calls and
/// instructions, and `make bench ONLY=UDP` compares the forms on your machine; the example program `udp-batch`
/// does so over your network.
///
/// Where the kernel cannot do something, or refuses to, the same call does it in the next cheaper form, so
/// there is no need to ask what it can. Buffers: a [`RecvBatch`](crate::RecvBatch) is made once and
/// used again; who has buffers already gives them to [`recv_msgs`](Self::recv_msgs). Tasks that only send
/// have a [`sender`](Self::sender) each.
///
/// # Both families
///
/// A socket that is bound to `[::]` speaks IPv4 as well, unless the system or `IPV6_V6ONLY` says otherwise.
/// Addresses of IPv4 are then mapped ones, `::ffff:192.0.2.1`: in what it receives, and in what it is
/// [connected](Self::connect) to; [`IpAddr::to_canonical`](std::net::IpAddr::to_canonical) gives the plain one.
///
/// # Errors
///
/// An ICMP message that answers an earlier datagram of a connected socket, as when nobody listens at
/// the other end ([`ConnectionRefused`](io::ErrorKind::ConnectionRefused)), wakes who waits for either
/// direction, and is reported once, by whatever operation comes next; [`take_error`](Self::take_error)
/// is one. That operation has then neither received nor sent. The socket stays usable;
/// [`is_transient`](crate::is_transient) tells such errors from others.
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
