use std::{
    cell::Cell,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{metrics::OwnCounter, shared::Shared};

/// Divides the time of a loop between what it waits and what it does.
///
/// ```text
///   run ─── busy ───▶ was_busy ─── the poller ───▶ has_waited ─── busy ───▶ … ──▶ end of run
/// ```
pub(super) struct Stopwatch {
    shared: Arc<Shared>,
    /// When the piece of time began that has not been counted yet.
    since: Cell<Instant>,
}

impl Stopwatch {
    pub(super) fn new(shared: Arc<Shared>) -> Rc<Self> {
        let since = Cell::new(Instant::now());
        Rc::new(Self { shared, since })
    }

    /// Starts it; what is returned stops it, which unwinding does too.
    pub(super) fn start(self: Rc<Self>) -> Running {
        self.since.set(Instant::now());
        Running(self)
    }

    pub(super) fn was_busy(&self) {
        self.count(&self.shared.counters.busy_nanos);
    }

    pub(super) fn has_waited(&self) {
        self.count(&self.shared.counters.wait_nanos);
    }

    fn count(&self, nanos: &OwnCounter) {
        let now = Instant::now();
        let passed = now.saturating_duration_since(self.since.replace(now));
        nanos.add(to_nanos(passed));
    }
}

/// The loop is inside of a `run` or `turn` until this is dropped.
pub(super) struct Running(Rc<Stopwatch>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.was_busy();
    }
}

/// No loop waits for 500 years.
fn to_nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
