#[cfg(all(unix, not(mio_unsupported_force_poll_poll)))]
use std::os::fd::{AsFd, BorrowedFd};
use std::{
    fmt,
    future::Future,
    io,
    pin::pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use crossbeam_channel::Receiver;
use io_traits::task::budget;

use self::{dispatch::dispatch, poller::Poller};
use crate::{
    CoreOptions, Handle, Spawner,
    executor::{Entered, Inside, Local, Message, TaskHeader, TaskId, drop_quietly},
    shared::Shared,
    slots::BELL,
    sync::lock,
    sys,
    time::{Alarm, sooner},
    waker_set::Drained,
};

mod dispatch;
mod poller;
mod stopwatch;
mod timers;

/// An event loop and the executor of its tasks, on one thread.
///
/// ```text
///   ┌▶ poll tasks (64 at most) ──▶ wait for the poller, or only ask it if tasks are left
///   │                                        │
///   └── take messages ◀── fire timers ◀── dispatch events ◀┘
/// ```
///
/// A core belongs to the thread that made it; [`Core::handle`] gives what other threads need. There can
/// be any number of cores, one to a thread or several. Nothing is global and no thread is started.
///
/// The poller is asked at least once every 64 polls of tasks. A task gets a budget of 128 operations
/// for each poll; the async forms yield when it is used up
/// ([`task::budget`](io_traits::task::budget)).
///
/// Dropping the core drops its tasks on this thread, wakes everybody who waits for one of its objects
/// or timers, and makes [`ReactorGone`](crate::ReactorGone) the answer of all later operations.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// let mut core = reactor::Core::new()?;
/// let handle = core.handle();
/// let answer = core.run(async move {
///     handle.sleep(Duration::from_millis(1)).await?;
///     std::io::Result::Ok(42)
/// })??;
/// assert_eq!(answer, 42);
/// # std::io::Result::Ok(())
/// ```
pub struct Core {
    poller: Poller,
    local: Rc<Local>,
    root: Arc<TaskHeader>,
    root_waker: Waker,
    messages: Receiver<Message>,
    alarm: Alarm,
    /// Tasks whose timers are due. Reused by each turn.
    due: Vec<TaskId>,
    /// Reused by each turn.
    drained: Drained,
}

impl Core {
    /// Makes an event loop.
    ///
    /// # Errors
    ///
    /// Those of the system, such as too many open files. Nothing is left behind then.
    pub fn new() -> io::Result<Self> {
        Self::with_options(CoreOptions::new())
    }

    /// Makes an event loop that works as `options` say.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn with_options(options: CoreOptions) -> io::Result<Self> {
        sys::watch_forks()?;
        let poll = mio::Poll::new()?;
        let poller_waker = mio::Waker::new(poll.registry(), BELL)?;
        let registry = poll.registry().try_clone()?;
        let (sender, messages) = crossbeam_channel::unbounded();
        let shared = Shared::new(registry, poller_waker, sender);
        let root = TaskHeader::new(shared.clone(), TaskId::ROOT);
        Ok(Self {
            poller: Poller::new(poll, options, &shared),
            local: Local::new(shared),
            root_waker: root.waker().clone(),
            root,
            messages,
            alarm: Alarm::default(),
            due: Vec::new(),
            drained: Drained::default(),
        })
    }

    /// Runs `future` to its end, and all spawned tasks meanwhile; returns the future's output.
    ///
    /// The future needs neither `'static` nor `Send`. Spawned tasks that are not done when it ends stay
    /// with the core and go on at the next `run` or `turn`.
    ///
    /// # Errors
    ///
    /// [`Deadlock`](io::ErrorKind::Deadlock) with the source [`NestedRun`](crate::NestedRun) if this
    /// thread is inside of a `run` or `turn` already, of whatever core. An error with the source
    /// [`Forked`](crate::Forked) in a child process. Those of the system's poller.
    ///
    /// # Panics
    ///
    /// A panic of `future` unwinds through `run`; the core can be used again. A panic of a spawned task
    /// does not: it is the result of its [`JoinHandle`](crate::JoinHandle).
    pub fn run<F: Future>(&mut self, future: F) -> io::Result<F::Output> {
        self.shared().check_process()?;
        let _inside = Inside::enter(&self.local)?;
        let _running = self.poller.start_stopwatch();
        let mut future = pin!(future);
        // The first poll needs no wake.
        self.root.schedule();
        loop {
            let output = self.local.poll_tasks(|| {
                self.root.scheduled().begin_poll();
                let shared = self.local.shared();
                let _current = Entered::new(shared, TaskId::ROOT, &self.root_waker);
                let mut cx = Context::from_waker(&self.root_waker);
                match budget::with(BUDGET, || future.as_mut().poll(&mut cx)) {
                    Poll::Ready(output) => Some(output),
                    Poll::Pending => None,
                }
            });
            if let Some(output) = output {
                return Ok(output);
            }
            self.park(None)?;
        }
    }

    /// Turns the loop once: waits for the poller at most `max_wait` (`None`: for as long as it takes),
    /// then polls up to 64 tasks.
    ///
    /// It does not wait while there are tasks to be polled. To drive the core from a foreign loop, wait
    /// there until the core's descriptor is readable or [`next_deadline`](Self::next_deadline) has
    /// come, and turn with `Some(Duration::ZERO)`.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    pub fn turn(&mut self, max_wait: Option<Duration>) -> io::Result<()> {
        let _inside = Inside::enter(&self.local)?;
        let _running = self.poller.start_stopwatch();
        self.park(max_wait)?;
        self.local.poll_tasks(|| {
            // Its `run` has ended.
            self.root.scheduled().begin_poll();
            None::<()>
        });
        Ok(())
    }

    /// A handle to this reactor, for any thread.
    pub fn handle(&self) -> Handle {
        Handle::new(self.shared().clone())
    }

    /// The door for tasks that are not `Send`.
    pub fn spawner(&self) -> Spawner {
        Spawner::new(self.local.clone())
    }

    /// When a foreign loop has to turn the core at the latest: now if there are tasks to be polled,
    /// otherwise when the next timer fires; `None` if there is neither.
    pub fn next_deadline(&self) -> Option<Instant> {
        if self.local.has_work() {
            return Some(Instant::now());
        }
        let left = self.until_next_timer(None)?;
        Instant::now().checked_add(left)
    }

    fn shared(&self) -> &Arc<Shared> {
        self.local.shared()
    }

    /// Asks the poller, waiting only if there is nothing to do, and hands out what it says.
    fn park(&mut self, max_wait: Option<Duration>) -> io::Result<()> {
        self.shared().check_process()?;
        let max_wait = if self.local.has_work() {
            Some(Duration::ZERO)
        } else {
            sooner(max_wait, self.until_next_timer(max_wait))
        };
        let shared = self.local.shared();
        let before = sys::HANG_UPS_LOSE_OTHERS.then(|| lock(&shared.slots).last_generation());
        let (polled, rung) = self.poller.ask(shared, max_wait);
        match polled {
            Ok(()) => dispatch(self.poller.events(), before, &self.local, &mut self.drained),
            // A signal; the deadline is computed anew at the next turn.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                // Nobody will ring again for what has been sent.
                self.take_messages();
                return Err(error);
            }
        }
        self.fire_timers();
        if rung {
            self.take_messages();
        }
        self.local.queue_deferred();
        Ok(())
    }

    /// Takes what had been sent when it began: messages that lead to messages wait for the next turn.
    /// Whoever sends later rings again.
    fn take_messages(&mut self) {
        for _ in 0..self.messages.len() {
            match self.messages.try_recv() {
                Ok(Message::Wake(id)) => self.local.wake(id),
                Ok(Message::Spawn(task)) => self.local.arrive(task),
                Err(_) => break,
            }
        }
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        self.shared().set_gone();
        self.local.close();
        self.close_timers();
        // What comes later is refused, or dropped by its sender.
        while let Ok(message) = self.messages.try_recv() {
            drop_quietly(message);
        }
    }
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core")
            .field("tasks", &self.local.task_count())
            .field("metrics", &self.shared().metrics())
            .finish_non_exhaustive()
    }
}

/// The descriptor becomes readable when the core has something to do.
#[cfg(all(unix, not(mio_unsupported_force_poll_poll)))]
impl AsFd for Core {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.poller.registry().as_fd()
    }
}

/// Operations of the async forms that the root future may do in one poll.
const BUDGET: u32 = 128;
