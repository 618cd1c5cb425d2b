#[cfg(unix)]
use std::os::fd::{AsFd, BorrowedFd};
use std::{
    io,
    net::{SocketAddr, TcpListener as StdListener, TcpStream as StdStream},
    task::{Context, Poll},
};

use io_traits::task;
use reactor::{
    Handle, PollEvented, Progress, Ready,
    mio::net::{TcpListener as MioListener, TcpStream as MioStream},
};

use super::{TcpBuilder, TcpStream};
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
    /// For other options see [`TcpBuilder`].
    ///
    /// # Errors
    ///
    /// [`AddrInUse`](io::ErrorKind::AddrInUse), [`AddrNotAvailable`](io::ErrorKind::AddrNotAvailable)
    /// and others of the system.
    pub fn bind(addr: &SocketAddr, handle: &Handle) -> io::Result<Self> {
        TcpBuilder::new().listen(addr, handle)
    }

    /// Takes over a listening socket of std, and sets it to non-blocking mode.
    ///
    /// # Errors
    ///
    /// Those of the system. An error with the source [`ReactorGone`](reactor::ReactorGone) if the core
    /// has been dropped.
    pub fn from_std(listener: StdListener, handle: &Handle) -> io::Result<Self> {
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

    /// Accepts a connection if one waits, without a task.
    ///
    /// # Errors
    ///
    /// `WouldBlock`, after which [`readable`](Self::readable) waits for what is new. Otherwise as
    /// [`accept`](Self::accept).
    pub fn try_accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let (stream, addr) = self.io.try_read_with(MioListener::accept)?;
        Ok((TcpStream::connected(stream, &self.handle)?, addr))
    }

    /// Accepts a connection for use elsewhere, on the current task: a socket of std, in blocking mode,
    /// which no reactor knows.
    ///
    /// # Errors
    ///
    /// As [`accept`](Self::accept).
    pub fn accept_std(&self) -> io::Result<(StdStream, SocketAddr)> {
        task::poll(|cx| self.poll_accept_std(cx))
    }

    /// Accepts a connection for use elsewhere; as [`accept_std`](Self::accept_std).
    ///
    /// # Errors
    ///
    /// As [`poll_accept`](Self::poll_accept).
    pub fn poll_accept_std(
        &self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(StdStream, SocketAddr)>> {
        self.io
            .poll_read_draining(cx, |io| io.accept().map(Progress::drained))
            .map(|accepted| {
                let (stream, addr) = accepted?;
                let stream = StdStream::from(stream);
                stream.set_nonblocking(false)?;
                Ok((stream, addr))
            })
    }

    /// Accepts connections, one after the other, for ever.
    pub fn incoming(self) -> Incoming {
        Incoming::new(self)
    }

    /// Waits until an accept is worth trying.
    pub fn readable(&self) -> Ready<'_, MioListener> {
        self.io.readable()
    }

    /// Gives the socket to std, still listening and in non-blocking mode.
    ///
    /// # Errors
    ///
    /// Those of the system; the socket is closed then.
    #[cfg(unix)]
    pub fn into_std(self) -> io::Result<StdListener> {
        Ok(std::os::fd::OwnedFd::from(self.io.into_inner()?).into())
    }

    /// Our address, with the port that the system has chosen.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.get_ref().local_addr()
    }

    /// How many routers the packets of accepted connections may pass (`IP_TTL`).
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn ttl(&self) -> io::Result<u32> {
        self.io.get_ref().ttl()
    }

    /// Sets how many routers the packets of accepted connections may pass (`IP_TTL`).
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        self.io.get_ref().set_ttl(ttl)
    }
}

/// A listener whose connections no reactor knows yet: another one's thread will serve them.
#[derive(Debug)]
pub(crate) struct Unregistered(TcpListener);

impl Unregistered {
    pub(crate) fn incoming(listener: TcpListener) -> Incoming<Self> {
        Incoming::new(Self(listener))
    }
}

impl Accept for Unregistered {
    type Connection = (MioStream, SocketAddr);

    fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<Self::Connection>> {
        let io = &self.0.io;
        io.poll_read_draining(cx, |io| io.accept().map(Progress::drained))
    }

    fn handle(&self) -> &Handle {
        &self.0.handle
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
