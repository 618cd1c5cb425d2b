//! Who waits for a timer, and whether anybody does.

use std::{mem, num::NonZeroU32};

use super::{Length, Waiter, place::Place};

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

    /// Gives back what memory a crowd of timers has needed that is no more.
    pub(super) fn shrink(&mut self) {
        let capacity = self.timers.capacity();
        if capacity <= SMALL || capacity / SPARSE <= self.count {
            return;
        }
        let last = self
            .timers
            .iter()
            .rposition(|timer| timer.generation.is_some());
        let kept = last.map_or(0, |last| last + 1);
        if kept > self.timers.len() / 2 {
            return;
        }
        self.timers.truncate(kept);
        self.timers.shrink_to(SMALL);
        self.first_free = NONE;
        for (index, timer) in self.timers.iter_mut().enumerate().rev() {
            if timer.generation.is_none() {
                timer.at = At(self.first_free);
                self.first_free = index as u32;
            }
        }
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
        index.expect("fewer timers than bytes of memory")
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
    pub(super) fn new(length: Length, place: Place) -> Self {
        Self(u32::from(place.to_bits()) << 1 | u32::from(length == Length::Long))
    }

    #[inline]
    pub(super) fn is_fresh(self) -> bool {
        self.0 == Self::FRESH.0
    }

    /// Of a timer that is in a wheel.
    #[inline]
    pub(super) fn in_wheel(self) -> (Length, Place) {
        let length = match self.0 & 1 {
            0 => Length::Short,
            _ => Length::Long,
        };
        (length, Place::from_bits((self.0 >> 1) as u16))
    }
}

const NONE: u32 = u32::MAX;
/// It shrinks if it has so many times the room that is used.
const SPARSE: usize = 16;
/// A table of so many timers need not shrink.
const SMALL: usize = 1024;

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
