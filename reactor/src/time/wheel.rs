//! A hierarchical timing wheel: insertion, cancellation and firing in constant time.

use std::{hint, mem};

use super::{
    Waiter,
    chunks::{Chain, Chunks, Entry},
    place::{Place, SLOTS},
    table::{At, Table, TimerKey},
    timers::Ticks,
};

/// Timers by the time when they are due, in nanoseconds since the reactor was made.
///
/// ```text
///   level 0: 64 slots of 1 tick                   due in the current 64 ticks
///   level 1: 64 slots of 64 ticks                 due in the current 64² ticks, and so on
///   …
///   level 6: 64 slots of 64⁶ ticks                the last; what is due later waits here
/// ```
///
/// A timer lies on the level of the highest digit (base 64) in which its due tick differs from the
/// current one. So everything on a level is due before anything on the next, and the slot of a level
/// that comes first holds the timer that is due first. When time reaches a slot of a higher level, its
/// timers move down.
///
/// A slot is a list of due times and keys, and the rest of a timer is in the [`Table`]: to move a timer
/// is to copy 16 bytes from one list to the end of another. A timer that is cancelled stays in its list, whose
/// entry then finds nothing in the table; a slot in which nobody waits any more is emptied at once, and all of
/// them are [rebuilt](Self::rebuild) before more than half of what is in them is left behind.
#[derive(Debug)]
pub(super) struct Wheel {
    /// Which of the two it is.
    ticks: Ticks,
    /// Ticks that have passed. INVARIANT: no timer's slot lies before it.
    elapsed: u64,
    /// The binary logarithm of a tick's nanoseconds.
    tick: u32,
    /// As many as were needed so far.
    levels: Vec<Level>,
    chunks: Chunks,
    /// What is in the slots, cancelled or not.
    entries: usize,
    /// A slot whose time has come, and which was too long for one turn; and the last chunk that is still to be
    /// looked at. What is in those behind it has come back since.
    unfinished: Option<(Place, u32)>,
}

#[derive(Debug)]
struct Level {
    /// One bit a slot: whether it holds timers.
    occupied: u64,
    slots: Box<[Slot; SLOTS]>,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    chain: Chain,
    /// How many are in it.
    entries: u32,
    /// How many of them are not cancelled.
    waiting: u32,
    /// Nothing in the slot is due before.
    earliest: u64,
}

impl Wheel {
    /// A tick is of 2 to the power of `tick` nanoseconds.
    pub(super) const fn new(ticks: Ticks, tick: u32) -> Self {
        Self {
            ticks,
            elapsed: 0,
            tick,
            levels: Vec::new(),
            chunks: Chunks::new(),
            entries: 0,
            unfinished: None,
        }
    }

    /// Takes a timer in; says where it lies.
    #[inline]
    pub(super) fn push(&mut self, due: u64, key: TimerKey) -> At {
        let place = Place::of(due >> self.tick, self.elapsed);
        if place.level() >= self.levels.len() {
            self.grow(place.level());
        }
        let level = &mut self.levels[place.level()];
        level.occupied |= 1 << place.slot();
        let slot = &mut level.slots[place.slot()];
        self.chunks.push(&mut slot.chain, Entry { due, key });
        slot.entries += 1;
        slot.waiting += 1;
        slot.earliest = slot.earliest.min(due);
        self.entries += 1;
        At::new(self.ticks, place)
    }

    /// A timer that lies there has been cancelled.
    #[inline]
    pub(super) fn forget(&mut self, place: Place, key: TimerKey) {
        let slot = &mut self.levels[place.level()].slots[place.slot()];
        slot.waiting -= 1;
        if slot.waiting == 0 {
            self.clear(place);
        } else if self.chunks.pop(slot.chain, key) {
            // What was made last is often what is cancelled first.
            slot.entries -= 1;
            self.entries -= 1;
        }
    }

    /// When the next timer is due, or earlier.
    pub(super) fn next_due(&self) -> Option<u64> {
        if self.unfinished.is_some() {
            return Some(0);
        }
        let place = self.first_slot()?;
        let earliest = self.levels[place.level()].slots[place.slot()].earliest;
        // What was due before is due when the wheel is: that is now, unless the clock has gone back.
        Some(earliest.max(self.elapsed << self.tick))
    }

    /// Whether there is something to be looked at.
    pub(super) fn is_due(&self, now: u64) -> bool {
        self.next_due().is_some_and(|due| due <= now)
    }

    /// Takes out what is due at `now`, and looks at `budget` timers for that, or up to 14 more: the rest of a chunk. What
    /// it has looked at is taken from the budget.
    pub(super) fn fire(
        &mut self,
        now: u64,
        budget: &mut usize,
        table: &mut Table,
        fire: &mut impl FnMut(Waiter),
    ) {
        if *budget == 0 {
            return;
        }
        let now_tick = now >> self.tick;
        let whole = |place| (place, TO_THE_END);
        while let Some((place, stop)) =
            (self.unfinished.take()).or_else(|| self.first_slot().map(whole))
        {
            let start = place.start(self.elapsed);
            // In the slot of the current tick, some may be due and some not.
            let is_due = self.levels[place.level()].slots[place.slot()].earliest <= now;
            if start > now_tick || (place.level() == 0 && !is_due) {
                break;
            }
            self.elapsed = self.elapsed.max(start);
            self.empty((place, stop), now, budget, table, fire);
            if *budget == 0 {
                return;
            }
        }
        self.elapsed = self.elapsed.max(now_tick);
    }

    /// What is in the slots, cancelled or not.
    pub(super) fn entries(&self) -> usize {
        self.entries
    }

    /// Gives memory back, if it takes much more than it needs.
    pub(super) fn shrink(&mut self) {
        if !self.chunks.is_too_large() {
            return;
        }
        let slots = self.levels.iter_mut().flat_map(|level| &mut *level.slots);
        self.chunks.shrink(slots.map(|slot| &mut slot.chain));
        self.look_to_the_end();
    }

    /// Drops all that has been cancelled, and gives memory back.
    #[cold]
    pub(super) fn rebuild(&mut self, table: &Table) {
        let chunks = Chunks::as_large_as_is_used(&self.chunks);
        let before = mem::replace(&mut self.chunks, chunks);
        self.entries = 0;
        for slot in self.levels.iter_mut().flat_map(|level| &mut *level.slots) {
            let entries = before.entries(mem::replace(&mut slot.chain, Chain::EMPTY));
            (slot.entries, slot.earliest) = (0, u64::MAX);
            for entry in entries.filter(|entry| table.contains(entry.key)) {
                self.chunks.push(&mut slot.chain, entry);
                slot.entries += 1;
                slot.earliest = slot.earliest.min(entry.due);
            }
            self.entries += slot.entries as usize;
        }
        self.look_to_the_end();
    }

    /// The chunks have other numbers now.
    fn look_to_the_end(&mut self) {
        if let Some((_, stop)) = &mut self.unfinished {
            *stop = TO_THE_END;
        }
    }

    /// Moves on what lies in a slot whose time has come: what is due is fired, the rest moves down.
    fn empty(
        &mut self,
        (place, stop): (Place, u32),
        now: u64,
        budget: &mut usize,
        table: &mut Table,
        fire: &mut impl FnMut(Waiter),
    ) {
        let mut slot = self.take_slot(place);
        let stop = match stop {
            TO_THE_END => slot.chain.last(),
            stop => stop,
        };
        let mut has_stopped = false;
        while !has_stopped
            && *budget > 0
            && let Some((chunk, is_stop)) = self.chunks.take_first(&mut slot.chain, stop)
        {
            has_stopped = is_stop;
            let entries = chunk.entries();
            *budget = budget.saturating_sub(entries.len());
            self.entries -= entries.len();
            slot.entries -= entries.len() as u32;
            // Who waits is fetched for all of them at once: the table is far away by now.
            let waiting = entries.iter().filter(|entry| table.contains(entry.key));
            hint::black_box(waiting.count());
            for &Entry { due, key } in entries {
                if due <= now {
                    if let Some((waiter, _)) = table.remove(key) {
                        slot.waiting -= 1;
                        fire(waiter);
                    }
                } else if table.contains(key) {
                    slot.waiting -= 1;
                    table.set_at(key, self.push(due, key));
                }
            }
        }
        if slot.waiting == 0 {
            self.entries -= slot.entries as usize;
            self.chunks.clear(slot.chain);
            return;
        }
        if has_stopped {
            // The others have been looked at before, and are in their place.
            let dues = self.chunks.entries(slot.chain).map(|entry| entry.due);
            slot.earliest = dues.min().unwrap_or(u64::MAX);
        } else {
            self.unfinished = Some((place, stop));
        }
        self.put_back(place, slot);
    }

    /// Forgets what is in a slot.
    fn clear(&mut self, place: Place) {
        let slot = self.take_slot(place);
        self.entries -= slot.entries as usize;
        self.chunks.clear(slot.chain);
        if self
            .unfinished
            .is_some_and(|(unfinished, _)| unfinished == place)
        {
            self.unfinished = None;
        }
    }

    /// Makes a slot an empty one.
    fn take_slot(&mut self, place: Place) -> Slot {
        let level = &mut self.levels[place.level()];
        level.occupied &= !(1 << place.slot());
        mem::replace(&mut level.slots[place.slot()], Slot::EMPTY)
    }

    /// Before what has come into the slot meanwhile, which is of the current tick then.
    fn put_back(&mut self, place: Place, before: Slot) {
        let level = &mut self.levels[place.level()];
        level.occupied |= 1 << place.slot();
        let slot = &mut level.slots[place.slot()];
        *slot = Slot {
            chain: self.chunks.append(before.chain, slot.chain),
            entries: before.entries + slot.entries,
            waiting: before.waiting + slot.waiting,
            earliest: before.earliest.min(slot.earliest),
        };
    }

    #[cold]
    fn grow(&mut self, level: usize) {
        self.levels.resize_with(level + 1, || Level {
            occupied: 0,
            slots: Box::new([Slot::EMPTY; SLOTS]),
        });
    }

    /// The occupied slot that comes first.
    #[inline]
    fn first_slot(&self) -> Option<Place> {
        let levels = self.levels.iter().enumerate();
        levels
            .filter(|(_, slots)| slots.occupied != 0)
            .map(|(level, slots)| Place::first(level, slots.occupied, self.elapsed))
            .next()
    }
}

impl Slot {
    const EMPTY: Self = Self {
        chain: Chain::EMPTY,
        entries: 0,
        waiting: 0,
        earliest: u64::MAX,
    };
}

/// No chunk has this number: all of a slot is to be looked at.
const TO_THE_END: u32 = u32::MAX;

#[cfg(all(test, not(loom)))]
impl Wheel {
    /// Bytes on the heap.
    pub(super) fn memory(&self) -> usize {
        let levels = self.levels.capacity() * (size_of::<Level>() + SLOTS * size_of::<Slot>());
        levels + self.chunks.memory()
    }
}
