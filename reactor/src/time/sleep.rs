use std::{
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker, ready},
    time::{Duration, Instant},
};

use io_traits::task::budget;

use super::{Deadline, Length, Waiter, table::TimerKey};
use crate::{
    error::ReactorGone,
    executor::{self, TaskId},
    fault::{Fault, seeded},
    shared::Shared,
};

/// Waits until a point in time; from [`Handle::sleep`](crate::Handle::sleep).
///
/// It is never early. A future that is created and dropped without having been polled has cost nothing
/// but a look at the clock. Polled in a task of its core, on the core's thread, it costs no lock either.
///
/// Each poll compares it with the clock, but for the first one of a sleep of 8 ms or more: should its time
/// have come already, the task is woken when the loop looks at its timers next, in the same turn.
///
/// # Cancel safety
///
/// Cancel safe: dropping it cancels the timer.
///
/// # Errors
///
/// An error with the source [`ReactorGone`] when the core is dropped before the time has
/// come, and with the source [`Forked`](crate::Forked) in a child process.
#[derive(Debug)]
#[must_use = "futures do nothing unless they are polled"]
pub struct Sleep {
    shared: Arc<Shared>,
    deadline: Deadline,
    timer: Timer,
}

/// Where the timer of an earlier poll is.
///
/// ```text
///   Far ──▶ Own ──▶ None: over, or to be started by the clock ──▶ Own or Shared, and so on
/// ```
#[derive(Debug, Clone, Copy)]
enum Timer {
    /// Not polled yet, and far away when it was made: its first poll need not look at the clock.
    Far,
    None,
    /// Among those of the loop, in one of whose tasks that poll was.
    Own(TimerKey),
    /// Among those of everybody else.
    Shared(TimerKey),
}

impl Sleep {
    pub(crate) fn new(shared: Arc<Shared>, deadline: Option<Instant>) -> Self {
        Self {
            shared,
            deadline: Deadline::at(deadline),
            timer: Timer::None,
        }
    }

    /// It begins now.
    #[inline]
    pub(crate) fn after(shared: Arc<Shared>, duration: Duration) -> Self {
        Self {
            shared,
            deadline: Deadline::after(duration),
            timer: match Length::of_duration(duration) {
                Length::Short => Timer::None,
                Length::Long | Length::VeryLong => Timer::Far,
            },
        }
    }

    /// When it is over; `None` if that is later than the clock can say.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline.instant()
    }

    /// Waits until another point in time, whether it was over or not: at the next poll, at once if that is past.
    /// No task is woken for it before it has been polled again.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::{Duration, Instant};
    ///
    /// let mut core = reactor::Core::new()?;
    /// let mut sleep = core.handle().sleep(Duration::from_secs(3_600));
    /// sleep.reset(Instant::now() + Duration::from_millis(1));
    /// core.run(&mut sleep)??;
    /// # std::io::Result::Ok(())
    /// ```
    pub fn reset(&mut self, deadline: Instant) {
        self.set_deadline(Some(deadline));
    }

    /// `None`: later than the clock can say.
    pub(super) fn set_deadline(&mut self, deadline: Option<Instant>) {
        if !seeded(Fault::ResetKeepsTimer) {
            self.cancel();
        }
        self.deadline = Deadline::at(deadline);
    }

    /// Whether the time has come.
    pub fn is_elapsed(&self) -> bool {
        let now = Instant::now();
        self.deadline().is_some_and(|deadline| now >= deadline)
    }

    fn cancel(&mut self) {
        self.let_go();
        self.timer = Timer::None;
    }

    #[inline]
    fn let_go(&self) {
        match self.timer {
            Timer::Far | Timer::None => {}
            Timer::Own(key) => self.cancel_own(key),
            Timer::Shared(key) => self.cancel_shared(key),
        }
    }

    #[inline]
    fn cancel_own(&self, key: TimerKey) {
        let Self { shared, .. } = self;
        let cancelled =
            executor::with_inside(shared, |local| local.timers().cancel(key, &shared.timers));
        if cancelled.is_none() {
            self.give_up(key);
        }
    }

    /// Not on the thread of the loop, or not in a turn of it.
    #[cold]
    fn give_up(&self, key: TimerKey) {
        if self.shared.check_process().is_ok() && self.shared.timers.give_up(key) {
            self.shared.ring();
        }
    }

    fn cancel_shared(&self, key: TimerKey) {
        // In a child, a thread that held the lock holds it for ever.
        if self.shared.check_process().is_ok() {
            drop(self.shared.timers.cancel(key));
        }
    }
}

impl Future for Sleep {
    type Output = io::Result<()>;

    /// It spends a unit of the task's [budget] when it is over: a loop of sleeps that are over at once lets others
    /// run.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        ready!(budget::poll_left(cx));
        ready!(self.poll_over(cx))?;
        budget::spend();
        Poll::Ready(Ok(()))
    }
}

impl Sleep {
    /// Whether it is over, whatever is left of the budget: a limit must end a task that uses all of it.
    #[inline]
    pub(super) fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let own = executor::own_task(&self.shared, cx.waker());
        if let (Timer::Far, Some(task)) = (self.timer, own) {
            self.shared.check_process()?;
            self.start_far(task);
            return Poll::Pending;
        }
        self.poll_by_clock(own, cx)
    }

    fn poll_by_clock(&mut self, own: Option<TaskId>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.has_fired() {
            self.timer = Timer::None;
            return Poll::Ready(Ok(()));
        }
        let now = Instant::now();
        if self.deadline().is_some_and(|deadline| now >= deadline) {
            self.cancel();
            return Poll::Ready(Ok(()));
        }
        self.shared.check_process()?;
        // A timer that is no more although its time has not come: the core is gone, and says so.
        if !self.rewake(own, cx.waker()) {
            self.start(own, now, cx.waker())?;
        }
        Poll::Pending
    }

    /// Whether a timer of the loop has fired: it is not early, so there is no need for the clock.
    fn has_fired(&self) -> bool {
        let Timer::Own(key) = self.timer else {
            return false;
        };
        let waits = executor::with_inside(&self.shared, |local| local.timers().contains(key));
        waits == Some(false)
    }

    /// Makes the timer of an earlier poll wake that task; false if there is none.
    fn rewake(&mut self, own: Option<TaskId>, waker: &Waker) -> bool {
        match self.timer {
            Timer::Far | Timer::None => false,
            Timer::Own(key) => self.rewake_own(key, own, waker),
            Timer::Shared(key) => match self.shared.timers.wakes(key, waker) {
                Some(true) => true,
                // Cloning and dropping wakers is foreign code, so neither happens under the lock.
                Some(false) => self.shared.timers.set_waker(key, waker.clone()).0,
                None => false,
            },
        }
    }

    fn rewake_own(&mut self, key: TimerKey, own: Option<TaskId>, waker: &Waker) -> bool {
        let wakes =
            executor::with_inside(&self.shared, |local| local.timers().wakes(key, own, waker));
        match wakes {
            Some(Some(true)) => true,
            Some(Some(false)) => {
                let waiter = Waiter::new(own, waker);
                let set = |local: &executor::Local| local.timers().set_waiter(key, waiter);
                drop(executor::with_inside(&self.shared, set));
                true
            }
            Some(None) => false,
            None => {
                // It has moved away from its loop.
                self.cancel();
                false
            }
        }
    }

    fn start(
        &mut self,
        own: Option<TaskId>,
        now: Instant,
        waker: &Waker,
    ) -> Result<(), ReactorGone> {
        let length = match self.deadline() {
            Some(deadline) => Length::of_duration(deadline.saturating_duration_since(now)),
            None => Length::VeryLong,
        };
        if own.is_some() || executor::is_inside(&self.shared) {
            let due = (length == Length::Short).then(|| self.deadline.nanos(&self.shared));
            self.start_own(due, Waiter::new(own, waker));
            return Ok(());
        }
        let timers = &self.shared.timers;
        let (key, is_earlier) =
            timers.insert(self.deadline.nanos(&self.shared), length, waker.clone())?;
        self.timer = Timer::Shared(key);
        if is_earlier {
            self.shared.ring();
        }
        Ok(())
    }

    /// In a task of the loop, and far away.
    #[inline]
    fn start_far(&mut self, task: TaskId) {
        let Self {
            shared, deadline, ..
        } = &*self;
        let started = executor::with_inside(shared, |local| {
            (local.timers()).insert_long(*deadline, Waiter::Own(task), &shared.timers)
        });
        self.timer = Timer::Own(started.expect("this thread is inside of the loop"));
    }

    /// In a turn of the loop, which looks at its timers before it sleeps. `due` is when a short timer is.
    fn start_own(&mut self, due: Option<u64>, waiter: Waiter) {
        let Self {
            shared, deadline, ..
        } = &*self;
        let key = executor::with_inside(shared, |local| match due {
            Some(due) => (local.timers()).insert_short(due, waiter, &shared.timers),
            None => (local.timers()).insert_long(*deadline, waiter, &shared.timers),
        });
        self.timer = Timer::Own(key.expect("this thread is inside of the loop"));
    }
}

impl Drop for Sleep {
    #[inline]
    fn drop(&mut self) {
        self.let_go();
    }
}
