use std::time::{Duration, Instant};

use crate::shared::Shared;

/// When a sleep is over. What it takes to say that is left for when it is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    from: Instant,
    /// It may be so long that the sum is later than the clock can say.
    after: Duration,
}

impl Deadline {
    #[inline]
    pub(crate) fn after(duration: Duration) -> Self {
        Self {
            from: Instant::now(),
            after: duration,
        }
    }

    /// `None`: later than the clock can say.
    pub(crate) fn at(deadline: Option<Instant>) -> Self {
        match deadline {
            Some(deadline) => Self {
                from: deadline,
                after: Duration::ZERO,
            },
            None => Self {
                from: Instant::now(),
                after: Duration::MAX,
            },
        }
    }

    /// `None` if it is later than the clock can say.
    pub(crate) fn instant(self) -> Option<Instant> {
        self.from.checked_add(self.after)
    }

    /// In nanoseconds of a reactor.
    pub(crate) fn nanos(self, shared: &Shared) -> u64 {
        let after = u64::try_from(self.after.as_nanos()).unwrap_or(u64::MAX);
        shared.nanos_at(self.from).saturating_add(after)
    }

    /// Without its beginning, for timers that are not of any reactor.
    #[cfg(all(test, not(loom)))]
    pub(super) fn length_in_nanos(self) -> u64 {
        self.after.as_nanos() as u64
    }
}
