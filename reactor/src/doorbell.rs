use crate::{
    fault::{Fault, acq_rel_unless, seeded},
    sync::{AtomicU8, Ordering},
};

/// Whether the loop sleeps, and whether somebody wants it awake.
///
/// ```text
///              fall_asleep               ring (writes to the poller)
///   AWAKE ───────────────────▶ ASLEEP ───────────────────────────────┐
///     ▲ │                        │ wake_up                           ▼
///     │ └──── ring ────────────────────────────────────────────▶   RUNG
///     └────────────────────────  wake_up, or fall_asleep refused  ◀──┘
/// ```
///
/// Whoever has work for the loop puts it into a queue *first* and rings *then*. All three operations
/// exchange the state in one step, so the work is either seen before the loop sleeps or the ringer
/// sees it asleep. Of many ringers during one sleep exactly one writes to the poller.
#[derive(Debug)]
pub(crate) struct Doorbell(AtomicU8);

impl Doorbell {
    /// Outside of a turn the loop counts as asleep: a foreign loop may be waiting for its descriptor.
    pub(crate) fn new() -> Self {
        Self(AtomicU8::new(ASLEEP))
    }

    /// Asks for the loop; true if the caller has to wake the poller.
    #[must_use]
    pub(crate) fn ring(&self) -> bool {
        if seeded(Fault::RingOnlyTheSleeper) {
            return self.0.load(Ordering::Acquire) == ASLEEP
                && self.0.swap(RUNG, Ordering::AcqRel) == ASLEEP;
        }
        self.0.swap(RUNG, acq_rel_unless(Fault::RingWithoutRelease)) == ASLEEP
    }

    /// Whether somebody has rung whom the loop has not heard yet.
    pub(crate) fn is_rung(&self) -> bool {
        self.0.load(Ordering::Acquire) == RUNG
    }

    /// The loop is about to wait; false if somebody has rung and it must look at its queues first.
    #[must_use]
    pub(crate) fn fall_asleep(&self) -> bool {
        // Not a swap: a loop that is refused must not look asleep even for a moment, or another ringer
        // writes to the poller for nothing.
        let (acq_rel, acquire) = (Ordering::AcqRel, Ordering::Acquire);
        let (Ok(before) | Err(before)) = self.0.compare_exchange(AWAKE, ASLEEP, acq_rel, acquire);
        if before == RUNG && !seeded(Fault::SleepWithoutLook) {
            self.wake_up();
            return false;
        }
        true
    }

    /// The loop looks, again and again, before it falls asleep. It is awake, so a ring costs no system call.
    /// Says whether somebody has rung; `None` if it is over and there was nothing.
    pub(crate) fn spin(&self, mut look: impl FnMut() -> Found) -> Option<bool> {
        // Before its first turn the loop counts as asleep.
        let mut rung = self.wake_up();
        loop {
            let found = look();
            rung |= self.is_rung();
            if rung || found == Found::Something {
                return Some(self.wake_up() || rung);
            }
            if found == Found::NothingInTime {
                if seeded(Fault::SpinTakesRingBack) {
                    self.wake_up();
                }
                return None;
            }
        }
    }

    /// The loop is about to look at its queues; true if somebody has rung for that.
    pub(crate) fn wake_up(&self) -> bool {
        self.0
            .swap(AWAKE, acq_rel_unless(Fault::WakeUpWithoutAcquire))
            == RUNG
    }
}

/// What a look of a loop that spins has shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    Something,
    Nothing,
    /// And that was the last look.
    NothingInTime,
}

const AWAKE: u8 = 0;
const ASLEEP: u8 = 1;
const RUNG: u8 = 2;
