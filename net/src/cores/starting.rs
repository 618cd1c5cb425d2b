use std::{
    io,
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
    time::Duration,
};

use reactor::Handle;

use super::{
    core_load::Counters,
    cores_shutdown::{CoresShutdown, EndAll},
};

/// Threads that are being started. If one cannot be, the others end.
#[derive(Default)]
pub(super) struct Starting {
    pub(super) shutdown: CoresShutdown,
    pub(super) cores: Vec<(Handle, Arc<Counters>)>,
    pub(super) threads: Vec<JoinHandle<io::Result<usize>>>,
}

impl Starting {
    /// Starts a thread and waits until it calls what it is given, or fails before.
    pub(super) fn start(
        &mut self,
        name: &str,
        run: impl FnOnce(&dyn Fn(Handle)) -> io::Result<usize> + Send + 'static,
    ) -> io::Result<Handle> {
        let (sender, ready) = mpsc::channel();
        let end_all = EndAll(self.shutdown.clone());
        let thread = thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                let _end_all = end_all;
                run(&|handle| drop(sender.send(handle)))
            })?;
        match ready.recv() {
            Ok(handle) => {
                self.threads.push(thread);
                Ok(handle)
            }
            // It has ended instead.
            Err(_) => Err(match thread.join() {
                Ok(Err(error)) => error,
                _ => io::Error::other("the thread of a core has panicked"),
            }),
        }
    }
}

/// Not all of them could be started: those that were end. What has started has been moved out.
impl Drop for Starting {
    fn drop(&mut self) {
        if self.threads.is_empty() {
            return;
        }
        self.shutdown.begin(Duration::ZERO);
        for thread in self.threads.drain(..) {
            // What went wrong is said by the one that could not be started.
            let _ = thread.join();
        }
    }
}
