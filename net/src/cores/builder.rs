use std::{
    io,
    net::{SocketAddr, TcpListener as StdListener},
    num::NonZeroUsize,
    sync::Arc,
    thread,
};

use futures::channel::mpsc::unbounded;
use reactor::Core;

use super::{
    Cores, OnCore, Spread,
    acceptor::Acceptor,
    core_load::Counters,
    starting::Starting,
    worker::{Source, Worker},
};
use crate::{Activity, TcpBuilder, TcpStream};

/// A TCP server on several cores: one thread with one event loop each, and every connection stays on the
/// thread that it was given to, so that nothing of a handler need be `Send`.
///
/// # Examples
///
/// ```
/// use std::{io, num::NonZeroUsize, time::Duration};
/// use net::{Activity, CoresBuilder, OnCore, TcpStream, io_traits::io::copy};
///
/// let echo = |core: &OnCore| {
///     println!("core {} starts", core.index());
///     async |stream: TcpStream, _peer, activity: Activity| -> io::Result<()> {
///         let _busy = activity.busy();
///         copy(&mut &stream, &mut &stream).await.map(drop)
///     }
/// };
/// let cores = CoresBuilder::new()
///     .threads(NonZeroUsize::new(2).unwrap())
///     .listen(&"127.0.0.1:0".parse().unwrap(), echo)?;
/// # use std::io::{Read, Write};
/// let mut client = std::net::TcpStream::connect(cores.local_addr())?;
/// client.write_all(b"hello")?;
/// client.read_exact(&mut [0; 5])?;
/// drop(client);
///
/// // In a program: when a signal comes.
/// cores.shutdown().begin(Duration::from_secs(5));
/// assert_eq!(cores.wait()?, 0);
/// # io::Result::Ok(())
/// ```
#[derive(Debug, Clone, Default)]
#[must_use = "a builder does nothing until it listens"]
pub struct CoresBuilder {
    threads: Option<NonZeroUsize>,
    tcp: TcpBuilder,
    spread: Spread,
}

impl CoresBuilder {
    /// As many cores as the system says there are for this process, and [`Spread::System`].
    pub fn new() -> Self {
        Self::default()
    }

    /// How many cores serve.
    pub fn threads(mut self, threads: NonZeroUsize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// The options of the listeners, and of the connections that they accept.
    pub fn tcp(mut self, options: TcpBuilder) -> Self {
        self.tcp = options;
        self
    }

    /// Who decides which core serves a connection.
    pub fn spread(mut self, spread: Spread) -> Self {
        self.spread = spread;
        self
    }

    /// Starts the threads and listens; returns when all cores are ready. Port 0 lets the system choose.
    ///
    /// `make_handler` is called once on the thread of each core. What it makes stays there and is called for
    /// each connection, with the peer's address and the [`Activity`] by which the connection says that it
    /// is busy: an idle one is closed when the server is told to end. An error of a handler is logged.
    ///
    /// # Errors
    ///
    /// Those of the system, for the listeners, the pollers and the threads. All threads that have been
    /// started end then.
    pub fn listen<M, H>(&self, addr: &SocketAddr, make_handler: M) -> io::Result<Cores>
    where
        M: Fn(&OnCore) -> H + Clone + Send + 'static,
        H: AsyncFn(TcpStream, SocketAddr, Activity) -> io::Result<()> + 'static,
    {
        let threads = match self.threads {
            Some(threads) => threads,
            None => thread::available_parallelism()?,
        };
        let (listeners, addr) = self.listeners(addr, threads)?;
        let mut starting = Starting::default();
        let mut hand_offs = Vec::new();
        let mut listeners = listeners.into_iter();
        for index in 0..threads.get() {
            let counters = Arc::new(Counters::default());
            let source = match self.spread {
                Spread::System => Source::Listener(listeners.next().expect("one for each core")),
                Spread::HandOff => {
                    // There are never more in it than the process has descriptors.
                    let (sender, receiver) = unbounded();
                    hand_offs.push((sender, counters.clone()));
                    Source::HandOff(receiver)
                }
            };
            let (shutdown, make_handler) = (starting.shutdown.clone(), make_handler.clone());
            let of_worker = counters.clone();
            let handle = starting.start(&format!("core-{index}"), move |ready| {
                let core = Core::new()?;
                let handle = core.handle();
                let worker = Worker {
                    core,
                    source,
                    counters: of_worker,
                    shutdown,
                };
                let handler = make_handler(&worker.on_core(index));
                ready(handle);
                worker.serve(handler)
            })?;
            starting.cores.push((handle, counters));
        }
        // In this case only.
        if let Some(listener) = listeners.next() {
            let shutdown = starting.shutdown.clone();
            starting.start("accept", move |ready| {
                let core = Core::new()?;
                ready(core.handle());
                let acceptor = Acceptor {
                    core,
                    listener,
                    cores: hand_offs,
                    shutdown,
                };
                acceptor.serve().map(|()| 0)
            })?;
        }
        Ok(Cores {
            addr,
            shutdown: starting.shutdown.clone(),
            cores: std::mem::take(&mut starting.cores),
            threads: std::mem::take(&mut starting.threads),
        })
    }

    /// As many as there are to accept, all at one address.
    fn listeners(
        &self,
        addr: &SocketAddr,
        threads: NonZeroUsize,
    ) -> io::Result<(Vec<StdListener>, SocketAddr)> {
        let count = match self.spread {
            Spread::System => threads.get(),
            Spread::HandOff => 1,
        };
        let mut tcp = self.tcp.clone();
        // Only where several share it, so that an address that is taken is an error for a single one.
        #[cfg(unix)]
        if count > 1 {
            tcp = tcp.reuse_port(true);
        }
        let first = tcp.listen_std(addr)?;
        let addr = first.local_addr()?;
        let mut listeners = vec![first];
        for _ in 1..count {
            listeners.push(if cfg!(unix) {
                tcp.listen_std(&addr)?
            } else {
                // One socket, that all of them accept from.
                listeners[0].try_clone()?
            });
        }
        Ok((listeners, addr))
    }
}
