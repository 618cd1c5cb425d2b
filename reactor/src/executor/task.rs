use std::{
    num::{NonZeroU32, NonZeroU64},
    sync::{Arc, atomic::AtomicU64 as StdAtomicU64},
};

use futures::task::ArcWake;

use super::{Message, local};
use crate::{
    fault::{Fault, acq_rel_unless, seeded},
    shared::Shared,
    sync::{AtomicBool, Ordering},
};

/// The number of a task on its core, never 0: a place and, above it, a generation, so that a wake of a
/// finished task does not reach the next one in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TaskId(NonZeroU64);

impl TaskId {
    /// The future that `run` was called with. Its generation is 0, which no task gets.
    pub(crate) const ROOT: Self = Self(NonZeroU64::new(u32::MAX as u64).unwrap());

    pub(super) fn new(place: u32, generation: NonZeroU32) -> Self {
        Self(NonZeroU64::from(generation).saturating_mul(ONE_GENERATION) | u64::from(place))
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

/// The part of a task that other threads may hold: its wakers point here.
#[derive(Debug)]
pub(crate) struct TaskHeader {
    shared: Arc<Shared>,
    /// Set when the task arrives on its core, and 0 until then. Before that only an abort can want to wake
    /// it, and the core looks for aborts when it polls for the first time.
    id: StdAtomicU64,
    scheduled: Scheduled,
    aborted: AtomicBool,
}

impl TaskHeader {
    /// A new task counts as scheduled: its core queues it without a wake.
    pub(crate) fn new(shared: Arc<Shared>) -> Arc<Self> {
        Arc::new(Self {
            shared,
            id: StdAtomicU64::new(0),
            scheduled: Scheduled::new(),
            aborted: AtomicBool::new(false),
        })
    }

    pub(crate) fn arrive(&self, id: TaskId) {
        self.id.store(id.to_bits(), Ordering::Release);
    }

    #[inline]
    pub(crate) fn scheduled(&self) -> &Scheduled {
        &self.scheduled
    }

    #[inline]
    pub(crate) fn is_aborted(&self) -> bool {
        self.aborted.load(Ordering::Acquire)
    }

    /// Whether this process is a child of the one where the task is.
    pub(crate) fn is_of_another_process(&self) -> bool {
        self.shared.check_process().is_err()
    }

    pub(crate) fn abort(&self) {
        self.aborted.store(true, Ordering::Release);
        self.schedule();
    }

    /// Queues the task unless it is queued already.
    pub(crate) fn schedule(&self) {
        if !self.scheduled.wake() {
            return;
        }
        let Some(id) = TaskId::from_bits(self.id.load(Ordering::Acquire)) else {
            return;
        };
        if !local::push_inside(&self.shared, id) {
            // The core is gone: so is the task, and nobody has to be told.
            let _ = self.shared.send(Message::Wake(id));
        }
    }
}

/// Not std's [`Wake`](std::task::Wake): of this one, a waker can be borrowed for a poll.
impl ArcWake for TaskHeader {
    fn wake_by_ref(arc_self: &Arc<Self>) {
        arc_self.schedule();
    }
}

/// Whether a task is in a queue: at most one queue, at most once.
///
/// The flag falls *before* the poll, so a wake during the poll queues the task once more. Both sides
/// exchange it in one step even if it does not change, so that what was written before a wake can be
/// seen in the poll that follows.
#[derive(Debug)]
pub(crate) struct Scheduled(AtomicBool);

impl Scheduled {
    pub(crate) fn new() -> Self {
        Self(AtomicBool::new(true))
    }

    /// Whether it is, at a glance that orders nothing.
    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// True if the caller has to put the task into a queue.
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
