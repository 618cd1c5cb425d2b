use std::{
    any::Any,
    fmt,
    future::{Future, IntoFuture},
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::task::{FutureObj, Spawn, SpawnError};

use crate::{
    DebugDump, Interval, JoinHandle, Metrics, Sleep, Timeout,
    error::ReactorGone,
    executor::{Message, is_inside, new_task, with_inside},
    shared::Shared,
    sync::lock,
};

/// The way to a reactor, from any thread: register objects, make timers, spawn tasks.
///
/// It is `Clone + Send + Sync` and cheap to clone. It does not keep the core alive: once that is
/// dropped, every operation says so.
#[derive(Clone)]
pub struct Handle {
    shared: Arc<Shared>,
}

impl Handle {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Spawns a task on the core's thread.
    ///
    /// If the core is gone, the future is dropped and the [`JoinHandle`] says that it was cancelled.
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        // An error: the core is gone. The task has been dropped, and its handle knows.
        self.start(future).0
    }

    fn start<F>(&self, future: F) -> (JoinHandle<F::Output>, Result<(), ReactorGone>)
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        if is_inside(&self.shared) {
            let spawned = with_inside(&self.shared, |local| local.spawn(future));
            return (spawned.expect("this thread is inside of the loop"), Ok(()));
        }
        let (task, handle) = new_task(future, &self.shared, None);
        (handle, self.shared.send(Message::Spawn(task)))
    }

    /// Waits for `duration`. However long that is, it does not panic.
    ///
    /// It is never too short. What it is too long by depends on its length: less than 8 ms are, on Linux, as exact
    /// as the system's timers, and elsewhere as its poller, which may know whole milliseconds alone; a longer
    /// sleep may take 2 ms more than was asked for, and one of 128 ms or more 6 ms, so that many of them end together.
    #[inline]
    pub fn sleep(&self, duration: Duration) -> Sleep {
        Sleep::after(self.shared.clone(), duration)
    }

    /// Waits until `deadline`; a deadline in the past is ready at once. It is as exact as a [`sleep`](Self::sleep) of
    /// what is left when it is polled for the first time.
    pub fn sleep_until(&self, deadline: Instant) -> Sleep {
        Sleep::new(self.shared.clone(), Some(deadline))
    }

    /// Ticks each `period`, the first time one period from now. Each tick is as exact as a [`sleep`](Self::sleep) until
    /// it is due; what it is late by is not added to the next one.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) for a period of 0.
    pub fn interval(&self, period: Duration) -> io::Result<Interval> {
        Interval::new(self.sleep(period), period)
    }

    /// Ticks each `period`, the first time at `start`: at once if that is past.
    ///
    /// # Errors
    ///
    /// As [`interval`](Self::interval).
    pub fn interval_at(&self, start: Instant, period: Duration) -> io::Result<Interval> {
        Interval::new(self.sleep_until(start), period)
    }

    /// Gives `future` a limit of time, which is as exact as a [`sleep`](Self::sleep).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::{future::pending, io::ErrorKind, time::Duration};
    ///
    /// let mut core = reactor::Core::new()?;
    /// let handle = core.handle();
    /// let late = core.run(handle.timeout(Duration::from_millis(1), pending::<()>()))?;
    /// assert_eq!(late.unwrap_err().kind(), ErrorKind::TimedOut);
    /// # std::io::Result::Ok(())
    /// ```
    pub fn timeout<F: IntoFuture>(&self, duration: Duration, future: F) -> Timeout<F::IntoFuture> {
        Timeout::new(future.into_future(), self.sleep(duration))
    }

    /// Gives `future` until `deadline`: if that is past, it is polled once. It is as exact as
    /// [`sleep_until`](Self::sleep_until).
    ///
    /// # Examples
    ///
    /// Several steps that have to be done by the same time:
    ///
    /// ```
    /// use std::time::{Duration, Instant};
    ///
    /// let mut core = reactor::Core::new()?;
    /// let handle = core.handle();
    /// core.run(async {
    ///     let deadline = Instant::now() + Duration::from_secs(5);
    ///     handle.timeout_at(deadline, async { "hello" }).await?;
    ///     handle.timeout_at(deadline, async { "world" }).await
    /// })??;
    /// # std::io::Result::Ok(())
    /// ```
    pub fn timeout_at<F: IntoFuture>(
        &self,
        deadline: Instant,
        future: F,
    ) -> Timeout<F::IntoFuture> {
        Timeout::new(future.into_future(), self.sleep_until(deadline))
    }

    /// What all users of this reactor share of a type; made at the first call.
    ///
    /// For crates that build on this one: `net` keeps the threads that resolve names here. The value
    /// lives as long as anything of the reactor does: its core, a handle, an object, a timer. So it must
    /// not hold a handle of this reactor itself, or neither would ever end.
    ///
    /// When two threads call it at once for the first time, both may `make`, and one value is dropped. In a
    /// forked child each call makes one for itself: what the value stands for, such as threads, has stayed in the
    /// parent. See [`Forked`](crate::Forked).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::{Arc, atomic::AtomicU64};
    ///
    /// let core = reactor::Core::new()?;
    /// let sent = core.handle().extension(|| AtomicU64::new(0));
    /// assert!(Arc::ptr_eq(&sent, &core.handle().extension(AtomicU64::default)));
    /// # std::io::Result::Ok(())
    /// ```
    pub fn extension<T: Any + Send + Sync>(&self, make: impl FnOnce() -> T) -> Arc<T> {
        // In a child, a thread that held the lock holds it for ever.
        if self.shared.check_process().is_err() {
            return Arc::new(make());
        }
        self.shared.extensions.get_or_insert(make)
    }

    /// What the reactor has done so far, and what there is of it now.
    ///
    /// In a forked child, what there is now counts as nothing: see [`Forked`](crate::Forked).
    pub fn metrics(&self) -> Metrics {
        self.shared.metrics()
    }

    /// What the reactor knows of each of its objects, and who waits for it: for the question why something
    /// hangs. From any thread, also while the loop sleeps.
    ///
    /// It looks at every object under a lock, so it is not for every second.
    ///
    /// # Examples
    ///
    /// ```
    /// let core = reactor::Core::new()?;
    /// println!("{}", core.handle().debug_dump());
    /// # std::io::Result::Ok(())
    /// ```
    pub fn debug_dump(&self) -> DebugDump {
        self.shared.debug_dump()
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }
}

/// For libraries that spawn wherever they are told to.
impl Spawn for Handle {
    fn spawn_obj(&self, future: FutureObj<'static, ()>) -> Result<(), SpawnError> {
        let (_detached, started) = self.start(future);
        started.map_err(|_| SpawnError::shutdown())
    }

    fn status(&self) -> Result<(), SpawnError> {
        let gone = || lock(&self.shared.slots).is_gone();
        if self.shared.check_process().is_err() || gone() {
            return Err(SpawnError::shutdown());
        }
        Ok(())
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").finish_non_exhaustive()
    }
}
