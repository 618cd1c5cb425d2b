use std::{
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Instant,
};

use io_traits::task::budget;

use super::wheel::TimerKey;
use crate::{error::ReactorGone, executor, shared::Shared, sync::lock};

/// Waits until a point in time; from [`Handle::sleep`](crate::Handle::sleep).
///
/// It is never early. A future that is created and dropped without having been polled has cost nothing
/// but a look at the clock.
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
    /// `None`: later than the clock can say.
    deadline: Option<Instant>,
    /// Since the first poll that had to wait.
    timer: Option<TimerKey>,
}

impl Sleep {
    pub(crate) fn new(shared: Arc<Shared>, deadline: Option<Instant>) -> Self {
        Self {
            shared,
            deadline,
            timer: None,
        }
    }

    /// When it is over; `None` if that is later than the clock can say.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
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
        self.cancel();
        self.deadline = deadline;
    }

    /// Whether the time has come.
    pub fn is_elapsed(&self) -> bool {
        self.deadline
            .is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// Makes the timer of an earlier poll wake the task of `cx`; false if there is none.
    fn rewake(&self, cx: &Context<'_>) -> bool {
        let Some(key) = self.timer else {
            return false;
        };
        {
            let mut timers = lock(&self.shared.timers);
            match timers.waker_mut(key) {
                None => return false,
                Some(waker) if waker.will_wake(cx.waker()) => return true,
                Some(_) => {}
            }
        }
        // Cloning and dropping wakers is foreign code, so neither happens under the lock.
        let mut waker = cx.waker().clone();
        let mut timers = lock(&self.shared.timers);
        let Some(stored) = timers.waker_mut(key) else {
            return false;
        };
        std::mem::swap(stored, &mut waker);
        drop(timers);
        drop(waker);
        true
    }

    fn start(&mut self, cx: &Context<'_>) -> Result<(), ReactorGone> {
        let due = self
            .deadline
            .map_or(u64::MAX, |deadline| self.shared.nanos_at(deadline));
        let waker = cx.waker().clone();
        let inserted = {
            let mut timers = lock(&self.shared.timers);
            let inserted = timers.insert(due, waker);
            self.shared.note_timers(&timers);
            inserted
        };
        let (timer, earlier) = inserted.map_err(|(gone, _waker)| gone)?;
        self.timer = Some(timer);
        // On its own thread the loop is awake and looks at the timers before it sleeps.
        if earlier && !executor::is_inside(&self.shared) {
            self.shared.ring();
        }
        Ok(())
    }

    fn cancel(&mut self) {
        if let Some(key) = self.timer.take()
            && self.shared.check_process().is_ok()
        {
            let cancelled = {
                let mut timers = lock(&self.shared.timers);
                let cancelled = timers.cancel(key);
                self.shared.count_timers(&timers);
                cancelled
            };
            drop(cancelled);
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
    pub(super) fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_elapsed() {
            self.cancel();
            return Poll::Ready(Ok(()));
        }
        self.shared.check_process()?;
        // A timer that is no more although its time has not come: the core is gone, and says so.
        if !self.rewake(cx) {
            self.start(cx)?;
        }
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.cancel();
    }
}
