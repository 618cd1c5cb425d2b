use std::{
    sync::atomic::{AtomicU8, AtomicU64 as StdAtomicU64, Ordering},
    task::Waker,
};

use crate::{
    Direction, Options, Trigger,
    error::ReactorGone,
    executor::{TaskId, drop_quietly},
    fault::{Fault, seeded},
    options::Urgent,
    readiness::{Event, Readiness, Seen, Told},
    shared::{wake_all, wake_by_ref_quietly},
    sync::{Mutex, lock},
    sys,
    waker_set::{Drained, WakerSet},
};

mod arming;
mod dump;
mod rearm;
mod without_edges;

pub(crate) use arming::Armed;
use arming::ArmingBits;
pub(crate) use rearm::Rearmed;

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
    /// Events in a row that only said "writable" while nobody waited to write. Counted by the core. Of a
    /// level-triggered object: the turn in which it was drained last, and events that nobody heard.
    unasked: AtomicU8,
    /// Written under the lock. Beside it and not in it, because there it would take eight bytes.
    arming: ArmingBits,
    trigger: Trigger,
    urgent: Urgent,
    /// What was registered, if the poller can be asked for other directions later.
    descriptor: Option<sys::Descriptor>,
    waiting: Mutex<Waiting>,
}

#[derive(Debug)]
struct Side {
    readiness: Readiness,
    /// A waiting task of the core itself. Written by the core's thread alone, so that no order matters.
    own_task: StdAtomicU64,
}

/// What the lock of a slot guards.
#[derive(Debug)]
struct Waiting {
    readers: WakerSet,
    writers: WakerSet,
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
    /// `descriptor`: what the poller knows the object by. Without, it reports both directions for good,
    /// wanted or not.
    pub(crate) fn new(options: Options, descriptor: Option<sys::Descriptor>) -> Self {
        let armed = options.armed;
        let keeps_interest = descriptor.is_none();
        let side = |armed| Side {
            readiness: Readiness::new(options.assume_ready, armed || keeps_interest),
            own_task: StdAtomicU64::new(0),
        };
        Self {
            read: side(armed.read),
            write: side(armed.write),
            unasked: AtomicU8::new(if keeps_interest { u8::MAX } else { 0 }),
            arming: ArmingBits::new(armed),
            trigger: options.trigger,
            urgent: options.urgent,
            descriptor,
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
        self.take_back(direction, seen, Told::READY)
    }

    /// Takes back what was `told`, unless a newer event has come since it was `seen`.
    #[inline]
    pub(crate) fn take_back(&self, direction: Direction, seen: Seen, told: Told) -> bool {
        self.side(direction).readiness.clear(seen, told)
    }

    /// Somebody has asked the system: it is ready. Whoever waits has asked for himself.
    pub(crate) fn found_ready(&self, direction: Direction) {
        self.side(direction).readiness.found_ready();
    }

    /// Makes a task wait for a direction that was seen not to be ready, or in general for something that
    /// was not `told`.
    ///
    /// `own` is its number if `waker` is that of the task that the core of this slot is polling now.
    #[inline]
    pub(crate) fn wait(
        &self,
        direction: Direction,
        told: Told,
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
        if let Err(gone) = seen.check_gone() {
            self.let_go(direction);
            return Err(gone);
        }
        Ok(if seen.has(told) && !seeded(Fault::WaitWithoutSecondLook) {
            Waited::Ready(seen)
        } else if seen.needs_rearming() {
            Waited::Rearm
        } else {
            Waited::Parked
        })
    }

    /// Whether that task waits by its number alone, so that no waker of it is stored.
    pub(crate) fn waits_by_number(&self, direction: Direction, own: Option<TaskId>) -> bool {
        own.is_some_and(|task| self.side(direction).is_stored(task))
    }

    /// A task does not wait any more: releases its waker, wherever that is stored.
    ///
    /// Something else of the same task may be waiting here with the same waker. It cannot be told apart,
    /// so the task is woken, and whatever still waits comes back.
    pub(crate) fn withdraw(&self, direction: Direction, waker: &Waker) {
        if seeded(Fault::WithdrawLeavesWaker) {
            return;
        }
        let removed = lock(&self.waiting).set(direction).remove(waker);
        if let Some(waker) = removed.waiting {
            if !seeded(Fault::WithdrawWithoutWake) {
                wake_by_ref_quietly(&waker);
            }
            drop_quietly(waker);
        }
        drop_quietly(removed.remembered);
    }

    /// The core is gone, and with it whoever would take the wakers out. They may belong to tasks that own
    /// the object.
    #[cold]
    fn let_go(&self, direction: Direction) {
        if seeded(Fault::GoneKeepsWakers) {
            return;
        }
        let mut drained = Drained::default();
        lock(&self.waiting).set(direction).drain_into(&mut drained);
        wake_all(&mut drained);
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
        if !seeded(Fault::OverflowWithoutWake) {
            displaced.iter().for_each(wake_by_ref_quietly);
        }
        lock(&self.waiting).set(direction).remember(&mut displaced);
        displaced.into_iter().for_each(drop_quietly);
    }

    /// The poller has reported the object. Called by the core's thread.
    ///
    /// True if it is to be [calmed](Self::calm): it would be reported again and again, and somebody is
    /// not there to hear it, or cannot end it.
    #[must_use]
    #[inline(always)]
    pub(crate) fn event(
        &self,
        read: Option<Event>,
        write: Option<Event>,
        out: &mut impl Wakes,
    ) -> bool {
        if self.trigger != Trigger::Edge || !sys::TRUE_EDGES {
            return self.event_without_edges(read, write, out);
        }
        if let Some(event) = read {
            self.event_of(Direction::Read, event, out);
        }
        if let Some(event) = write {
            let was_awaited = self.event_of(Direction::Write, event, out);
            if !was_awaited && read.is_none() {
                self.count_unasked();
            }
        }
        false
    }

    /// True if somebody had waited for it.
    #[inline(always)]
    fn event_of(&self, direction: Direction, event: Event, out: &mut impl Wakes) -> bool {
        let side = self.side(direction);
        if seeded(Fault::OneWordForBoth) {
            self.read.readiness.found_ready();
            self.write.readiness.found_ready();
        }
        let before = side.readiness.set_ready(event);
        if !before.is_waited_for() {
            return false;
        }
        self.wake_waiters(direction, before, out);
        true
    }

    /// `announced`: what the word said of them.
    #[inline(always)]
    fn wake_waiters(&self, direction: Direction, announced: Seen, out: &mut impl Wakes) {
        if let Some(task) = self.side(direction).take_own() {
            out.wake_own(task);
        }
        if announced.has_wakers() {
            lock(&self.waiting).set(direction).drain_into(out.drained());
        }
    }

    /// After two of them the next reader that parks drops write interest.
    fn count_unasked(&self) {
        let unasked = self.unasked.load(Ordering::Relaxed).saturating_add(1);
        self.unasked.store(unasked, Ordering::Relaxed);
        if unasked == UNASKED_EVENTS {
            self.read.readiness.ask_for_rearming();
        }
    }

    /// Everybody who waits: wakers go to `out`, tasks of the core itself are told and stay. For any thread.
    pub(crate) fn drain_all(&self, out: &mut Drained) -> [Option<TaskId>; 2] {
        let mut waiting = lock(&self.waiting);
        waiting.readers.drain_into(out);
        waiting.writers.drain_into(out);
        [&self.read, &self.write].map(Side::own)
    }

    /// The core is being dropped: from now on that is the answer. Wakers go to `out`; tasks of the core
    /// itself are about to be dropped with it.
    pub(crate) fn set_gone(&self, out: &mut Drained) {
        let say = || [&self.read, &self.write].map(|side| side.readiness.set_gone());
        let too_late = seeded(Fault::GoneTooLate);
        if !too_late {
            say();
        }
        {
            let mut waiting = lock(&self.waiting);
            waiting.readers.drain_into(out);
            waiting.writers.drain_into(out);
        }
        if too_late {
            say();
        }
    }

    #[inline]
    fn side(&self, direction: Direction) -> &Side {
        match direction {
            Direction::Read => &self.read,
            Direction::Write => &self.write,
        }
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

    fn is_stored(&self, task: TaskId) -> bool {
        self.own_task.load(Ordering::Relaxed) == task.to_bits()
    }

    fn own(&self) -> Option<TaskId> {
        TaskId::from_bits(self.own_task.load(Ordering::Relaxed))
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
