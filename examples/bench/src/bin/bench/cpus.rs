use std::io;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Where the servers run and where this process does.
#[derive(Debug)]
pub(crate) struct Cpus {
    server: usize,
    generator: usize,
}

impl Cpus {
    /// The first two CPUs that this process may use; if there is but one, it is both. From then on this
    /// process stays on its own.
    ///
    /// # Errors
    ///
    /// Those of `sched_setaffinity(2)`.
    pub(crate) fn of_this_process() -> io::Result<Self> {
        let allowed = sched_getaffinity(None)?;
        let mut allowed = (0..CpuSet::MAX_CPU).filter(|&cpu| allowed.is_set(cpu));
        let server = allowed.next().expect("a process runs somewhere");
        let generator = allowed.next().unwrap_or(server);
        pin(generator)?;
        Ok(Self { server, generator })
    }

    /// Calls `start`, whose child processes are the servers' CPU's.
    ///
    /// A child starts where its parent is, so no code needs to run in it.
    ///
    /// # Errors
    ///
    /// Those of `start` and of `sched_setaffinity(2)`.
    pub(crate) fn on_server<T>(&self, start: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        pin(self.server)?;
        let started = start();
        pin(self.generator)?;
        started
    }

    /// Puts this process on the servers' CPU as well: what it sends is then all there before the server
    /// gets to run. For counts, which no waiting changes.
    ///
    /// # Errors
    ///
    /// Those of `sched_setaffinity(2)`.
    pub(crate) fn shared(self) -> io::Result<Self> {
        let Self { server, .. } = self;
        pin(server)?;
        let generator = server;
        Ok(Self { server, generator })
    }

    /// What the reports say.
    pub(crate) fn describe(&self) -> String {
        let Self { server, generator } = self;
        if server == generator {
            return format!("servers and generator share CPU {server}: read no times from this");
        }
        format!("servers on CPU {server}, generator on CPU {generator}")
    }
}

fn pin(cpu: usize) -> io::Result<()> {
    let mut only = CpuSet::new();
    only.set(cpu);
    Ok(sched_setaffinity(None, &only)?)
}
