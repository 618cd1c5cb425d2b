use std::{
    sync::{Arc, Condvar, Mutex, PoisonError},
    task::{Wake, Waker},
    time::{Duration, Instant},
};

/// A waker that counts, and that can be waited for.
#[derive(Debug, Default)]
pub(super) struct Alarm {
    wakes: Mutex<u64>,
    changed: Condvar,
}

impl Alarm {
    pub(super) fn new() -> (Arc<Self>, Waker) {
        let alarm = Arc::new(Self::default());
        (alarm.clone(), Waker::from(alarm))
    }

    pub(super) fn wakes(&self) -> u64 {
        *self.wakes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether there are more than `seen` wakes before the deadline.
    pub(super) fn wait(&self, seen: u64, deadline: Instant) -> bool {
        let mut wakes = self.wakes.lock().unwrap_or_else(PoisonError::into_inner);
        while *wakes <= seen {
            let left = deadline.saturating_duration_since(Instant::now());
            if left == Duration::ZERO {
                return false;
            }
            wakes = self
                .changed
                .wait_timeout(wakes, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        true
    }
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        *self.wakes.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.changed.notify_all();
    }
}
