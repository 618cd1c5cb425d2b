use std::{
    sync::atomic::{AtomicU8, AtomicU64 as StdAtomicU64, Ordering},
    task::Waker,
};

use crate::{
    Direction,
    error::ReactorGone,
    executor::{TaskId, drop_quietly},
    fault::{Fault, seeded},
    readiness::{Event, Readiness, Seen},
    shared::wake_by_ref_quietly,
    sync::{Mutex, lock},
    waker_set::{Drained, WakerSet},
};

/// The reactor's side of one registered object: what is known of it, and who waits for it.
///
/// ```text
///                 event: READY, new tick, wake
///            ┌──────────────────────────────────┐
///            │                                  ▼
///        not ready ◀── clear (same tick) ──── ready
///            │                                  │
///            └────────▶ gone (for ever) ◀───────┘
/// ```
///
/// An event and a waiter meet without a lock in the readiness word; the lock guards the wakers alone.
/// A waiter stores its waker *first* and looks *then*; an event marks the word *first* and looks for
/// wakers *then*. So one of the two always sees the other.
///
/// The common waiter is a task of the very core that dispatches the events. Of it only the number is
/// stored: no waker is cloned, and no lock is taken on either side.
#[derive(Debug)]
pub(crate) struct Slot {
    read: Side,
    write: Side,
    /// Events in a row that only said "writable" while nobody waited to write. Counted by the core.
    unasked: AtomicU8,
    /// Written under the lock. Beside it and not in it, because there it would take eight bytes.
    armed: ArmedBits,
    waiting: Mutex<Waiting>,
}

#[derive(Debug)]
struct Side {
    readiness: Readiness,
    /// A waiting task of the core itself. Touched by the core's thread alone, so that no order matters.
    own_task: StdAtomicU64,
}

/// What the lock of a slot guards.
#[derive(Debug)]
struct Waiting {
    readers: WakerSet,
    writers: WakerSet,
}

/// Which directions the poller reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Armed {
    pub(crate) read: bool,
    pub(crate) write: bool,
}

/// What a waiter finds after it has stored its waker.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Waited {
    /// An event has come in the meantime.
    Ready(Seen),
    /// The task will be woken.
    Parked,
    /// The task will be woken once the poller has been asked to report other directions than now.
    Rearm,
}

/// Where an event sends those whom it wakes.
pub(crate) trait Wakes {
    /// A task of the core itself: no foreign code, so it may be queued at once.
    fn wake_own(&mut self, task: TaskId);

    /// For everybody else: to be woken outside of every lock.
    fn drained(&mut self) -> &mut Drained;
}

impl Slot {
    /// `keeps_interest`: the poller reports both directions for good, wanted or not.
    pub(crate) fn new(armed: Armed, assume_ready: bool, keeps_interest: bool) -> Self {
        let side = |armed| Side {
            readiness: Readiness::new(assume_ready, armed || keeps_interest),
            own_task: StdAtomicU64::new(0),
        };
        Self {
            read: side(armed.read),
            write: side(armed.write),
            unasked: AtomicU8::new(if keeps_interest { u8::MAX } else { 0 }),
            armed: ArmedBits::new(armed),
            waiting: Mutex::new(Waiting {
                readers: WakerSet::EMPTY,
                writers: WakerSet::EMPTY,
            }),
        }
    }

    #[inline]
    pub(crate) fn seen(&self, direction: Direction) -> Seen {
        self.side(direction).readiness.load()
    }

    /// Takes back the readiness that was `seen`, unless a newer event has come.
    #[inline]
    pub(crate) fn clear(&self, direction: Direction, seen: Seen) -> bool {
        self.side(direction).readiness.clear(seen)
    }

    /// Makes a task wait for a direction that was seen not to be ready.
    ///
    /// `own` is its number if `waker` is that of the task that the core of this slot is polling now.
    #[inline]
    pub(crate) fn wait(
        &self,
        direction: Direction,
        waker: &Waker,
        own: Option<TaskId>,
    ) -> Result<Waited, ReactorGone> {
        let side = self.side(direction);
        let seen = if own.is_some_and(|task| side.store_own(task)) {
            side.readiness.announce_own_task()
        } else {
            self.store(direction, waker);
            side.readiness.announce_waker()
        };
        seen.check_gone()?;
        Ok(
            if seen.is_ready() && !seeded(Fault::WaitWithoutSecondLook) {
                Waited::Ready(seen)
            } else if seen.needs_rearming() {
                Waited::Rearm
            } else {
                Waited::Parked
            },
        )
    }

    fn store(&self, direction: Direction, waker: &Waker) {
        // Cloning, waking and dropping wakers is foreign code: none of it happens under the lock.
        let mut mine = Some(waker.clone());
        let mut displaced = Vec::new();
        {
            let mut waiting = lock(&self.waiting);
            let set = waiting.set(direction);
            if !set.contains(waker) {
                displaced = set.insert(mine.take().expect("taken here alone"));
            }
        }
        drop(mine);
        if displaced.is_empty() {
            return;
        }
        displaced.iter().for_each(wake_by_ref_quietly);
        lock(&self.waiting).set(direction).remember(&mut displaced);
        displaced.into_iter().for_each(drop_quietly);
    }

    /// The poller has reported the object. Called by the core's thread.
    #[inline(always)]
    pub(crate) fn event(&self, read: Option<Event>, write: Option<Event>, out: &mut impl Wakes) {
        if let Some(event) = read {
            self.event_of(Direction::Read, event, out);
        }
        if let Some(event) = write {
            let was_awaited = self.event_of(Direction::Write, event, out);
            if !was_awaited && read.is_none() {
                self.count_unasked();
            }
        }
    }

    /// True if somebody had waited for it.
    #[inline(always)]
    fn event_of(&self, direction: Direction, event: Event, out: &mut impl Wakes) -> bool {
        let side = self.side(direction);
        let before = side.readiness.set_ready(event);
        if !before.is_waited_for() {
            return false;
        }
        if let Some(task) = side.take_own() {
            out.wake_own(task);
        }
        if before.has_wakers() {
            lock(&self.waiting).set(direction).drain_into(out.drained());
        }
        true
    }

    /// After two of them the next reader that parks drops write interest.
    fn count_unasked(&self) {
        let unasked = self.unasked.load(Ordering::Relaxed).saturating_add(1);
        self.unasked.store(unasked, Ordering::Relaxed);
        if unasked == UNASKED_EVENTS {
            self.read.readiness.ask_for_rearming();
        }
    }

    /// The core is being dropped: from now on that is the answer. Wakers go to `out`; tasks of the core
    /// itself are about to be dropped with it.
    pub(crate) fn set_gone(&self, out: &mut Drained) {
        self.read.readiness.set_gone();
        self.write.readiness.set_gone();
        let mut waiting = lock(&self.waiting);
        waiting.readers.drain_into(out);
        waiting.writers.drain_into(out);
    }

    /// Changes what the poller reports, by `rearm`, so that a parked task of `direction` is woken.
    ///
    /// The lock makes the changes of one object follow each other; `rearm` is a system call, never
    /// foreign code. Write interest that nobody waits for is dropped on the way.
    pub(crate) fn rearm<E>(
        &self,
        direction: Direction,
        rearm: impl FnOnce(Armed) -> Result<(), E>,
    ) -> Result<(), E> {
        let _waiting = lock(&self.waiting);
        let before = self.armed.load();
        let readiness = &self.side(direction).readiness;
        if !readiness.load().needs_rearming() {
            return Ok(());
        }
        let armed = Armed {
            read: before.read || direction == Direction::Read,
            write: direction == Direction::Write
                || (before.write && self.keeps_awaited_write_interest()),
        };
        rearm(armed)?;
        self.armed.store(armed);
        readiness.rearmed();
        self.unasked.store(0, Ordering::Relaxed);
        Ok(())
    }

    /// Asks later writers to rearm *first* and looks for present ones *then*; they store themselves
    /// first and look then. So no writer is left behind without interest.
    fn keeps_awaited_write_interest(&self) -> bool {
        let write = &self.write.readiness;
        let is_awaited = write.ask_for_rearming().is_waited_for();
        if is_awaited && !seeded(Fault::DropAwaitedInterest) {
            write.rearmed();
            return true;
        }
        false
    }

    #[inline]
    fn side(&self, direction: Direction) -> &Side {
        match direction {
            Direction::Read => &self.read,
            Direction::Write => &self.write,
        }
    }
}

#[derive(Debug)]
struct ArmedBits(AtomicU8);

impl ArmedBits {
    fn new(armed: Armed) -> Self {
        let bits = Self(AtomicU8::new(0));
        bits.store(armed);
        bits
    }

    fn load(&self) -> Armed {
        let bits = self.0.load(Ordering::Relaxed);
        Armed {
            read: bits & 1 != 0,
            write: bits & 2 != 0,
        }
    }

    fn store(&self, armed: Armed) {
        let bits = u8::from(armed.read) | (u8::from(armed.write) << 1);
        self.0.store(bits, Ordering::Relaxed);
    }
}

impl Side {
    /// False if another task of the core waits there.
    #[inline]
    fn store_own(&self, task: TaskId) -> bool {
        let task = task.to_bits();
        let stored = self.own_task.load(Ordering::Relaxed);
        if stored == 0 {
            self.own_task.store(task, Ordering::Relaxed);
        }
        stored == 0 || stored == task
    }

    #[inline]
    fn take_own(&self) -> Option<TaskId> {
        let stored = self.own_task.load(Ordering::Relaxed);
        if stored != 0 {
            self.own_task.store(0, Ordering::Relaxed);
        }
        TaskId::from_bits(stored)
    }
}

impl Waiting {
    #[inline]
    fn set(&mut self, direction: Direction) -> &mut WakerSet {
        match direction {
            Direction::Read => &mut self.readers,
            Direction::Write => &mut self.writers,
        }
    }
}

/// After so many unasked "writable" events in a row, write interest is dropped.
const UNASKED_EVENTS: u8 = 2;
