use std::{
    future::poll_fn,
    io, mem,
    sync::{Arc, mpsc},
    thread,
};

use crate::{Core, CoreOptions, Forked, Handle, executor::Join};

/// A thread that turns a reactor, for programs whose tasks run under another executor.
///
/// ```text
///   your executor's threads                    the thread of this reactor
///     poll ── would block ──▶ registered ──▶ event ── wakes ──┐
///     ▲                                                       │
///     └───────────────────────────────────────────────────────┘
/// ```
///
/// I/O objects, timers and tasks reach it through the [`Handle`]. It has nothing else to do than to wait
/// for the system and to wake, unless `Send` tasks are [spawned](Handle::spawn) there.
///
/// Dropping it ends the reactor as dropping a [`Core`] does, and waits for the thread, and so for the poll of a
/// task that it is in: afterwards its tasks have been dropped, and every operation answers
/// [`ReactorGone`](crate::ReactorGone). A drop on the thread itself, in one of its tasks, cannot wait for the
/// thread, which ends after that task's poll.
///
/// Programs that have no executor yet need no such thread: see [`Core::run`].
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use reactor::Background;
///
/// let background = Background::new()?;
/// let sleep = background.handle().sleep(Duration::from_millis(1));
/// // Any executor will do.
/// futures::executor::block_on(sleep)?;
/// background.stop()?;
/// # std::io::Result::Ok(())
/// ```
#[derive(Debug)]
pub struct Background {
    handle: Handle,
    stop: Arc<Stop>,
    /// Taken when it is waited for.
    thread: Option<thread::JoinHandle<io::Result<()>>>,
}

impl Background {
    /// Starts a thread called `reactor`.
    ///
    /// # Errors
    ///
    /// Those of [`Core::new`], and of starting a thread.
    pub fn new() -> io::Result<Self> {
        Self::named("reactor")
    }

    /// Starts a thread with that name, which debuggers and `/proc` show; Linux shows its first 15 bytes.
    ///
    /// # Errors
    ///
    /// Those of [`Core::new`], and of starting a thread. [`InvalidInput`](io::ErrorKind::InvalidInput) for
    /// a name with a NUL in it.
    pub fn named(name: impl Into<String>) -> io::Result<Self> {
        Self::with_options(name, CoreOptions::new())
    }

    /// As [`named`](Self::named), with a core that works as `options` say.
    ///
    /// # Errors
    ///
    /// As [`named`](Self::named).
    pub fn with_options(name: impl Into<String>, options: CoreOptions) -> io::Result<Self> {
        let name = name.into();
        if name.contains('\0') {
            let message = "the name of a thread has a NUL in it";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let stop = Arc::new(Stop::new(None));
        let stopped = stop.clone();
        let (started, starts) = mpsc::sync_channel(1);
        // A core stays on the thread that made it.
        let thread = thread::Builder::new().name(name).spawn(move || {
            let mut core = match Core::with_options(options) {
                Ok(core) => core,
                Err(error) => {
                    let _ = started.send(Err(error));
                    return Ok(());
                }
            };
            let _ = started.send(Ok(core.handle()));
            core.run(poll_fn(|cx| stopped.poll(cx.waker())))
                .map(|_stopped| ())
        })?;
        let handle = starts
            .recv()
            .unwrap_or_else(|_| Err(io::Error::other("the thread of the reactor has panicked")))?;
        Ok(Self {
            handle,
            stop,
            thread: Some(thread),
        })
    }

    /// A handle to its reactor.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Whether the thread has ended by itself, which an error of the system's poller makes it do. The
    /// reactor is gone then, and [`stop`](Self::stop) tells why.
    pub fn is_finished(&self) -> bool {
        let thread = self.thread.as_ref();
        thread.is_none_or(thread::JoinHandle::is_finished)
    }

    /// Ends the reactor, and waits for its thread.
    ///
    /// # Errors
    ///
    /// The error of the system's poller that had ended the thread before.
    /// [`Deadlock`](io::ErrorKind::Deadlock) in a task of that thread: it ends all the same, after the
    /// task's poll. An error with the source [`Forked`](crate::Forked) in a child process, which has no such
    /// thread.
    pub fn stop(mut self) -> io::Result<()> {
        self.end()
    }

    fn end(&mut self) -> io::Result<()> {
        let Some(thread) = self.thread.take() else {
            return Ok(());
        };
        if let Err(forked) = self.handle.shared().check_process() {
            // The thread is not in this process: it cannot be waited for, nor let go.
            mem::forget(thread);
            return Err(forked.into());
        }
        self.stop.complete(Ok(()));
        if thread.thread().id() == thread::current().id() {
            return Err(io::Error::new(
                io::ErrorKind::Deadlock,
                "the thread of a reactor cannot wait for its own end",
            ));
        }
        thread
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("the thread of the reactor has panicked")))
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if let Err(error) = self.end()
            && error.kind() != io::ErrorKind::Deadlock
            && !Forked::is_source_of(&error)
        {
            tracing::error!(%error, "the thread of a reactor has failed");
        }
    }
}

/// What the thread waits for: a result that is there, or comes and wakes it. The handle of a task waits
/// for the task's output in just that way.
pub(crate) type Stop = Join<()>;
