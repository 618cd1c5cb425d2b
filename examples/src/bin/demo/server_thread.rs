use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::mpsc,
    thread::{self, JoinHandle},
};

use examples::{listen, named, serve_on};
use futures::channel::oneshot;
use net::TcpStream;
use reactor::{Core, Handle};

/// A server of connections, on a thread and a core of its own.
pub(crate) struct ServerThread {
    name: &'static str,
    addr: SocketAddr,
    handle: Handle,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<io::Result<()>>,
}

impl ServerThread {
    /// Starts it; `make_handler` is called on the thread, and what it makes stays there.
    pub(crate) fn start<M, H>(name: &'static str, make_handler: M) -> io::Result<Self>
    where
        M: FnOnce(&Core) -> io::Result<H> + Send + 'static,
        H: AsyncFn(&TcpStream) -> io::Result<()> + 'static,
    {
        let listener = listen((Ipv4Addr::LOCALHOST, 0).into(), false)?;
        let addr = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel();
        let (started, start) = mpsc::channel();
        let serve = move || {
            let mut core = Core::new()?;
            let handler = make_handler(&core)?;
            // An error: `start` has failed, and with it the program.
            let _ = started.send(core.handle());
            serve_on(&mut core, listener, handler, stopped)
        };
        let serve = move || {
            // Logged as well: if it fails early, so do the clients, and nobody asks for this.
            serve().inspect_err(|error| tracing::error!(name, %error, "a server has failed"))
        };
        let thread = thread::Builder::new().name(name.into()).spawn(serve)?;
        let Ok(handle) = start.recv() else {
            join(name, thread)?;
            return Err(io::Error::other("a server has ended at once"));
        };
        Ok(Self {
            name,
            addr,
            handle,
            stop,
            thread,
        })
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The way to its loop.
    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Ends it and waits for its end.
    ///
    /// # Errors
    ///
    /// Those of the server, with its name.
    pub(crate) fn stop(self) -> io::Result<()> {
        drop(self.stop);
        join(self.name, self.thread)
    }
}

fn join(name: &str, thread: JoinHandle<io::Result<()>>) -> io::Result<()> {
    thread
        .join()
        .unwrap_or_else(|_| Err(io::Error::other("it has panicked")))
        .map_err(|error| named(name, error))
}
