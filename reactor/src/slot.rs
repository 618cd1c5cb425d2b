use std::task::Waker;

use crate::{
    Direction,
    error::ReactorGone,
    fault::{Fault, seeded},
    readiness::{Event, Readiness, Seen},
    sync::{Mutex, lock},
    waker_set::WakerSet,
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
#[derive(Debug)]
pub(crate) struct Slot {
    read: Readiness,
    write: Readiness,
    waiting: Mutex<Waiting>,
}

/// What the lock of a slot guards.
#[derive(Debug)]
pub(crate) struct Waiting {
    readers: WakerSet,
    writers: WakerSet,
    /// What the poller reports of the object.
    pub(crate) armed: Armed,
    /// Events in a row that only said "writable" while nobody waited to write.
    pub(crate) unasked: u8,
}

/// Which directions the poller reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Armed {
    pub(crate) read: bool,
    pub(crate) write: bool,
}

impl Armed {
    #[inline]
    pub(crate) fn contains(self, direction: Direction) -> bool {
        match direction {
            Direction::Read => self.read,
            Direction::Write => self.write,
        }
    }
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

impl Slot {
    pub(crate) fn new(armed: Armed, assume_ready: bool) -> Self {
        Self {
            read: Readiness::new(assume_ready),
            write: Readiness::new(assume_ready),
            waiting: Mutex::new(Waiting {
                readers: WakerSet::Empty,
                writers: WakerSet::Empty,
                armed,
                unasked: 0,
            }),
        }
    }

    #[inline]
    pub(crate) fn seen(&self, direction: Direction) -> Seen {
        self.readiness(direction).load()
    }

    /// Takes back the readiness that was `seen`, unless a newer event has come.
    #[inline]
    pub(crate) fn clear(&self, direction: Direction, seen: Seen) -> bool {
        self.readiness(direction).clear(seen)
    }

    /// Makes the task of `waker` wait for a direction that was seen not to be ready.
    pub(crate) fn wait(
        &self,
        direction: Direction,
        waker: &Waker,
        turn: u64,
    ) -> Result<Waited, ReactorGone> {
        // Cloning a waker is foreign code and so is dropping one: neither happens under the lock.
        let mut mine = Some(waker.clone());
        let mut displaced = Vec::new();
        let seen;
        let rearm;
        {
            let mut waiting = lock(&self.waiting);
            let set = waiting.set(direction);
            if !set.contains(waker) {
                displaced = set.insert(mine.take().expect("taken here alone"), turn);
            }
            seen = self.readiness(direction).announce_waiter();
            rearm = waiting.needs_rearming(direction);
        }
        drop(mine);
        displaced.into_iter().for_each(Waker::wake);
        seen.check_gone()?;
        Ok(
            if seen.is_ready() && !seeded(Fault::WaitWithoutSecondLook) {
                Waited::Ready(seen)
            } else if rearm {
                Waited::Rearm
            } else {
                Waited::Parked
            },
        )
    }

    /// The poller has reported the object; wakers go to `out`, to be woken outside of every lock.
    #[inline]
    pub(crate) fn event(&self, read: Option<Event>, write: Option<Event>, out: &mut Vec<Waker>) {
        if let Some(event) = read
            && self.read.set_ready(event)
        {
            lock(&self.waiting).readers.drain_into(out);
        }
        if let Some(event) = write {
            if self.write.set_ready(event) {
                let mut waiting = lock(&self.waiting);
                waiting.writers.drain_into(out);
                waiting.unasked = 0;
            } else if read.is_none() {
                let mut waiting = lock(&self.waiting);
                waiting.unasked = waiting.unasked.saturating_add(1);
            }
        }
    }

    /// The core is being dropped: from now on that is the answer. Wakers go to `out`.
    pub(crate) fn set_gone(&self, out: &mut Vec<Waker>) {
        self.read.set_gone();
        self.write.set_gone();
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
        let mut waiting = lock(&self.waiting);
        if !waiting.needs_rearming(direction) {
            return Ok(());
        }
        let armed = Armed {
            read: waiting.armed.read || direction == Direction::Read,
            write: direction == Direction::Write || self.write.load().is_waited_for(),
        };
        rearm(armed)?;
        waiting.armed = armed;
        waiting.unasked = 0;
        Ok(())
    }

    #[inline]
    fn readiness(&self, direction: Direction) -> &Readiness {
        match direction {
            Direction::Read => &self.read,
            Direction::Write => &self.write,
        }
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

    /// Whether a task that parks has to ask the poller for something else than it reports now.
    #[inline]
    fn needs_rearming(&self, direction: Direction) -> bool {
        !self.armed.contains(direction)
            || (direction == Direction::Read && self.unasked >= UNASKED_EVENTS)
    }
}

/// After so many unasked "writable" events in a row, write interest is dropped.
const UNASKED_EVENTS: u8 = 2;
