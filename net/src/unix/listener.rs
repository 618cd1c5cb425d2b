use std::{
    io,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::net::{SocketAddr, UnixListener as StdListener},
    },
    path::Path,
    task::{Context, Poll},
};

use io_traits::task;
use reactor::{
    Handle, PollEvented, Progress, Ready,
    mio::net::{UnixListener as MioListener, UnixStream as MioStream},
};

use super::UnixStream;
use crate::{
    Incoming,
    incoming::{Accept, accepting},
    sys,
};

/// A socket that accepts Unix connections.
///
/// Dropping it closes the socket; connections that were not accepted are reset. The file that
/// [`bind`](Self::bind) made stays behind.
///
/// # Examples
///
/// ```
/// use futures::StreamExt;
/// use net::{UnixListener, UnixStream, io_traits::io, reactor::Core};
///
/// # let path = std::env::temp_dir().join(format!("unix-echo-{}", std::process::id()));
/// let mut core = Core::new()?;
/// let (handle, spawner) = (core.handle(), core.spawner());
/// let listener = UnixListener::bind(&path, &handle)?;
/// spawner.clone().spawn(async move {
///     let mut incoming = listener.incoming();
///     while let Some(Ok((stream, _))) = incoming.next().await {
///         spawner.spawn(async move { io::copy(&mut &stream, &mut &stream).await });
///     }
/// });
/// core.run(async {
///     let mut stream = UnixStream::connect(&path, &handle).await?;
///     io::write_all(&mut stream, b"hello").await?;
///     io::read_exact(&mut stream, &mut [0; 5]).await
/// })??;
/// # std::fs::remove_file(path)?;
/// # std::io::Result::Ok(())
/// ```
#[derive(Debug)]
pub struct UnixListener {
    io: PollEvented<MioListener>,
    handle: Handle,
}

impl UnixListener {
    /// Listens at a path, with a queue of connections as long as the system allows.
    ///
    /// The system makes a file there, and nobody removes it: who may, and when, is the caller's to
    /// know. The file's permissions follow the process's umask.
    ///
    /// # Errors
    ///
    /// [`AddrInUse`](io::ErrorKind::AddrInUse) if there is a file already, also one that a listener has
    /// left behind; [`InvalidInput`](io::ErrorKind::InvalidInput) for a path that is too long or
    /// contains a zero byte; others of the system. An error with the source
    /// [`ReactorGone`](reactor::ReactorGone) if the core has been dropped; the file is there by then.
    pub fn bind(path: impl AsRef<Path>, handle: &Handle) -> io::Result<Self> {
        Self::from_std(StdListener::bind(path)?, handle)
    }

    /// Listens at an address of std, which may be an abstract one on Linux.
    ///
    /// # Errors
    ///
    /// As [`bind`](Self::bind).
    pub fn bind_addr(addr: &SocketAddr, handle: &Handle) -> io::Result<Self> {
        Self::from_std(StdListener::bind_addr(addr)?, handle)
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

    /// Accepts a connection, on the current task. The address is that of the peer, which has a name
    /// only if it has bound its socket to one.
    ///
    /// # Errors
    ///
    /// `WouldBlock` with the task scheduled; an error with the source
    /// [`NotInTask`](task::NotInTask) outside of a task. Those of the system, after which the next
    /// `accept` tries again: a lack of descriptors says nothing of the listener.
    /// [`incoming`](Self::incoming) knows what to do about each.
    pub fn accept(&self) -> io::Result<(UnixStream, SocketAddr)> {
        task::poll(|cx| self.poll_accept(cx))
    }

    /// Accepts a connection.
    ///
    /// # Errors
    ///
    /// Those of the system, as [`accept`](Self::accept), but never `WouldBlock` nor `Interrupted`.
    pub fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(UnixStream, SocketAddr)>> {
        self.io
            .poll_read_draining(cx, |io| sys::accept_unix(io).map(Progress::drained))
            .map(|accepted| {
                let (stream, addr) = accepted?;
                let stream = UnixStream::connected(MioStream::from_std(stream), &self.handle)?;
                Ok((stream, addr))
            })
    }

    /// Accepts connections, one after the other, for ever.
    pub fn incoming(self) -> Incoming<Self> {
        Incoming::new(self)
    }

    /// Accepts a connection if one waits, without a task.
    ///
    /// # Errors
    ///
    /// `WouldBlock`, after which [`readable`](Self::readable) waits for what is new. Otherwise as
    /// [`accept`](Self::accept).
    pub fn try_accept(&self) -> io::Result<(UnixStream, SocketAddr)> {
        let (stream, addr) = self.io.try_read_with(sys::accept_unix)?;
        let stream = UnixStream::connected(MioStream::from_std(stream), &self.handle)?;
        Ok((stream, addr))
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
    pub fn into_std(self) -> io::Result<StdListener> {
        Ok(OwnedFd::from(self.io.into_inner()?).into())
    }

    /// Our address.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.get_ref().local_addr()
    }
}

impl Accept for UnixListener {
    type Connection = (UnixStream, SocketAddr);

    fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<Self::Connection>> {
        self.poll_accept(cx)
    }

    fn handle(&self) -> &Handle {
        &self.handle
    }
}

impl AsFd for UnixListener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.io.as_fd()
    }
}
