use std::{
    io,
    net::SocketAddr,
    sync::Arc,
    task::{Context, Poll},
};

use reactor::{Ready, mio::net::UdpSocket as MioSocket};

use super::UdpSocket;
use crate::Transmit;

/// The sending side of a [`UdpSocket`], to be cloned and given to tasks that send.
///
/// Each task that waits for room is woken on its own, however many share the socket, on whatever threads
/// and under whatever executors. The socket is closed when it and all its senders are dropped.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use net::{Transmit, UdpSocket, io_traits::task, reactor::Core};
///
/// let mut core = Core::new()?;
/// let any_port = "127.0.0.1:0".parse().unwrap();
/// let socket = Arc::new(UdpSocket::bind(&any_port, &core.handle())?);
/// let to = socket.local_addr()?;
/// for connection in 0..3 {
///     let sender = socket.sender();
///     core.spawner().spawn(async move {
///         let packets = [connection; 400];
///         let mut transmit = Transmit::new(&packets).to(to).segments(200);
///         task::io(|| sender.send_msg(&mut transmit)).await
///     });
/// }
/// core.run(async {
///     for _ in 0..6 {
///         assert_eq!(task::io(|| socket.recv(&mut [0; 1500])).await?, 200);
///     }
///     std::io::Result::Ok(())
/// })??;
/// # std::io::Result::Ok(())
/// ```
#[derive(Debug, Clone)]
pub struct UdpSender {
    socket: Arc<UdpSocket>,
}

impl UdpSocket {
    /// A handle that sends. The socket keeps receiving, and may send as well.
    pub fn sender(self: &Arc<Self>) -> UdpSender {
        UdpSender {
            socket: self.clone(),
        }
    }
}

impl UdpSender {
    /// [`UdpSocket::send_msg`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn send_msg(&self, transmit: &mut Transmit<'_>) -> io::Result<()> {
        self.socket.send_msg(transmit)
    }

    /// [`UdpSocket::poll_send_msg`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn poll_send_msg(
        &self,
        cx: &mut Context<'_>,
        transmit: &mut Transmit<'_>,
    ) -> Poll<io::Result<()>> {
        self.socket.poll_send_msg(cx, transmit)
    }

    /// [`UdpSocket::try_send_msg`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn try_send_msg(&self, transmit: &mut Transmit<'_>) -> io::Result<()> {
        self.socket.try_send_msg(transmit)
    }

    /// [`UdpSocket::send_batch`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn send_batch(&self, batch: &mut [Transmit<'_>]) -> io::Result<usize> {
        self.socket.send_batch(batch)
    }

    /// [`UdpSocket::poll_send_batch`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn poll_send_batch(
        &self,
        cx: &mut Context<'_>,
        batch: &mut [Transmit<'_>],
    ) -> Poll<io::Result<usize>> {
        self.socket.poll_send_batch(cx, batch)
    }

    /// [`UdpSocket::try_send_batch`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn try_send_batch(&self, batch: &mut [Transmit<'_>]) -> io::Result<usize> {
        self.socket.try_send_batch(batch)
    }

    /// [`UdpSocket::send`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn send(&self, buf: &[u8]) -> io::Result<usize> {
        self.socket.send(buf)
    }

    /// [`UdpSocket::poll_send`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn poll_send(&self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.socket.poll_send(cx, buf)
    }

    /// [`UdpSocket::try_send`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn try_send(&self, buf: &[u8]) -> io::Result<usize> {
        self.socket.try_send(buf)
    }

    /// [`UdpSocket::send_to`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn send_to(&self, buf: &[u8], target: &SocketAddr) -> io::Result<usize> {
        self.socket.send_to(buf, target)
    }

    /// [`UdpSocket::poll_send_to`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn poll_send_to(
        &self,
        cx: &mut Context<'_>,
        buf: &[u8],
        target: &SocketAddr,
    ) -> Poll<io::Result<usize>> {
        self.socket.poll_send_to(cx, buf, target)
    }

    /// [`UdpSocket::try_send_to`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn try_send_to(&self, buf: &[u8], target: &SocketAddr) -> io::Result<usize> {
        self.socket.try_send_to(buf, target)
    }

    /// [`UdpSocket::writable`].
    pub fn writable(&self) -> Ready<'_, MioSocket> {
        self.socket.writable()
    }

    /// [`UdpSocket::max_segments`].
    pub fn max_segments(&self) -> usize {
        self.socket.max_segments()
    }

    /// The socket, for its options and addresses.
    pub fn socket(&self) -> &Arc<UdpSocket> {
        &self.socket
    }
}
