//! The one door to atomics and locks: std's, or loom's when the models are built.

#[cfg(not(loom))]
pub(crate) use std::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering},
};

#[cfg(loom)]
pub(crate) use loom::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering},
};

use std::sync::PoisonError;

/// Locks; a panic elsewhere while the lock was held has left nothing half-done.
///
/// INVARIANT: no foreign code (a waker, a future's drop) runs under any lock of this crate.
#[inline]
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
