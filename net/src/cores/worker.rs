use std::{io, net::SocketAddr, rc::Rc, sync::Arc};

use futures::{StreamExt, channel::mpsc::UnboundedReceiver};
use reactor::{Core, Handle, Spawner, mio::net::TcpStream as MioStream};

use super::{
    core_load::{Counters, Place},
    cores_shutdown::CoresShutdown,
};
use crate::{Activity, TcpListener, TcpStream};

/// What is known of the core on whose thread a handler is made; for
/// [`CoresBuilder::listen`](super::CoresBuilder::listen).
#[derive(Debug, Clone)]
pub struct OnCore {
    index: usize,
    handle: Handle,
    spawner: Spawner,
}

impl OnCore {
    /// Which of the cores it is: 0, 1 and so on.
    pub fn index(&self) -> usize {
        self.index
    }

    /// The way to its reactor.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// The door for tasks that stay on its thread.
    pub fn spawner(&self) -> &Spawner {
        &self.spawner
    }
}

/// Where a core gets its connections from.
#[derive(Debug)]
pub(super) enum Source {
    Listener(std::net::TcpListener),
    HandOff(UnboundedReceiver<Given>),
}

/// A connection on its way to a core.
pub(super) type Given = (MioStream, SocketAddr, Place);

/// One core, on its thread.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) core: Core,
    pub(super) source: Source,
    pub(super) counters: Arc<Counters>,
    pub(super) shutdown: CoresShutdown,
}

impl Worker {
    pub(super) fn on_core(&self, index: usize) -> OnCore {
        OnCore {
            index,
            handle: self.core.handle(),
            spawner: self.core.spawner(),
        }
    }

    /// Serves until the end; returns how many connections were cut off.
    pub(super) fn serve<H>(self, handler: H) -> io::Result<usize>
    where
        H: AsyncFn(TcpStream, SocketAddr, Activity) -> io::Result<()> + 'static,
    {
        let Self {
            mut core,
            source,
            counters,
            shutdown,
        } = self;
        let (handle, spawner) = (core.handle(), core.spawner());
        let tracker = shutdown.tracker();
        let handler = Rc::new(handler);
        let serve = |stream: TcpStream, peer: SocketAddr, place: Place| {
            let handler = handler.clone();
            let served = tracker.serve(|activity| async move {
                let result = handler(stream, peer, activity).await;
                drop(place);
                result
            });
            spawner.spawn(async move {
                if let Some(Err(error)) = served.await {
                    tracing::debug!(%peer, %error, "a connection has failed");
                }
            });
        };
        core.run(async {
            match source {
                Source::Listener(listener) => {
                    let listener = TcpListener::from_std(listener, &handle)?;
                    let mut incoming = tracker.until_stopped(listener.incoming());
                    while let Some(accepted) = incoming.next().await {
                        let (stream, peer) = accepted?;
                        serve(stream, peer, Place::new(&counters));
                    }
                }
                Source::HandOff(mut given) => {
                    while let Some((stream, peer, place)) = given.next().await {
                        match TcpStream::connected(stream, &handle) {
                            Ok(stream) => serve(stream, peer, place),
                            // It is closed; the others are not concerned.
                            Err(error) => tracing::warn!(%peer, %error, "a connection is lost"),
                        }
                    }
                }
            }
            tracker.stop(shutdown.limit(), &handle).await
        })?
    }
}
