//! A hierarchical timing wheel: insertion, cancellation and firing in constant time.

use std::task::Waker;

use slab::Slab;

use crate::error::ReactorGone;

/// All timers of one reactor. Times are nanoseconds since the reactor was made.
///
/// ```text
///   level 0: 64 slots of 1 tick (16 µs)          due in the current 64 ticks
///   level 1: 64 slots of 64 ticks                 due in the current 64² ticks, and so on
///   …
///   level 6: 64 slots of 64⁶ ticks                the last, about 2 years; what is due later waits here
/// ```
///
/// A timer lies on the level of the highest digit (base 64) in which its due tick differs from the
/// current one. So everything on a level is due before anything on the next, and the slot of a level
/// that comes first holds the timer that is due first. When time reaches a slot of a higher level, its
/// timers move down.
#[derive(Debug)]
pub(crate) struct Wheel {
    /// Ticks that have passed. INVARIANT: every timer's slot lies after it.
    elapsed: u64,
    levels: Box<[Level; LEVELS]>,
    timers: Slab<Timer>,
    last_generation: u32,
    /// When the loop will look again by itself; an earlier timer from elsewhere has to ring.
    sleeping_until: u64,
    gone: bool,
}

/// Which timer; a key of a timer that is no more finds nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimerKey {
    index: u32,
    generation: u32,
}

#[derive(Debug)]
struct Level {
    /// One bit a slot: whether it holds timers.
    occupied: u64,
    slots: [Slot; SLOTS],
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    /// The first of a doubly linked list.
    first: u32,
    /// Nothing in the slot has to be looked at before this tick.
    earliest: u64,
}

#[derive(Debug)]
struct Timer {
    due: u64,
    waker: Waker,
    generation: u32,
    previous: u32,
    next: u32,
    level: u8,
    slot: u8,
}

impl Wheel {
    pub(crate) fn new() -> Self {
        Self {
            elapsed: 0,
            levels: Box::new([const { Level::EMPTY }; LEVELS]),
            timers: Slab::new(),
            last_generation: 0,
            sleeping_until: 0,
            gone: false,
        }
    }

    /// Adds a timer; also says whether the loop may have to be rung for, because the timer is due before
    /// the loop looks again by itself.
    pub(crate) fn insert(
        &mut self,
        due: u64,
        waker: Waker,
    ) -> Result<(TimerKey, bool), (ReactorGone, Waker)> {
        if self.gone {
            return Err((ReactorGone, waker));
        }
        // A loop without timers does not say how long it sleeps.
        let rings = self.timers.is_empty() || due < self.sleeping_until;
        self.last_generation = self.last_generation.wrapping_add(1);
        let generation = self.last_generation;
        let index = self.timers.insert(Timer {
            due: tick_not_before(due),
            waker,
            generation,
            previous: NONE,
            next: NONE,
            level: 0,
            slot: 0,
        });
        let index = u32::try_from(index).expect("fewer timers than bytes of memory");
        self.link(index);
        Ok((TimerKey { index, generation }, rings))
    }

    /// Removes a timer; its waker is returned so that it is dropped outside of the lock.
    pub(crate) fn cancel(&mut self, key: TimerKey) -> Option<Waker> {
        self.get(key)?;
        self.unlink(key.index);
        Some(self.timers.remove(key.index as usize).waker)
    }

    /// The waker of a timer that has not fired.
    pub(crate) fn waker_mut(&mut self, key: TimerKey) -> Option<&mut Waker> {
        let timer = self.timers.get_mut(key.index as usize)?;
        (timer.generation == key.generation).then_some(&mut timer.waker)
    }

    /// When the next timer is due, and notes that the loop sleeps until then.
    pub(crate) fn sleep(&mut self) -> Option<u64> {
        let next = self.next_due();
        self.sleeping_until = next.unwrap_or(u64::MAX);
        next
    }

    /// When the next timer is due; never after it.
    pub(crate) fn next_due(&self) -> Option<u64> {
        let (level, slot) = self.first_slot()?;
        let earliest = self.levels[level].slots[slot].earliest;
        Some(earliest.saturating_mul(TICK))
    }

    /// Removes all timers that are due at `now`; their wakers go to `out`.
    pub(crate) fn fire(&mut self, now: u64, out: &mut Vec<Waker>) {
        let now = now / TICK;
        while let Some((level, slot)) = self.first_slot() {
            let start = self.slot_start(level, slot);
            if start > now {
                break;
            }
            self.elapsed = start;
            let mut index = self.take_slot(level, slot);
            while index != NONE {
                let next = self.timers[index as usize].next;
                if self.timers[index as usize].due <= now {
                    out.push(self.timers.remove(index as usize).waker);
                } else {
                    self.link(index);
                }
                index = next;
            }
        }
        self.elapsed = self.elapsed.max(now);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.timers.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.timers.len()
    }

    /// Makes "gone" the answer for every timer, and every later one.
    pub(crate) fn set_gone(&mut self, out: &mut Vec<Waker>) {
        self.gone = true;
        *self.levels = [const { Level::EMPTY }; LEVELS];
        out.extend(self.timers.drain().map(|timer| timer.waker));
    }

    fn get(&self, key: TimerKey) -> Option<&Timer> {
        let timer = self.timers.get(key.index as usize)?;
        (timer.generation == key.generation).then_some(timer)
    }

    /// Puts a timer into the slot of its due tick.
    fn link(&mut self, index: u32) {
        let due = self.timers[index as usize].due;
        // What lies in the past or too far ahead is put as near as the wheel reaches.
        let place = due.clamp(self.elapsed + 1, self.elapsed + FARTHEST);
        let digit = (u64::BITS - 1 - (place ^ self.elapsed).leading_zeros()) / BITS;
        let level = (digit as usize).min(LEVELS - 1);
        let slot = (place >> (BITS * level as u32)) as usize % SLOTS;

        let list = &mut self.levels[level].slots[slot];
        let next = list.first;
        list.first = index;
        list.earliest = list.earliest.min(place);
        self.levels[level].occupied |= 1 << slot;
        if next != NONE {
            self.timers[next as usize].previous = index;
        }
        let timer = &mut self.timers[index as usize];
        timer.previous = NONE;
        timer.next = next;
        timer.level = level as u8;
        timer.slot = slot as u8;
    }

    fn unlink(&mut self, index: u32) {
        let Timer {
            previous,
            next,
            level,
            slot,
            ..
        } = self.timers[index as usize];
        if next != NONE {
            self.timers[next as usize].previous = previous;
        }
        if previous != NONE {
            self.timers[previous as usize].next = next;
        } else if next != NONE {
            self.levels[level as usize].slots[slot as usize].first = next;
        } else {
            self.take_slot(level as usize, slot as usize);
        }
    }

    /// Empties a slot; returns the first timer of the list that was in it.
    fn take_slot(&mut self, level: usize, slot: usize) -> u32 {
        let level = &mut self.levels[level];
        level.occupied &= !(1 << slot);
        std::mem::replace(&mut level.slots[slot], Slot::EMPTY).first
    }

    /// The occupied slot that comes first.
    fn first_slot(&self) -> Option<(usize, usize)> {
        self.levels.iter().enumerate().find_map(|(level, slots)| {
            if slots.occupied == 0 {
                return None;
            }
            let current = self.current_slot(level);
            let ahead = slots.occupied.rotate_right(current as u32).trailing_zeros();
            Some((level, (current + ahead as usize) % SLOTS))
        })
    }

    /// The first tick of a slot, at or after the current one.
    fn slot_start(&self, level: usize, slot: usize) -> u64 {
        let shift = BITS * level as u32;
        let ahead = (slot + SLOTS - self.current_slot(level)) % SLOTS;
        ((self.elapsed >> shift) + ahead as u64) << shift
    }

    fn current_slot(&self, level: usize) -> usize {
        (self.elapsed >> (BITS * level as u32)) as usize % SLOTS
    }
}

impl Level {
    const EMPTY: Self = Self {
        occupied: 0,
        slots: [Slot::EMPTY; SLOTS],
    };
}

impl Slot {
    const EMPTY: Self = Self {
        first: NONE,
        earliest: u64::MAX,
    };
}

/// Rounds up: a timer never fires before it is due.
fn tick_not_before(nanos: u64) -> u64 {
    nanos.div_ceil(TICK)
}

/// Nanoseconds.
const TICK: u64 = 1 << 14;
const BITS: u32 = 6;
const SLOTS: usize = 1 << BITS;
const LEVELS: usize = 7;
/// One slot of the last level short of a whole turn, so that it never is the current one.
const FARTHEST: u64 = ((SLOTS - 1) as u64) << (BITS * (LEVELS as u32 - 1));
const NONE: u32 = u32::MAX;

#[cfg(all(test, not(loom)))]
mod tests {
    use std::{
        collections::BTreeMap,
        sync::{
            Arc,
            atomic::{AtomicU64, Ordering},
        },
        task::Wake,
    };

    use super::*;

    /// Remembers how often it fired.
    #[derive(Default)]
    struct Fired(AtomicU64);

    impl Wake for Fired {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn random(state: &mut u64) -> u64 {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        *state
    }

    /// The wheel against a sorted map: nothing fires early, late, twice or never.
    #[test]
    fn fires_what_a_sorted_map_says() {
        for seed in 1..=40_u64 {
            let mut state = 0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(seed);
            let mut wheel = Wheel::new();
            let mut model: BTreeMap<u64, (u64, TimerKey, Arc<Fired>)> = BTreeMap::new();
            let (mut now, mut id) = (0, 0);
            for _ in 0..2_000 {
                match random(&mut state) % 8 {
                    0..=3 => {
                        // Deadlines from nanoseconds to years away, and some in the past.
                        let spread = random(&mut state) % 58;
                        let ahead = random(&mut state) & ((1 << spread) - 1);
                        let due = (now + ahead).saturating_sub(1_000);
                        let fired = Arc::new(Fired::default());
                        let (key, _) = wheel.insert(due, fired.clone().into()).unwrap();
                        model.insert(id, (due, key, fired));
                        id += 1;
                    }
                    4 => {
                        let position = random(&mut state) as usize % model.len().max(1);
                        if let Some(&id) = model.keys().nth(position) {
                            let (_, key, fired) = model.remove(&id).unwrap();
                            assert!(wheel.cancel(key).is_some());
                            assert!(wheel.cancel(key).is_none());
                            assert_eq!(fired.0.load(Ordering::Relaxed), 0);
                        }
                    }
                    choice => {
                        // To the next deadline, or some way on.
                        now = match wheel.next_due() {
                            Some(due) if choice < 7 => due.max(now),
                            _ => now + (random(&mut state) & ((1 << (seed % 50)) - 1)),
                        };
                        let mut out = Vec::new();
                        wheel.fire(now, &mut out);
                        out.into_iter().for_each(Waker::wake);
                        model.retain(|_, (due, _, fired)| {
                            match fired.0.load(Ordering::Relaxed) {
                                0 => {
                                    // One tick of rounding, and one for a deadline in the past.
                                    assert!(*due + 2 * TICK > now, "late: {due} at {now}");
                                    true
                                }
                                1 => {
                                    assert!(*due <= now, "early: {due} at {now}");
                                    false
                                }
                                _ => panic!("fired twice"),
                            }
                        });
                        assert_eq!(wheel.len(), model.len());
                    }
                }
            }
        }
    }

    #[test]
    fn the_next_due_time_of_a_lone_timer_is_its_own() {
        for due in [1, TICK, 100 * TICK, 5_000 * TICK, 1 << 40, 1 << 55] {
            let mut wheel = Wheel::new();
            wheel.insert(due, Waker::noop().clone()).unwrap();
            let next = wheel.next_due().unwrap();
            assert!((due..due + TICK).contains(&next), "{due}: {next}");
        }
    }

    #[test]
    fn a_timer_beyond_the_wheel_waits_its_time() {
        let mut wheel = Wheel::new();
        let fired = Arc::new(Fired::default());
        wheel.insert(u64::MAX, fired.clone().into()).unwrap();
        let mut out = Vec::new();
        for _ in 0..1_000 {
            let now = wheel.next_due().unwrap();
            if now == u64::MAX / TICK * TICK || now == u64::MAX {
                break;
            }
            wheel.fire(now, &mut out);
            assert!(out.is_empty());
        }
        assert_eq!(wheel.len(), 1);
    }

    #[test]
    fn firing_a_million_timers_leaves_nothing() {
        let mut wheel = Wheel::new();
        for n in 0..1_000_000_u64 {
            wheel
                .insert(n * 7_919 % 1_000_000_007, Waker::noop().clone())
                .unwrap();
        }
        let mut out = Vec::new();
        wheel.fire(1_000_000_007 + TICK, &mut out);
        assert_eq!((out.len(), wheel.len()), (1_000_000, 0));
        assert!(wheel.next_due().is_none());
    }
}
