use std::{
    io,
    net::SocketAddr,
    sync::{Arc, atomic::Ordering::Relaxed},
    thread::JoinHandle,
    time::Duration,
};

use reactor::Handle;

use super::{CoreLoad, core_load::Counters, cores_shutdown::CoresShutdown};

/// A server that runs on several cores; from [`CoresBuilder::listen`](super::CoresBuilder::listen).
///
/// Dropping it begins the end, without a limit for those who are busy, and waits for nobody.
#[derive(Debug)]
#[must_use = "the server ends when this is dropped"]
pub struct Cores {
    pub(super) addr: SocketAddr,
    pub(super) shutdown: CoresShutdown,
    pub(super) cores: Vec<(Handle, Arc<Counters>)>,
    pub(super) threads: Vec<JoinHandle<io::Result<usize>>>,
}

impl Cores {
    /// Where the server listens, with the port that the system has chosen.
    pub fn local_addr(&self) -> SocketAddr {
        self.addr
    }

    /// What ends the server.
    pub fn shutdown(&self) -> &CoresShutdown {
        &self.shutdown
    }

    /// The way to the reactor of each core.
    pub fn handles(&self) -> impl Iterator<Item = &Handle> {
        self.cores.iter().map(|(handle, _)| handle)
    }

    /// What each core has to do.
    pub fn loads(&self) -> Vec<CoreLoad> {
        let load = |(handle, counters): &(Handle, Arc<Counters>)| CoreLoad {
            accepted: counters.accepted.load(Relaxed),
            open: counters.open.load(Relaxed),
            metrics: handle.metrics(),
        };
        self.cores.iter().map(load).collect()
    }

    /// Waits for the end, which [`shutdown`](Self::shutdown) or an error brings about; returns how many
    /// connections were cut off because the limit was over. It blocks the thread.
    ///
    /// # Errors
    ///
    /// The first of those of the listeners and of the pollers, if one of the cores has failed; all others
    /// end then, too, at once. A panic of a connection concerns that connection alone.
    pub fn wait(mut self) -> io::Result<usize> {
        let mut cut = Ok(0);
        for thread in std::mem::take(&mut self.threads) {
            let ended = thread
                .join()
                .unwrap_or_else(|_| Err(io::Error::other("the thread of a core has panicked")));
            cut = match (cut, ended) {
                // All of them count the same connections.
                (Ok(cut), Ok(ended)) => Ok(ended.max(cut)),
                (Err(error), _) | (_, Err(error)) => Err(error),
            };
        }
        cut
    }
}

impl Drop for Cores {
    fn drop(&mut self) {
        self.shutdown.begin(Duration::MAX);
    }
}
