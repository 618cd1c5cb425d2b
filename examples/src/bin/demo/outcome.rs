use std::{io, rc::Rc};

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
    pub(crate) clients: usize,
    pub(crate) kinds: Vec<Kind>,
    pub(crate) tally: Rc<Tally>,
    pub(crate) in_flight: Rc<Semaphore>,
    /// Tasks that events have woken, on all loops together.
    pub(crate) wakeups: u64,
    /// Operations that found nothing to do although an event had come, on all loops together.
    pub(crate) spurious: u64,
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
        let before = counts(servers, handle);
        progress.show_during(&crowd, crowd.run()).await?;
        if crowd.tally.messages() == 0 {
            let error = format!("{}: nothing has come back", part.name());
            return Err(io::Error::new(io::ErrorKind::TimedOut, error));
        }
        servers.settle(handle).await?;
        let after = counts(servers, handle);
        Ok(Self {
            part: *part,
            clients: crowd.clients,
            kinds: crowd.kinds,
            wakeups: after.0 - before.0,
            spurious: after.1 - before.1,
            memory_peak: memory::peak(),
            tally: crowd.tally,
            in_flight: crowd.in_flight,
        })
    }
}

fn counts(servers: &Servers, clients: &Handle) -> (u64, u64) {
    let [server, proxy] = servers.handles().map(Handle::metrics);
    let loops = [server, proxy, clients.metrics()];
    tracing::debug!(?loops, "server, proxy and clients");
    let sum = |count: fn(&Metrics) -> u64| loops.iter().map(count).sum();
    (
        sum(|metrics| metrics.wakeups),
        sum(|metrics| metrics.spurious),
    )
}
