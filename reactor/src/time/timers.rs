//! The timers of one loop, short ones and long ones.

use std::{mem, time::Duration};

use super::{
    Deadline, Length, Waiter,
    length::LONG_TICK,
    table::{At, Table, TimerKey},
    wheel::Wheel,
};

/// Timers, with whoever waits for each. Times are nanoseconds since the reactor was made.
#[derive(Debug)]
pub(crate) struct Timers {
    table: Table,
    short: Wheel,
    long: Wheel,
    /// Long timers that are in no wheel yet, and the times when they are due. Those that are cancelled in the
    /// turn in which they were made never get there.
    fresh: Vec<(TimerKey, Deadline)>,
    /// About how many there were in the turns before.
    usually_fresh: usize,
}

/// Which of the two wheels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ticks {
    /// That of short timers.
    Short,
    /// That of all others.
    Long,
}

/// When the loop has to look at its timers again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Next {
    /// For whichever timer.
    pub(crate) any: Option<u64>,
    /// For a short one.
    pub(crate) short: Option<u64>,
}

impl Next {
    /// Whichever of two is sooner.
    pub(crate) fn min(self, other: Self) -> Self {
        Self {
            any: sooner(self.any, other.any),
            short: sooner(self.short, other.short),
        }
    }

    /// Whether a loop that sleeps until then looks too late for another timer.
    pub(crate) fn is_too_late_for(self, due: u64, length: Length) -> bool {
        let looks_at = match length {
            Length::Long | Length::VeryLong => self.any,
            // If it is a long one that the loop sleeps for, the poller may take a millisecond more.
            Length::Short => {
                let any = self.any.map(|any| any.saturating_add(1 << LONG_TICK));
                sooner(self.short, any)
            }
        };
        looks_at.is_none_or(|looks_at| length.fires_at(due) < looks_at)
    }
}

impl Timers {
    pub(crate) const fn new() -> Self {
        Self {
            table: Table::new(),
            short: Wheel::new(Ticks::Short, SHORT_TICK),
            long: Wheel::new(Ticks::Long, LONG_TICK),
            fresh: Vec::new(),
            usually_fresh: 0,
        }
    }

    pub(crate) fn insert(&mut self, due: u64, length: Length, waiter: Waiter) -> TimerKey {
        let key = self.table.insert(waiter);
        self.push(due, length, key);
        key
    }

    /// Adds a long timer that is to be [settled](Self::settle) before anybody asks for the next one.
    #[inline(always)]
    pub(crate) fn insert_fresh(&mut self, deadline: Deadline, waiter: Waiter) -> TimerKey {
        let key = self.table.insert(waiter);
        if self.fresh.len() == self.fresh.capacity() {
            self.drop_stale();
        }
        self.fresh.push((key, deadline));
        key
    }

    /// Puts those into their wheel that are new and still there. `nanos` tells when they are due.
    #[inline]
    pub(crate) fn settle(&mut self, now: impl FnOnce() -> u64, nanos: impl Fn(Deadline) -> u64) {
        if self.fresh.is_empty() {
            return;
        }
        let now = now();
        let mut fresh = mem::take(&mut self.fresh);
        self.usually_fresh = self.usually_fresh.max(fresh.len());
        for (key, deadline) in fresh.drain(..) {
            if self.table.contains(key) {
                let due = nanos(deadline);
                let left = Duration::from_nanos(due.saturating_sub(now));
                // They were long when they were made.
                let length = Length::of_duration(left).max(Length::Long);
                self.push(due, length, key);
            }
        }
        self.fresh = fresh;
    }

    /// Removes a timer that has not fired; returns who has waited for it.
    #[inline]
    pub(crate) fn cancel(&mut self, key: TimerKey) -> Option<Waiter> {
        let (waiter, at) = self.table.remove(key)?;
        if !at.is_fresh() {
            self.forget(at, key);
        } else if self.fresh.last().is_some_and(|(last, _)| *last == key) {
            self.fresh.pop();
        }
        Some(waiter)
    }

    /// Whether a timer has neither fired nor been cancelled.
    #[inline]
    pub(crate) fn contains(&self, key: TimerKey) -> bool {
        self.table.contains(key)
    }

    /// Who waits for a timer that has not fired.
    #[inline]
    pub(crate) fn waiter_mut(&mut self, key: TimerKey) -> Option<&mut Waiter> {
        self.table.waiter_mut(key)
    }

    #[inline]
    pub(crate) fn next(&self) -> Next {
        let (short, long) = (self.short.next_due(), self.long.next_due());
        Next {
            any: sooner(short, long),
            short,
        }
    }

    /// Whether there is something to be looked at.
    pub(crate) fn is_due(&self, now: u64) -> bool {
        self.short.is_due(now) || self.long.is_due(now)
    }

    /// Fires what is due at `now`, in about the order in which it is due: of long timers and of short ones both, if
    /// both are. It looks at `budget` timers, or up to 14 more of each kind; these are taken from the budget, and what
    /// is left is [due](Self::next) at once.
    pub(crate) fn fire(&mut self, now: u64, budget: &mut usize, mut fire: impl FnMut(Waiter)) {
        let Self {
            table, short, long, ..
        } = self;
        share(budget, long.is_due(now), |budget| {
            short.fire(now, budget, table, &mut fire);
        });
        long.fire(now, budget, table, &mut fire);
        short.shrink();
        long.shrink();
        table.shrink();
        self.shrink_fresh();
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there are none, and no memory of a crowd that has gone.
    #[inline]
    pub(crate) fn is_at_rest(&self) -> bool {
        self.table.len() == 0 && self.table.is_small() && self.fresh.capacity() <= FRESH_KEPT
    }

    /// Forgets all timers; returns who has waited for them.
    pub(crate) fn take_all(&mut self) -> impl Iterator<Item = Waiter> + use<> {
        mem::replace(self, Self::new()).table.into_waiters()
    }

    fn push(&mut self, due: u64, length: Length, key: TimerKey) {
        let due = length.fires_at(due);
        let at = match length {
            Length::Short => self.short.push(due, key),
            Length::Long | Length::VeryLong => self.long.push(due, key),
        };
        self.table.set_at(key, at);
    }

    #[inline(never)]
    fn forget(&mut self, at: At, key: TimerKey) {
        let (ticks, place) = at.in_wheel();
        match ticks {
            Ticks::Short => self.short.forget(place, key),
            Ticks::Long => self.long.forget(place, key),
        }
        if self.left_behind() > self.table.len() + LEFT_BEHIND {
            self.rebuild();
        }
    }

    /// How many entries there are of timers that are no more, or not yet in a wheel.
    fn left_behind(&self) -> usize {
        (self.short.entries() + self.long.entries()).saturating_sub(self.table.len())
    }

    #[cold]
    fn rebuild(&mut self) {
        self.short.rebuild(&self.table);
        self.long.rebuild(&self.table);
    }

    /// Gives back what memory a crowd of fresh timers has needed, some turns after it.
    fn shrink_fresh(&mut self) {
        if self.fresh.is_empty() && self.fresh.capacity() / SPARSE > self.usually_fresh {
            self.fresh.shrink_to(FRESH_KEPT);
        }
        self.usually_fresh /= 2;
    }

    /// Makes room among the fresh timers, if many of them have been cancelled.
    #[cold]
    fn drop_stale(&mut self) {
        let Self { table, fresh, .. } = self;
        fresh.retain(|(key, _)| table.contains(*key));
        fresh.reserve(fresh.len().max(FRESH_KEPT));
    }
}

/// Whichever of two times is sooner; `None` is never.
#[inline]
pub(crate) fn sooner<T: Ord>(a: Option<T>, b: Option<T>) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// Does some work with a budget, half of which is kept if there is other work besides.
pub(crate) fn share(budget: &mut usize, is_other_work: bool, work: impl FnOnce(&mut usize)) {
    let kept = if is_other_work { *budget / 2 } else { 0 };
    *budget -= kept;
    work(budget);
    *budget += kept;
}

/// 16 µs.
const SHORT_TICK: u32 = 14;
/// So many entries of cancelled timers are not worth a rebuild.
const LEFT_BEHIND: usize = 1024;
/// There is always room for so many fresh timers, once there were any.
const FRESH_KEPT: usize = 256;
/// They have too much room if it is so many times what is used.
const SPARSE: usize = 16;

#[cfg(all(test, not(loom)))]
mod tests;
