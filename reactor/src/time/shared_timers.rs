use std::{mem, task::Waker};

use super::{
    Length, Waiter,
    table::TimerKey,
    timers::{Next, Timers},
};
use crate::{
    error::ReactorGone,
    fault::{Fault, seeded},
    sync::{AtomicBool, AtomicUsize, Mutex, Ordering, lock},
};

/// The timers of one loop that other threads have made, or moved to themselves.
///
/// Those that are made in the loop's own tasks are its [`OwnTimers`](super::OwnTimers), which take no lock. Such a
/// timer may still be given up elsewhere, when its future has moved: its key then waits here until the loop comes by.
#[derive(Debug)]
pub(crate) struct SharedTimers {
    locked: Mutex<Locked>,
    /// False if there are none; the loop then need not take the lock. Written under the lock. A cancel leaves it
    /// as it is, so that the loop looks once more, and says then how long it sleeps.
    any: AtomicBool,
    /// How many there are, for the metrics, which take no lock that the loop needs to fall asleep. Written under
    /// the lock.
    count: AtomicUsize,
    /// How many the loop itself has. Written by its thread alone.
    own_count: AtomicUsize,
    /// Timers of the loop itself that were given up elsewhere; `None` once the loop is gone.
    given_up: Mutex<Option<Vec<TimerKey>>>,
    /// How many of them. Written under their lock.
    given_up_count: AtomicUsize,
}

#[derive(Debug)]
struct Locked {
    timers: Timers,
    /// When the loop looks again by itself, for whichever timer, its own ones as well; whoever makes another that
    /// this is too late for has to ring. INVARIANT: that is any timer while [`SharedTimers::any`] is false, as the
    /// loop does not say then how long it sleeps.
    sleeps_until: Next,
    gone: bool,
}

impl SharedTimers {
    pub(crate) fn new() -> Self {
        Self {
            locked: Mutex::new(Locked {
                timers: Timers::new(),
                sleeps_until: Next::default(),
                gone: false,
            }),
            any: AtomicBool::new(false),
            count: AtomicUsize::new(0),
            own_count: AtomicUsize::new(0),
            given_up: Mutex::new(Some(Vec::new())),
            given_up_count: AtomicUsize::new(0),
        }
    }

    /// Adds a timer; also says whether the loop has to be rung for, because the timer is due before the loop
    /// looks again by itself.
    pub(crate) fn insert(
        &self,
        due: u64,
        length: Length,
        waker: Waker,
    ) -> Result<(TimerKey, bool), ReactorGone> {
        let mut locked = lock(&self.locked);
        if locked.gone {
            // The waker is dropped outside of the lock.
            drop(locked);
            drop(waker);
            return Err(ReactorGone);
        }
        let rings = locked.sleeps_until.is_too_late_for(due, length);
        let key = locked.timers.insert(due, length, Waiter::Other(waker));
        self.any.store(true, Ordering::Relaxed);
        self.count_locked(&locked);
        Ok((key, rings))
    }

    /// Removes a timer; its waker is returned so that it is dropped outside of the lock.
    pub(crate) fn cancel(&self, key: TimerKey) -> Option<Waker> {
        let mut locked = lock(&self.locked);
        if seeded(Fault::CancelLeavesTimer) {
            return locked.timers.waiter_mut(key).map(|_| Waker::noop().clone());
        }
        let waiter = locked.timers.cancel(key);
        self.count_locked(&locked);
        waiter.and_then(Waiter::other)
    }

    /// Whether there is such a timer, and whether it wakes that task.
    pub(crate) fn wakes(&self, key: TimerKey, waker: &Waker) -> Option<bool> {
        let mut locked = lock(&self.locked);
        let stored = locked.timers.waiter_mut(key)?;
        Some(stored.is(None, waker))
    }

    /// Exchanges the waker of a timer, and returns the one that is not needed; also says whether there is such a
    /// timer.
    pub(crate) fn set_waker(&self, key: TimerKey, waker: Waker) -> (bool, Option<Waker>) {
        if seeded(Fault::TimerKeepsFirstWaker) {
            return (true, Some(waker));
        }
        let mut waiter = Waiter::Other(waker);
        let mut locked = lock(&self.locked);
        let stored = locked.timers.waiter_mut(key);
        let found = stored.map(|stored| mem::swap(stored, &mut waiter));
        (found.is_some(), waiter.other())
    }

    /// Whether there may be any: whoever adds the first one rings for it, so the loop cannot sleep with a stale
    /// answer.
    #[inline]
    pub(crate) fn any(&self) -> bool {
        self.any.load(Ordering::Relaxed)
    }

    /// When the loop has to look at its timers again, of which the next one of its `own` is due then; and notes that
    /// it sleeps until that time.
    pub(crate) fn sleep(&self, own: Next) -> Next {
        if !self.any() {
            return own;
        }
        let mut locked = lock(&self.locked);
        locked.sleeps_until = own.min(locked.timers.next());
        locked.sleeps_until
    }

    /// Takes out the wakers of what is due at `now`, within the budget of [`Timers::fire`]; they are to be woken outside
    /// of the lock.
    pub(crate) fn fire(&self, now: u64, budget: &mut usize, out: &mut Vec<Waker>) {
        let mut locked = lock(&self.locked);
        let waiters = |waiter: Waiter| out.extend(waiter.other());
        locked.timers.fire(now, budget, waiters);
        if locked.timers.len() == 0 {
            locked.sleeps_until = Next::default();
            self.any.store(false, Ordering::Relaxed);
        }
        self.count_locked(&locked);
    }

    /// How many timers there are, those of the loop itself as well.
    pub(crate) fn count(&self) -> usize {
        // What is given up is counted in this order: never as more than there was.
        let given_up = self.given_up_count();
        let own = self.own_count.load(Ordering::Relaxed);
        self.count.load(Ordering::Relaxed) + own.saturating_sub(given_up)
    }

    /// The loop itself has so many timers now.
    #[inline]
    pub(super) fn count_own(&self, count: usize) {
        self.own_count.store(count, Ordering::Relaxed);
    }

    /// Makes "gone" the answer for every timer, and every later one.
    pub(crate) fn set_gone(&self, out: &mut Vec<Waker>) {
        {
            let mut locked = lock(&self.locked);
            locked.gone = true;
            out.extend(locked.timers.take_all().filter_map(Waiter::other));
            self.count_locked(&locked);
        }
        let mut given_up = lock(&self.given_up);
        *given_up = None;
        self.given_up_count.store(0, Ordering::Relaxed);
    }

    /// A timer of the loop itself is given up by somebody who is not in the loop; false if that is gone.
    #[must_use]
    pub(crate) fn give_up(&self, key: TimerKey) -> bool {
        let mut given_up = lock(&self.given_up);
        let Some(given_up) = &mut *given_up else {
            return false;
        };
        given_up.push(key);
        self.given_up_count.store(given_up.len(), Ordering::Relaxed);
        true
    }

    /// How many timers the loop has that were given up.
    #[inline]
    pub(crate) fn given_up_count(&self) -> usize {
        self.given_up_count.load(Ordering::Relaxed)
    }

    /// Those timers of the loop that were given up.
    #[cold]
    pub(crate) fn take_given_up(&self) -> Vec<TimerKey> {
        let mut given_up = lock(&self.given_up);
        self.given_up_count.store(0, Ordering::Relaxed);
        given_up.as_mut().map(mem::take).unwrap_or_default()
    }

    fn count_locked(&self, locked: &Locked) {
        self.count.store(locked.timers.len(), Ordering::Relaxed);
    }
}
