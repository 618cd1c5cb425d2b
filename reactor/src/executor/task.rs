use std::{
    num::{NonZeroI64, NonZeroU32, NonZeroU64},
    sync::{Arc, atomic::AtomicU64 as StdAtomicU64},
};

use futures::task::{ArcWake, WakerRef, waker_ref};

use super::{Message, inside};
use crate::{
    fault::{Fault, acq_rel_unless, seeded},
    shared::Shared,
    sync::{AtomicBool, Ordering},
};

/// The number of a task on its core, never 0: a place and, above it, a generation of 31 bits, so that a wake of a
/// finished task does not reach the next one in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TaskId(NonZeroU64);

impl TaskId {
    /// The future that `run` was called with. Its generation is 0, which no task gets.
    pub(crate) const ROOT: Self = Self(NonZeroU64::new(u32::MAX as u64).unwrap());

    pub(super) fn new(place: u32, generation: Generation) -> Self {
        let generation = NonZeroU64::from(generation.0).saturating_mul(ONE_GENERATION);
        Self(generation | u64::from(place))
    }

    #[inline]
    pub(crate) fn place(self) -> usize {
        self.0.get() as u32 as usize
    }

    #[inline]
    pub(crate) fn to_bits(self) -> u64 {
        self.0.get()
    }

    /// `None` for 0.
    #[inline]
    pub(crate) fn from_bits(bits: u64) -> Option<Self> {
        NonZeroU64::new(bits).map(Self)
    }
}

const ONE_GENERATION: NonZeroU64 = NonZeroU64::new(1 << 32).unwrap();

/// Of 31 bits, and never 0.
#[derive(Debug, Clone, Copy)]
pub(super) struct Generation(NonZeroU32);

impl Generation {
    pub(super) const FIRST: Self = Self(NonZeroU32::MIN);

    /// After the last one, it is the first again.
    pub(super) fn next(self) -> Self {
        NonZeroU32::new((self.0.get() + 1) & (u32::MAX >> 1)).map_or(Self::FIRST, Self)
    }
}

/// Which task it is that lies somewhere, and whether it is in the queue: one comparison tells both. No number is
/// negative, but that of a task that is in the queue is there with the other sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Label(NonZeroI64);

impl Label {
    #[inline]
    pub(super) fn waiting(id: TaskId) -> Self {
        Self(id.0.cast_signed())
    }

    #[inline]
    pub(super) fn queued(id: TaskId) -> Self {
        Self(-id.0.cast_signed())
    }
}

/// What the wakers of a task point to, on whatever thread they are.
#[derive(Debug)]
pub(crate) struct TaskHeader {
    shared: Arc<Shared>,
    /// INVARIANT: it changes only while nobody but the loop has a waker.
    id: StdAtomicU64,
    scheduled: Scheduled,
}

impl TaskHeader {
    pub(crate) fn new(shared: Arc<Shared>, id: TaskId) -> Arc<Self> {
        Arc::new(Self {
            shared,
            id: StdAtomicU64::new(id.to_bits()),
            scheduled: Scheduled::new(),
        })
    }

    /// Makes it that of another task. Nobody has a waker of it.
    #[inline]
    pub(super) fn lend(&self, id: TaskId) {
        self.id.store(id.to_bits(), Ordering::Relaxed);
        self.scheduled.reset();
    }

    #[inline]
    pub(crate) fn scheduled(&self) -> &Scheduled {
        &self.scheduled
    }

    /// One function for all who need it: wakers that were made in several places do not know each other as wakers of
    /// the same task.
    #[inline(never)]
    pub(crate) fn waker(self: &Arc<Self>) -> WakerRef<'_> {
        waker_ref(self)
    }

    /// Queues the task unless it is queued already.
    pub(crate) fn schedule(&self) {
        if self.scheduled.wake()
            && let Some(id) = TaskId::from_bits(self.id.load(Ordering::Relaxed))
        {
            wake(&self.shared, id);
        }
    }
}

/// Queues a task, from any thread.
pub(super) fn wake(shared: &Arc<Shared>, id: TaskId) {
    if !inside::wake_inside(shared, id) {
        // The core is gone: so is the task, and nobody has to be told.
        let _ = shared.send(Message::Wake(id));
    }
}

/// Not std's [`Wake`](std::task::Wake): of this one, a waker can be borrowed for a poll.
impl ArcWake for TaskHeader {
    fn wake_by_ref(arc_self: &Arc<Self>) {
        arc_self.schedule();
    }
}

/// Whether a task has been woken by a waker since its last poll began: it is in the queue then, or on its way there.
///
/// What the loop wakes by its number alone need not touch it: the [`Label`] tells, too, whether a task is in the queue.
///
/// The flag falls *before* the poll, so a wake during the poll queues the task once more. Both sides
/// exchange it in one step even if it does not change, so that what was written before a wake can be
/// seen in the poll that follows.
#[derive(Debug)]
pub(crate) struct Scheduled(AtomicBool);

impl Scheduled {
    pub(crate) fn new() -> Self {
        Self(AtomicBool::new(false))
    }

    /// Nobody but the loop knows of it.
    #[inline]
    fn reset(&self) {
        if !seeded(Fault::LentAsWoken) {
            self.0.store(false, Ordering::Relaxed);
        }
    }

    /// True if the caller has to see to it that the task is in a queue.
    #[must_use]
    pub(crate) fn wake(&self) -> bool {
        !self.0.swap(true, acq_rel_unless(Fault::WakeWithoutRelease))
    }

    /// The task has left the queue and is about to be polled.
    pub(crate) fn begin_poll(&self) {
        let too_early = seeded(Fault::WakeDuringPollForgotten);
        self.0.swap(too_early, Ordering::AcqRel);
    }

    /// The poll is over. Nothing is left to do: the flag falls here only by the mistake that forgets a
    /// wake.
    pub(crate) fn end_poll(&self) {
        if seeded(Fault::WakeDuringPollForgotten) {
            self.0.swap(false, Ordering::AcqRel);
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn no_task_in_a_place_is_taken_for_another_or_for_the_root_whatever_its_generation() {
        let last = Generation(NonZeroU32::new(u32::MAX >> 1).unwrap());
        let before = Generation(NonZeroU32::new(last.0.get() - 1).unwrap());
        let generations = [before, before.next(), last.next(), Generation::FIRST.next()];
        let ids = generations.map(|generation| TaskId::new(u32::MAX, generation));
        let labels = ids
            .iter()
            .chain([&TaskId::ROOT])
            .flat_map(|id| [Label::waiting(*id), Label::queued(*id)])
            .collect::<Vec<_>>();
        for (n, label) in labels.iter().enumerate() {
            assert!(!labels[n + 1..].contains(label), "{label:?}");
        }
        assert!(ids.iter().all(|id| id.place() == u32::MAX as usize));
    }
}
