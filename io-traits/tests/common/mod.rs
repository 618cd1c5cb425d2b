//! What the tests of all crates share: wakers that count, and polling by hand.
#![allow(dead_code, reason = "each test file uses some of it")]

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::{Duration, Instant},
};

/// How long anything may take before it counts as a hang.
pub(crate) const HANG: Duration = Duration::from_secs(20);

/// A waker that counts, and that another thread can wait for.
#[derive(Debug, Default)]
pub(crate) struct CountWakes {
    wakes: AtomicUsize,
    woken: Mutex<()>,
    changed: Condvar,
}

impl CountWakes {
    pub(crate) fn new() -> (Arc<Self>, Waker) {
        let count = Arc::new(Self::default());
        (count.clone(), Waker::from(count))
    }

    pub(crate) fn get(&self) -> usize {
        self.wakes.load(Ordering::SeqCst)
    }

    /// Waits until there have been so many wakes; fails when they do not come.
    #[track_caller]
    pub(crate) fn wait_for(&self, wakes: usize) {
        let deadline = Instant::now() + HANG;
        let mut guard = self.woken.lock().unwrap();
        while self.get() < wakes {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero(),
                "a wakeup was lost: {} of {wakes}",
                self.get()
            );
            guard = self.changed.wait_timeout(guard, left).unwrap().0;
        }
    }
}

impl Wake for CountWakes {
    fn wake(self: Arc<Self>) {
        let _guard = self.woken.lock().unwrap();
        self.wakes.fetch_add(1, Ordering::SeqCst);
        self.changed.notify_all();
    }
}

/// Polls once, for a waker that nobody listens to.
pub(crate) fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    poll_with(future, Waker::noop())
}

pub(crate) fn poll_with<F: Future + Unpin>(future: &mut F, waker: &Waker) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(waker))
}

/// Polls to the end, but only when it was woken; fails if a `Pending` comes with nobody to wake it.
/// Returns the output and how many polls it took.
#[track_caller]
pub(crate) fn drive<F: Future>(future: F) -> (F::Output, usize) {
    let mut future = std::pin::pin!(future);
    let (count, waker) = CountWakes::new();
    let mut polls = 0;
    loop {
        let before = count.get();
        polls += 1;
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return (output, polls);
        }
        assert!(
            count.get() > before,
            "pending after {polls} polls, and nobody woke the task"
        );
        assert!(polls < 1_000_000, "it spins");
    }
}

/// A small generator of random numbers; the same seed gives the same numbers.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

/// A subscriber that keeps the level and the fields of each event.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log(pub(crate) Arc<Mutex<Vec<String>>>);

impl tracing::Subscriber for Log {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        struct Fields(String);
        impl tracing::field::Visit for Fields {
            fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
                self.0 += &format!("{field}={value:?} ");
            }
        }
        let mut fields = Fields(format!("{} ", event.metadata().level()));
        event.record(&mut fields);
        self.0.lock().unwrap().push(fields.0);
    }
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}
