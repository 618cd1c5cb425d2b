//! What the hot path tells `tracing`: next to nothing of its cost is left while nobody wants to hear it.

use std::sync::atomic::{AtomicU32, Ordering};

use tracing::{Level, level_filters::LevelFilter};

use crate::Direction;

/// Whether somebody may want to hear of everything, as it was at the last visit of the poller.
#[derive(Debug)]
pub(crate) struct Tracing {
    /// How many forks were behind the process that made the reactor.
    forks: u32,
    /// That number while nobody listens, so that it and what is asked with it are one comparison.
    quiet_after: AtomicU32,
}

impl Tracing {
    pub(crate) fn new(forks: u32) -> Self {
        let tracing = Self {
            forks,
            quiet_after: AtomicU32::new(LOUD),
        };
        tracing.look();
        tracing
    }

    /// Asks `tracing` again.
    #[inline]
    pub(crate) fn look(&self) {
        let is_on = Level::TRACE <= LevelFilter::current();
        let quiet_after = if is_on { LOUD } else { self.forks };
        self.quiet_after.store(quiet_after, Ordering::Relaxed);
    }

    #[inline(always)]
    pub(crate) fn is_on(&self) -> bool {
        self.quiet_after.load(Ordering::Relaxed) == LOUD
    }

    /// Whether nobody listens and this is still the process that made the reactor, if so many forks are behind it.
    #[inline(always)]
    pub(crate) fn is_quiet_after(&self, forks: u32) -> bool {
        self.quiet_after.load(Ordering::Relaxed) == forks
    }

    /// A task is about to wait for an object.
    pub(crate) fn waits(&self, token: usize, direction: Direction) {
        if self.is_on() {
            tracing::trace!(token, ?direction, "waits");
        }
    }
}

/// No number of forks.
const LOUD: u32 = u32::MAX;
