use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
};

use reactor::Metrics;

/// What one core has to do; from [`Cores::loads`](super::Cores::loads).
///
/// The numbers are read one after the other while the cores go on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CoreLoad {
    /// Connections that it has been given since it was started.
    pub accepted: u64,
    /// Connections that it serves now.
    pub open: usize,
    /// What its reactor has done.
    pub metrics: Metrics,
}

/// The counters behind it.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) accepted: AtomicU64,
    pub(super) open: AtomicUsize,
}

/// A connection's place among the open ones of a core, until this is dropped.
#[derive(Debug)]
pub(super) struct Place(Arc<Counters>);

impl Place {
    pub(super) fn new(counters: &Arc<Counters>) -> Self {
        counters.accepted.fetch_add(1, Relaxed);
        counters.open.fetch_add(1, Relaxed);
        Self(counters.clone())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Relaxed);
    }
}
