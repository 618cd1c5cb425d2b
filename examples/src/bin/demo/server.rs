use std::{
    io::{self, Read},
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
};

use examples::{listen, serve_on};
use futures::channel::oneshot;
use io_traits::{
    AsyncRead,
    io::{copy, shutdown},
};
use net::TcpStream;
use reactor::{Core, Handle, Metrics};

/// The echo server, on a thread and a core of its own.
pub(crate) struct Server {
    addr: SocketAddr,
    handle: Handle,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<io::Result<()>>,
}

impl Server {
    /// Starts it; with `corrupt` it makes one mistake.
    pub(crate) fn start(corrupt: bool) -> io::Result<Self> {
        let listener = listen((Ipv4Addr::LOCALHOST, 0).into(), false)?;
        let addr = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel();
        let (started, start) = mpsc::channel();
        let serve = move || {
            let mut core = Core::new()?;
            // An error: `start` has failed, and with it the program.
            let _ = started.send(core.handle());
            serve_on(&mut core, listener, echo(corrupt), stopped)
        };
        let thread = thread::Builder::new().name("server".into()).spawn(serve)?;
        let Ok(handle) = start.recv() else {
            join(thread)?;
            return Err(io::Error::other("the server has ended at once"));
        };
        Ok(Self {
            addr,
            handle,
            stop,
            thread,
        })
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub(crate) fn metrics(&self) -> Metrics {
        self.handle.metrics()
    }

    pub(crate) fn stop(self) -> io::Result<()> {
        drop(self.stop);
        join(self.thread)
    }
}

fn join(thread: JoinHandle<io::Result<()>>) -> io::Result<()> {
    thread
        .join()
        .unwrap_or_else(|_| Err(io::Error::other("the server has panicked")))
}

/// The handler of `echo.rs`, except for the first connection of a corrupt server.
fn echo(corrupt: bool) -> impl AsyncFn(&TcpStream) -> io::Result<()> {
    let corrupt = Arc::new(AtomicBool::new(corrupt));
    async move |stream: &TcpStream| {
        if corrupt.swap(false, Ordering::Relaxed) {
            copy(&mut Corrupt::new(stream), &mut &*stream).await?;
        } else {
            copy(&mut &*stream, &mut &*stream).await?;
        }
        shutdown(&mut &*stream).await
    }
}

/// A reader that flips one bit on its way.
///
/// It is also how a reader is put around another: `read` passes a `WouldBlock` on, which has been
/// registered below, and there is nothing else to do.
struct Corrupt<R> {
    reader: R,
    /// Bytes until the wrong one; `None` after it.
    left: Option<usize>,
}

impl<R> Corrupt<R> {
    fn new(reader: R) -> Self {
        Self {
            reader,
            left: Some(10_000),
        }
    }
}

impl<R: Read> Read for Corrupt<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.reader.read(buf)?;
        if let Some(left) = self.left {
            self.left = left.checked_sub(n);
            if left < n {
                buf[left] ^= 1;
            }
        }
        Ok(n)
    }
}

impl<R: AsyncRead> AsyncRead for Corrupt<R> {}
