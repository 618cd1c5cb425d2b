//! What the hot path tells `tracing`: next to nothing of its cost is left while nobody wants to hear it.

use std::sync::atomic::{AtomicBool, Ordering};

use tracing::{Level, level_filters::LevelFilter};

use crate::Direction;

/// Whether somebody may want to hear of everything, as it was at the last visit of the poller.
#[derive(Debug)]
pub(crate) struct Tracing(AtomicBool);

impl Tracing {
    pub(crate) fn new() -> Self {
        let tracing = Self(AtomicBool::new(false));
        tracing.look();
        tracing
    }

    /// Asks `tracing` again.
    #[inline]
    pub(crate) fn look(&self) {
        let is_on = Level::TRACE <= LevelFilter::current();
        self.0.store(is_on, Ordering::Relaxed);
    }

    #[inline(always)]
    pub(crate) fn is_on(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// A task is about to wait for an object.
    #[inline(always)]
    pub(crate) fn waits(&self, token: usize, direction: Direction) {
        if self.is_on() {
            tell_wait(token, direction);
        }
    }
}

#[cold]
fn tell_wait(token: usize, direction: Direction) {
    tracing::trace!(token, ?direction, "waits");
}
