//! Who waits for a timer, and whether anybody does.

use std::{mem, num::NonZeroU32};

use super::{Waiter, place::Place, timers::Ticks};

/// The timers that have neither fired nor been cancelled, by their keys.
///
/// The places of others are kept in a list, and the last one that became free is the next to be used.
#[derive(Debug)]
pub(super) struct Table {
    timers: Vec<Timer>,
    /// How many of them are there.
    count: usize,
    /// [`NONE`] if all places are used.
    first_free: u32,
    last_generation: NonZeroU32,
    /// A used place that was in the way when the table last wanted to shrink, or [`NONE`].
    in_the_way: u32,
    /// How many places were looked at then, less those that the turns since have paid for.
    debt: usize,
}

/// Which timer; a key of a timer that is no more finds nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimerKey {
    index: u32,
    generation: NonZeroU32,
}

impl TimerKey {
    /// Finds nothing.
    pub(super) const NONE: Self = Self {
        index: NONE,
        generation: NonZeroU32::MIN,
    };
}

#[derive(Debug)]
struct Timer {
    waiter: Waiter,
    /// `None` if the place is free.
    generation: Option<NonZeroU32>,
    at: At,
}

/// Where a timer lies; of a free place, the next one.
#[derive(Debug, Clone, Copy)]
pub(super) struct At(u32);

impl Table {
    pub(super) const fn new() -> Self {
        Self {
            timers: Vec::new(),
            count: 0,
            first_free: NONE,
            last_generation: NonZeroU32::MIN,
            in_the_way: NONE,
            debt: 0,
        }
    }

    /// Takes a timer in, which does not lie anywhere yet.
    #[inline(always)]
    pub(super) fn insert(&mut self, waiter: Waiter) -> TimerKey {
        let generation = self.last_generation.checked_add(1);
        let generation = generation.unwrap_or(NonZeroU32::MIN);
        self.last_generation = generation;
        self.count += 1;
        let timer = Timer {
            waiter,
            generation: Some(generation),
            at: At::FRESH,
        };
        let index = self.first_free;
        match self.timers.get_mut(index as usize) {
            Some(free) => {
                self.first_free = free.at.0;
                // Nobody is not dropped: that costs a look.
                mem::forget(mem::replace(free, timer));
                TimerKey { index, generation }
            }
            None => {
                let index = self.push(timer);
                TimerKey { index, generation }
            }
        }
    }

    /// Removes a timer; returns who has waited, and where it lay.
    #[inline]
    pub(super) fn remove(&mut self, key: TimerKey) -> Option<(Waiter, At)> {
        let first_free = self.first_free;
        let timer = self.get_mut(key)?;
        timer.generation = None;
        let waiter = mem::replace(&mut timer.waiter, Waiter::NOBODY);
        let at = mem::replace(&mut timer.at, At(first_free));
        self.first_free = key.index;
        self.count -= 1;
        Some((waiter, at))
    }

    #[inline]
    pub(super) fn contains(&self, key: TimerKey) -> bool {
        let timer = self.timers.get(key.index as usize);
        timer.is_some_and(|timer| timer.generation == Some(key.generation))
    }

    #[inline]
    pub(super) fn waiter_mut(&mut self, key: TimerKey) -> Option<&mut Waiter> {
        Some(&mut self.get_mut(key)?.waiter)
    }

    /// The timer lies there from now on.
    #[inline]
    pub(super) fn set_at(&mut self, key: TimerKey, at: At) {
        if let Some(timer) = self.get_mut(key) {
            timer.at = at;
        }
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// Whether there is no memory that would be worth giving back, however few timers there are.
    #[inline]
    pub(super) fn is_small(&self) -> bool {
        self.timers.capacity() <= SMALL
    }

    /// Gives back what memory a crowd of timers has needed that is no more; to be called once a turn. Says how many
    /// places it has looked at.
    ///
    /// A timer of the crowd that stays for long may be in the way. As long as its place is used, nothing else is
    /// looked at, and whatever else happens, no more than 64 places a turn on the average.
    pub(super) fn shrink(&mut self) -> usize {
        let capacity = self.timers.capacity();
        if self.is_small() || capacity / SPARSE <= self.count || self.would_look_in_vain() {
            return 0;
        }
        let is_used = |timer: &Timer| timer.generation.is_some();
        let last = self.timers.iter().rposition(is_used);
        let kept = last.map_or(0, |last| last + 1);
        let looked_at = self.timers.len() - kept;
        if kept > self.timers.len() / 2 {
            self.in_the_way = kept as u32 - 1;
            self.debt = looked_at;
            return looked_at;
        }
        self.timers.truncate(kept);
        self.timers.shrink_to(SMALL);
        self.forget_looks();
        self.first_free = NONE;
        for (index, timer) in self.timers.iter_mut().enumerate().rev() {
            if timer.generation.is_none() {
                timer.at = At(self.first_free);
                self.first_free = index as u32;
            }
        }
        looked_at + kept
    }

    /// All that wait.
    pub(super) fn into_waiters(self) -> impl Iterator<Item = Waiter> {
        let timers = self.timers.into_iter();
        timers.filter_map(|timer| timer.generation.map(|_| timer.waiter))
    }

    #[cold]
    fn push(&mut self, timer: Timer) -> u32 {
        let index = u32::try_from(self.timers.len())
            .ok()
            .filter(|&index| index < NONE);
        self.timers.push(timer);
        self.forget_looks();
        index.expect("fewer timers than bytes of memory")
    }

    /// Whether it is too early for another look at what is used.
    fn would_look_in_vain(&mut self) -> bool {
        let in_the_way = self.timers.get(self.in_the_way as usize);
        if in_the_way.is_some_and(|timer| timer.generation.is_some()) {
            return true;
        }
        self.debt = self.debt.saturating_sub(LOOKS_PER_TURN);
        self.debt > 0
    }

    fn forget_looks(&mut self) {
        self.in_the_way = NONE;
        self.debt = 0;
    }

    #[inline]
    fn get_mut(&mut self, key: TimerKey) -> Option<&mut Timer> {
        let timer = self.timers.get_mut(key.index as usize)?;
        (timer.generation == Some(key.generation)).then_some(timer)
    }
}

impl At {
    /// Not in a wheel yet.
    pub(super) const FRESH: Self = Self(u32::MAX);

    #[inline]
    pub(super) fn new(ticks: Ticks, place: Place) -> Self {
        Self(u32::from(place.to_bits()) << 1 | u32::from(ticks == Ticks::Long))
    }

    #[inline]
    pub(super) fn is_fresh(self) -> bool {
        self.0 == Self::FRESH.0
    }

    /// Of a timer that is in a wheel.
    #[inline]
    pub(super) fn in_wheel(self) -> (Ticks, Place) {
        let ticks = match self.0 & 1 {
            0 => Ticks::Short,
            _ => Ticks::Long,
        };
        (ticks, Place::from_bits((self.0 >> 1) as u16))
    }
}

const NONE: u32 = u32::MAX;
/// It shrinks if it has so many times the room that is used.
const SPARSE: usize = 16;
/// A table of so many timers need not shrink.
const SMALL: usize = 1024;
/// What a turn pays of a look for room that was in vain.
const LOOKS_PER_TURN: usize = 64;

#[cfg(all(test, not(loom)))]
impl Table {
    /// Bytes on the heap.
    pub(super) fn memory(&self) -> usize {
        self.timers.capacity() * size_of::<Timer>()
    }
}

#[cfg(all(test, not(loom)))]
impl TimerKey {
    /// For any order but that of their making.
    pub(super) fn scrambled(self) -> u32 {
        self.generation.get().wrapping_mul(2_654_435_761)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const CROWD: usize = 100_000;

    /// A table in which only some of a crowd are left.
    fn left_of_a_crowd(left: std::ops::Range<usize>) -> (Table, Vec<TimerKey>) {
        let mut table = Table::new();
        let mut keys: Vec<_> = (0..CROWD).map(|_| table.insert(Waiter::NOBODY)).collect();
        let kept = keys.splice(left, []).collect();
        // The first place becomes free last, so that it is the next to be used.
        for key in keys.into_iter().rev() {
            table.remove(key).expect("it is there");
        }
        (table, kept)
    }

    /// As a timer comes and goes at each turn.
    fn turn(table: &mut Table) -> usize {
        let key = table.insert(Waiter::NOBODY);
        let looked_at = table.shrink();
        table.remove(key).expect("it is there");
        looked_at
    }

    #[test]
    fn a_timer_that_stays_for_long_of_a_crowd_is_not_looked_for_at_each_turn() {
        let (mut table, left) = left_of_a_crowd(CROWD / 2 + 1..CROWD / 2 + 2);
        let looked_at: usize = (0..10_000).map(|_| turn(&mut table)).sum();
        assert!(looked_at <= CROWD, "{looked_at}");
        // Once it is gone, the memory goes.
        table.remove(left[0]).expect("it is there");
        let looked_at: usize = (0..CROWD / LOOKS_PER_TURN).map(|_| table.shrink()).sum();
        assert!(looked_at <= 2 * CROWD, "{looked_at}");
        assert!(table.memory() <= SMALL * size_of::<Timer>());
    }

    #[test]
    fn those_that_are_in_the_way_one_after_the_other_cost_few_looks_a_turn() {
        const STAY: usize = 5_000;
        let (mut table, left) = left_of_a_crowd(CROWD / 2 + 1..CROWD / 2 + 1 + STAY);
        let looks = left.iter().rev().map(|key| {
            table.remove(*key).expect("it is there");
            table.shrink()
        });
        let looked_at: usize = looks.sum();
        assert!(
            looked_at <= 2 * CROWD + LOOKS_PER_TURN * STAY,
            "{looked_at}"
        );
        assert_eq!(table.len(), 0);
    }
}
