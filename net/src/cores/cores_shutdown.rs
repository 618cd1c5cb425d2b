use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use crate::Tracker;

/// Ends a server on many cores, from anywhere; from [`Cores::shutdown`](super::Cores::shutdown).
///
/// It is cheap to clone, and all clones are the same.
#[derive(Debug, Clone, Default)]
pub struct CoresShutdown {
    tracker: Tracker,
    limit: Arc<OnceLock<Duration>>,
}

impl CoresShutdown {
    /// Begins the end, at once: no more connections are accepted, idle ones are closed, busy ones may
    /// finish within `limit`; see [`Tracker`]. The earliest call is the one whose limit counts.
    ///
    /// [`Cores::wait`](super::Cores::wait) returns when it is over.
    pub fn begin(&self, limit: Duration) {
        // An error: somebody has said it before.
        let _ = self.limit.set(limit);
        self.tracker.begin_end();
    }

    /// Whether the end has begun.
    pub fn has_begun(&self) -> bool {
        self.tracker.is_stopping()
    }

    /// Who knows the connections.
    pub fn tracker(&self) -> &Tracker {
        &self.tracker
    }

    /// How long busy connections may go on; without an end if it was the tracker that was told.
    pub(super) fn limit(&self) -> Duration {
        self.limit.get().copied().unwrap_or(Duration::MAX)
    }
}

/// Ends the others when a thread ends before it was told to: it has failed.
pub(super) struct EndAll(pub(super) CoresShutdown);

impl Drop for EndAll {
    fn drop(&mut self) {
        // Otherwise the limit is somebody's, who may not have said it to us but to the tracker.
        if !self.0.has_begun() {
            self.0.begin(Duration::ZERO);
        }
    }
}
