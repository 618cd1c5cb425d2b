use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// What a reactor has done since it was made; from [`Handle::metrics`](crate::Handle::metrics).
///
/// The numbers are read one after the other while the loop may go on, so they are exact each, but not
/// of one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metrics {
    /// How often the loop has visited the poller.
    pub turns: u64,
    /// How often it has waited for the poller, rather than only asked.
    pub sleeps: u64,
    /// How often it has asked the poller once more instead of waiting: see
    /// [`CoreOptions::spin`](crate::CoreOptions::spin).
    pub spins: u64,
    /// Time that the loop has waited for the poller, asleep or spinning; 0 unless
    /// [`CoreOptions::measure_time`](crate::CoreOptions::measure_time) was asked for. A wait is counted when
    /// it ends, so one that still lasts is not in it.
    pub wait_time: Duration,
    /// Time inside of [`run`](crate::Core::run) and [`turn`](crate::Core::turn) that was not spent waiting:
    /// in polls of tasks and with events, whether the thread had a processor or not. 0 unless
    /// [`CoreOptions::measure_time`](crate::CoreOptions::measure_time) was asked for. It is counted whenever
    /// the poller is visited.
    pub busy_time: Duration,
    /// Readiness events of registered objects.
    pub events: u64,
    /// Events of objects that had been deregistered before the event was looked at.
    pub stale_events: u64,
    /// Wakes by events: one for each task that waited for what an event has told.
    pub wakeups: u64,
    /// Operations that found nothing to do although an event had said "ready".
    pub spurious: u64,
    /// Polls of spawned tasks.
    pub polls: u64,
    /// Tasks spawned.
    pub spawned: u64,
    /// Wakes from outside the loop that had to interrupt its sleep.
    pub interrupts: u64,
    /// Timers that fired.
    pub timers_fired: u64,
    /// Objects that are registered now.
    pub registered: u64,
    /// Tasks that are not done.
    pub tasks: u64,
    /// Timers that somebody waits for.
    pub timers: u64,
}

/// The counters behind [`Metrics`].
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) turns: OwnCounter,
    pub(crate) sleeps: OwnCounter,
    pub(crate) spins: OwnCounter,
    pub(crate) wait_nanos: OwnCounter,
    pub(crate) busy_nanos: OwnCounter,
    pub(crate) events: OwnCounter,
    pub(crate) stale_events: OwnCounter,
    pub(crate) wakeups: OwnCounter,
    pub(crate) polls: OwnCounter,
    pub(crate) spawned: OwnCounter,
    /// Tasks that are no more.
    pub(crate) finished: OwnCounter,
    pub(crate) timers_fired: OwnCounter,
    pub(crate) spurious: SharedCounter,
    pub(crate) interrupts: SharedCounter,
}

/// Counted by the loop's thread alone: a load and a store, not an atomic addition.
#[derive(Debug, Default)]
pub(crate) struct OwnCounter(AtomicU64);

impl OwnCounter {
    #[inline]
    pub(crate) fn add(&self, n: u64) {
        self.0
            .store(self.0.load(Ordering::Relaxed) + n, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Counted by any thread, and rarely.
#[derive(Debug, Default)]
pub(crate) struct SharedCounter(AtomicU64);

impl SharedCounter {
    pub(crate) fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
