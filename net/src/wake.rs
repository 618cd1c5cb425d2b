//! Waking those who wait for something of this crate.

use std::{
    mem,
    panic::{self, AssertUnwindSafe},
};

/// Wakes, which is foreign code, for outside of all locks; a panic of it ends here and harms nobody else.
pub(crate) fn quietly(wake: impl FnOnce()) {
    if let Err(payload) = panic::catch_unwind(AssertUnwindSafe(wake)) {
        tracing::error!("a waker has panicked");
        // Its drop may panic once more.
        mem::forget(payload);
    }
}
