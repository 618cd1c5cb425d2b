//! The one door to atomics and locks: std's, or loom's when the models are built.

#[cfg(not(loom))]
pub(crate) use std::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering},
};

#[cfg(loom)]
pub(crate) use {
    loom::sync::{
        Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering},
    },
    model::AtomicU64,
};

use std::sync::PoisonError;

/// Locks; a panic elsewhere while the lock was held has left nothing half-done.
///
/// INVARIANT: no foreign code (a waker, a future's drop, a subscriber of tracing) runs under any lock of
/// this crate.
#[inline]
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(loom)]
mod model {
    use loom::sync::atomic::{self, Ordering};

    /// loom's, but for the first step of an update.
    ///
    /// loom 0.7 looks for conflicts with the *last* access of an atomic alone. An update that loads
    /// first hides from its own exchange what other threads have read before: models would pass in
    /// which an event has to come just before somebody looks.
    #[derive(Debug)]
    pub(crate) struct AtomicU64(atomic::AtomicU64);

    impl AtomicU64 {
        pub(crate) fn new(value: u64) -> Self {
            Self(atomic::AtomicU64::new(value))
        }

        pub(crate) fn load(&self, order: Ordering) -> u64 {
            self.0.load(order)
        }

        pub(crate) fn fetch_or(&self, bits: u64, order: Ordering) -> u64 {
            self.0.fetch_or(bits, order)
        }

        pub(crate) fn compare_exchange(
            &self,
            before: u64,
            after: u64,
            set_order: Ordering,
            fetch_order: Ordering,
        ) -> Result<u64, u64> {
            (self.0).compare_exchange(before, after, set_order, fetch_order)
        }

        pub(crate) fn fetch_update(
            &self,
            set_order: Ordering,
            fetch_order: Ordering,
            mut change: impl FnMut(u64) -> Option<u64>,
        ) -> Result<u64, u64> {
            let mut before = self.0.fetch_or(0, fetch_order);
            while let Some(after) = change(before) {
                match (self.0).compare_exchange(before, after, set_order, fetch_order) {
                    Ok(_) => return Ok(before),
                    Err(other) => before = other,
                }
            }
            Err(before)
        }
    }
}
