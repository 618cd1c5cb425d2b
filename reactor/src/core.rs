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
use mio::{Events, Token, event::Event as MioEvent};

use crate::{
    Handle, Spawner,
    executor::{Entered, Inside, Local, Message, TaskHeader, TaskId, drop_quietly},
    readiness::Event,
    shared::{Shared, wake_all},
    slot::{Slot, Wakes},
    slots::BELL,
    sync::lock,
    sys,
    time::Alarm,
    waker_set::Drained,
};

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
    poll: mio::Poll,
    events: Events,
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
        sys::watch_forks()?;
        let poll = mio::Poll::new()?;
        let poller_waker = mio::Waker::new(poll.registry(), BELL)?;
        let registry = poll.registry().try_clone()?;
        let (sender, messages) = crossbeam_channel::unbounded();
        let shared = Shared::new(registry, poller_waker, sender);
        let root = TaskHeader::new(shared.clone());
        root.arrive(TaskId::ROOT);
        root.scheduled().begin_poll();
        Ok(Self {
            poll,
            events: Events::with_capacity(EVENTS),
            local: Local::new(shared, root.clone()),
            root_waker: Waker::from(root.clone()),
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
    /// otherwise when the next timer is due; `None` if there is neither.
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
            shorter(max_wait, self.until_next_timer(max_wait))
        };
        let (polled, rung) = self.ask_poller(max_wait);
        match polled {
            Ok(()) => self.dispatch(),
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

    /// Only a loop that is going to wait falls asleep: a ring then costs a system call. Also says whether
    /// somebody has rung.
    fn ask_poller(&mut self, max_wait: Option<Duration>) -> (io::Result<()>, bool) {
        let Self {
            poll,
            events,
            local,
            ..
        } = self;
        let shared = local.shared();
        let counters = &shared.counters;
        counters.turns.add(1);
        shared.tracing.look();
        if max_wait == Some(Duration::ZERO) {
            let rung = shared.doorbell().wake_up();
            return (poll.poll(events, max_wait), rung);
        }
        if !shared.doorbell().fall_asleep() {
            return (poll.poll(events, Some(Duration::ZERO)), true);
        }
        counters.sleeps.add(1);
        let polled = poll.poll(events, max_wait);
        (polled, shared.doorbell().wake_up())
    }

    /// Marks the slots of all events under one lock, then wakes outside of it.
    fn dispatch(&mut self) {
        if self.events.is_empty() {
            return;
        }
        let shared = self.local.shared();
        let (mut events, mut stale) = (0, 0);
        let mut not_calmed = Vec::new();
        let mut woken = Woken {
            local: &self.local,
            tasks: 0,
            drained: &mut self.drained,
        };
        {
            let slots = lock(&shared.slots);
            for event in &self.events {
                if event.token() == BELL {
                    continue;
                }
                events += 1;
                match slots.get(event.token()) {
                    Some(slot) => {
                        let (read, write) = directions(event);
                        if slot.event(read, write, &mut woken)
                            && let Err(error) = calm(shared, slot, event.token())
                        {
                            not_calmed.push((event.token(), error));
                        }
                    }
                    None => stale += 1,
                }
            }
        }
        let counters = &shared.counters;
        counters.events.add(events);
        counters.stale_events.add(stale);
        let wakeups = woken.tasks + woken.drained.wakers.len() as u64;
        counters.wakeups.add(wakeups);
        tracing::trace!(events, stale, wakeups, "dispatched");
        wake_all(&mut self.drained);
        // Not under the lock: whoever writes the log may use the reactor.
        for (token, error) in not_calmed {
            tracing::error!(%error, token = token.0, "an object that nobody waits for keeps the loop awake");
        }
    }

    /// Takes what had been sent when it began: messages that lead to messages wait for the next turn.
    /// Whoever sends later rings again.
    fn take_messages(&mut self) {
        for _ in 0..self.messages.len() {
            match self.messages.try_recv() {
                Ok(Message::Wake(id)) => self.local.push(id),
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
        self.poll.registry().as_fd()
    }
}

/// What a batch of events wakes.
struct Woken<'a> {
    local: &'a Local,
    /// Tasks of the core itself, which are in its queue already.
    tasks: u64,
    drained: &'a mut Drained,
}

impl Wakes for Woken<'_> {
    #[inline(always)]
    fn wake_own(&mut self, task: TaskId) {
        self.tasks += 1;
        self.local.wake(task);
    }

    fn drained(&mut self) -> &mut Drained {
        self.drained
    }
}

/// Which directions an event makes ready.
#[inline(always)]
fn directions(event: &MioEvent) -> (Option<Event>, Option<Event>) {
    if event.is_read_closed() || event.is_write_closed() || event.is_error() || event.is_priority()
    {
        return directions_of_special(event);
    }
    let ready = |yes: bool| yes.then(Event::default);
    (ready(event.is_readable()), ready(event.is_writable()))
}

/// An error or a full hang-up is the business of both: a UDP socket's refused datagram arrives as an
/// error alone, and its reader must hear of it.
#[cold]
fn directions_of_special(event: &MioEvent) -> (Option<Event>, Option<Event>) {
    let error = event.is_error();
    let read_closed = event.is_read_closed() || error;
    let urgent = event.is_priority();
    let read = event.is_readable() || read_closed || urgent;
    let write_closed = event.is_write_closed() || error;
    let write = event.is_writable() || write_closed;
    (
        read.then(|| Event::new(read_closed, error, urgent)),
        write.then(|| Event::new(write_closed, error, false)),
    )
}

/// Keeps an object that nobody waits for from being reported at every turn.
#[cold]
fn calm(shared: &Shared, slot: &Slot, token: Token) -> io::Result<()> {
    let Some(descriptor) = slot.descriptor() else {
        return Ok(());
    };
    slot.calm(|watch| sys::calm(&shared.registry, descriptor, token, watch))
}

fn shorter(a: Option<Duration>, b: Option<Duration>) -> Option<Duration> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// Operations of the async forms that the root future may do in one poll.
const BUDGET: u32 = 128;
/// Events taken from the system at once; more wait for the next turn.
const EVENTS: usize = 1024;
