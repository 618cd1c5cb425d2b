use super::TaskId;
use crate::{
    fault::{Fault, seeded},
    sync::{AtomicU64, Ordering},
};

/// What the handle of a task knows of it: its number once it has one, and whether it was aborted.
///
/// Both are one word, so whichever comes first, the other sees it:
///
/// ```text
///   0 ── arrive ──▶ number ── abort ──▶ number, aborted: to be woken once more
///   └─── abort ───▶ aborted ── arrive ─▶ number, aborted: polled as a new task anyway
/// ```
#[derive(Debug)]
pub(crate) struct Number(AtomicU64);

impl Number {
    pub(crate) fn new(id: Option<TaskId>) -> Self {
        Self(AtomicU64::new(id.map_or(0, TaskId::to_bits)))
    }

    /// The task has got its number, and has not been polled yet.
    pub(crate) fn arrive(&self, id: TaskId) {
        self.0.fetch_or(id.to_bits(), Ordering::AcqRel);
    }

    /// Says which task has to be woken to hear of it, the first time.
    pub(crate) fn abort(&self) -> Option<TaskId> {
        let too_early = seeded(Fault::AbortLooksTooEarly).then(|| self.0.load(Ordering::Acquire));
        let before = self.0.fetch_or(ABORTED, Ordering::AcqRel);
        let before = too_early.unwrap_or(before);
        TaskId::from_bits(before).filter(|_| before & ABORTED == 0)
    }

    #[inline]
    pub(crate) fn is_aborted(&self) -> bool {
        self.0.load(Ordering::Acquire) & ABORTED != 0
    }
}

/// A bit that no number has.
const ABORTED: u64 = 1 << 63;
