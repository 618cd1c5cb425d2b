use std::{array, io, rc::Rc};

use reactor::{Handle, Metrics};

use crate::{
    crowd::Crowd,
    memory,
    part::{Kind, Part},
    progress::Progress,
    semaphore::Semaphore,
    servers::Servers,
    tally::Tally,
};

/// What a part has come to: a column of the table.
pub(crate) struct Outcome {
    pub(crate) part: Part,
    pub(crate) connections: usize,
    pub(crate) kinds: Vec<Kind>,
    pub(crate) tally: Rc<Tally>,
    pub(crate) in_flight: Rc<Semaphore>,
    pub(crate) server: Wakeups,
    pub(crate) proxy: Wakeups,
    pub(crate) clients: Wakeups,
    pub(crate) memory_peak: Option<u64>,
}

impl Outcome {
    /// Runs a part to its end and measures what it takes.
    ///
    /// # Errors
    ///
    /// Those of the clients. [`TimedOut`](io::ErrorKind::TimedOut) if nothing at all has come back, which is
    /// no loss on the way but a server that is not there.
    pub(crate) async fn of(
        crowd: Crowd,
        servers: &Servers,
        progress: &Progress,
    ) -> io::Result<Self> {
        let Crowd { part, handle, .. } = &crowd;
        memory::reset_peak();
        let before = loops(servers, handle);
        progress.show_during(&crowd, crowd.run()).await?;
        if crowd.tally.messages() == 0 {
            let error = format!("{}: nothing has come back", part.name());
            return Err(io::Error::new(io::ErrorKind::TimedOut, error));
        }
        servers.settle(handle).await?;
        let [server, proxy, clients] = Wakeups::since(before, loops(servers, handle));
        Ok(Self {
            part: *part,
            connections: crowd.clients,
            kinds: crowd.kinds,
            server,
            proxy,
            clients,
            memory_peak: memory::peak(),
            tally: crowd.tally,
            in_flight: crowd.in_flight,
        })
    }
}

/// What a loop has done in a part.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wakeups {
    /// Tasks that were woken by events.
    pub(crate) all: u64,
    /// As the reactor counts them.
    pub(crate) spurious: u64,
}

impl Wakeups {
    fn since(before: [Metrics; 3], after: [Metrics; 3]) -> [Self; 3] {
        array::from_fn(|place| Self {
            all: after[place].wakeups - before[place].wakeups,
            spurious: after[place].spurious - before[place].spurious,
        })
    }
}

/// Of the server, the proxy and the clients.
fn loops(servers: &Servers, clients: &Handle) -> [Metrics; 3] {
    let [server, proxy] = servers.handles().map(Handle::metrics);
    let loops = [server, proxy, clients.metrics()];
    tracing::debug!(?loops, "server, proxy and clients");
    loops
}
