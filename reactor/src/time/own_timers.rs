use std::{cell::RefCell, task::Waker};

use super::{
    Deadline, Length, SharedTimers, Waiter,
    table::TimerKey,
    timers::{Next, Timers},
};
use crate::executor::TaskId;

/// The timers that were made in the tasks of a loop, on its thread. They take no lock, and a task that waits
/// is remembered by its number.
///
/// The [`SharedTimers`] of the same loop, which any thread sees, are told how many there are.
#[derive(Debug)]
pub(crate) struct OwnTimers(RefCell<Timers>);

impl OwnTimers {
    pub(crate) const fn new() -> Self {
        Self(RefCell::new(Timers::new()))
    }

    pub(super) fn insert_short(&self, due: u64, waiter: Waiter, shared: &SharedTimers) -> TimerKey {
        let mut timers = self.0.borrow_mut();
        let key = timers.insert(due, Length::Short, waiter);
        shared.count_own(timers.len());
        key
    }

    /// As [`insert_short`](Self::insert_short), for a long timer.
    #[inline(always)]
    pub(super) fn insert_long(
        &self,
        deadline: Deadline,
        waiter: Waiter,
        shared: &SharedTimers,
    ) -> TimerKey {
        let mut timers = self.0.borrow_mut();
        let key = timers.insert_fresh(deadline, waiter);
        shared.count_own(timers.len());
        key
    }

    /// To be called before anybody asks what is next, or due.
    #[inline]
    pub(crate) fn settle(&self, now: impl FnOnce() -> u64, nanos: impl Fn(Deadline) -> u64) {
        self.0.borrow_mut().settle(now, nanos);
    }

    /// Removes a timer that has not fired. What is returned is foreign code, as a waker is.
    #[inline]
    pub(super) fn cancel(&self, key: TimerKey, shared: &SharedTimers) -> Option<Waiter> {
        let mut timers = self.0.borrow_mut();
        let waiter = timers.cancel(key);
        shared.count_own(timers.len());
        waiter
    }

    /// Whether it has neither fired nor been cancelled.
    #[inline]
    pub(super) fn contains(&self, key: TimerKey) -> bool {
        self.0.borrow().contains(key)
    }

    /// `None` if it has fired; otherwise whether it wakes the task of that waker, whose number is `own` if it
    /// is the one that is being polled.
    #[inline]
    pub(super) fn wakes(&self, key: TimerKey, own: Option<TaskId>, waker: &Waker) -> Option<bool> {
        let mut timers = self.0.borrow_mut();
        Some(timers.waiter_mut(key)?.is(own, waker))
    }

    /// Exchanges who is woken; returns who is not woken then.
    pub(super) fn set_waiter(&self, key: TimerKey, waiter: Waiter) -> Waiter {
        match self.0.borrow_mut().waiter_mut(key) {
            Some(stored) => std::mem::replace(stored, waiter),
            None => waiter,
        }
    }

    /// When the next one is due.
    #[inline]
    pub(crate) fn next(&self) -> Next {
        self.0.borrow().next()
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.borrow().len() == 0
    }

    /// Whether there are none, and no memory of a crowd that has gone.
    #[inline]
    pub(crate) fn are_at_rest(&self) -> bool {
        self.0.borrow().is_at_rest()
    }

    /// Whether there is something to be looked at.
    #[inline]
    pub(crate) fn is_due(&self, now: u64) -> bool {
        self.0.borrow().is_due(now)
    }

    /// Takes out who waits for what is due at `now`, within the budget of [`Timers::fire`]: tasks of the loop go to
    /// `own`, others to `out`.
    pub(crate) fn fire(
        &self,
        now: u64,
        budget: &mut usize,
        own: &mut Vec<TaskId>,
        out: &mut Vec<Waker>,
        shared: &SharedTimers,
    ) {
        let mut timers = self.0.borrow_mut();
        timers.fire(now, budget, |waiter| match waiter {
            Waiter::Own(task) => own.push(task),
            Waiter::Other(waker) => out.push(waker),
        });
        shared.count_own(timers.len());
    }

    /// Removes those that were given up elsewhere; the wakers that are not needed any more go to `out`.
    #[cold]
    pub(crate) fn take_given_up(&self, out: &mut Vec<Waker>, shared: &SharedTimers) {
        for key in shared.take_given_up() {
            out.extend(self.cancel(key, shared).and_then(Waiter::other));
        }
    }

    /// Forgets all timers. Those who are no tasks of the loop go to `out`.
    pub(crate) fn close(&self, out: &mut Vec<Waker>, shared: &SharedTimers) {
        let waiters = self.0.borrow_mut().take_all();
        shared.count_own(0);
        out.extend(waiters.filter_map(Waiter::other));
    }
}
