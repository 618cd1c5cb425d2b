#[cfg(unix)]
use std::os::fd::{AsFd, BorrowedFd};
use std::{
    io,
    net::SocketAddr,
    task::{Context, Poll},
};

use io_traits::task;
use reactor::{Handle, PollEvented, Progress, mio::net::TcpListener as MioListener};
use socket2::{Domain, Protocol, Socket, Type};

use super::TcpStream;
use crate::{
    Incoming,
    incoming::{Accept, accepting},
};

/// A socket that accepts TCP connections.
///
/// Dropping it closes the socket; connections that were not accepted are reset.
#[derive(Debug)]
pub struct TcpListener {
    io: PollEvented<MioListener>,
    handle: Handle,
}

impl TcpListener {
    /// Listens on an address, with `SO_REUSEADDR` and a queue of 1024 connections. Port 0 lets the
    /// system choose.
    ///
    /// For other options make a socket of your own, and [`from_std`](Self::from_std).
    ///
    /// # Errors
    ///
    /// [`AddrInUse`](io::ErrorKind::AddrInUse), [`AddrNotAvailable`](io::ErrorKind::AddrNotAvailable)
    /// and others of the system.
    pub fn bind(addr: &SocketAddr, handle: &Handle) -> io::Result<Self> {
        let socket = Socket::new(
            Domain::for_address(*addr),
            Type::STREAM,
            Some(Protocol::TCP),
        )?;
        // On Windows the option would let others take the port over.
        #[cfg(not(windows))]
        socket.set_reuse_address(true)?;
        socket.bind(&(*addr).into())?;
        socket.listen(BACKLOG)?;
        Self::from_std(socket.into(), handle)
    }

    /// Takes over a listening socket of std, and sets it to non-blocking mode.
    ///
    /// # Errors
    ///
    /// Those of the system. An error with the source [`ReactorGone`](reactor::ReactorGone) if the core
    /// has been dropped.
    pub fn from_std(listener: std::net::TcpListener, handle: &Handle) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let (listener, options) = (MioListener::from_std(listener), accepting());
        Ok(Self {
            io: PollEvented::with_options(listener, handle, options)?,
            handle: handle.clone(),
        })
    }

    /// Accepts a connection, on the current task.
    ///
    /// # Errors
    ///
    /// `WouldBlock` with the task scheduled; an error with the source
    /// [`NotInTask`](task::NotInTask) outside of a task. Those of the system, after which the next
    /// `accept` tries again: one broken connection, or a lack of descriptors, says nothing of the
    /// listener. [`incoming`](Self::incoming) knows what to do about each.
    pub fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        task::poll(|cx| self.poll_accept(cx))
    }

    /// Accepts a connection.
    ///
    /// # Errors
    ///
    /// Those of the system, as [`accept`](Self::accept), but never `WouldBlock` nor `Interrupted`.
    pub fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        self.io
            .poll_read_draining(cx, |io| io.accept().map(Progress::drained))
            .map(|accepted| {
                let (stream, addr) = accepted?;
                Ok((TcpStream::connected(stream, &self.handle)?, addr))
            })
    }

    /// Accepts connections, one after the other, for ever.
    pub fn incoming(self) -> Incoming {
        Incoming::new(self)
    }

    /// Our address, with the port that the system has chosen.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.get_ref().local_addr()
    }
}

impl Accept for TcpListener {
    type Connection = (TcpStream, SocketAddr);

    fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<Self::Connection>> {
        self.poll_accept(cx)
    }

    fn handle(&self) -> &Handle {
        &self.handle
    }
}

#[cfg(unix)]
impl AsFd for TcpListener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.io.as_fd()
    }
}

/// Connections that wait to be accepted; the system may allow fewer.
const BACKLOG: i32 = 1024;
