//! How much work a task does before it lets others run.
//!
//! A socket that always has data would keep its task busy for ever. The async forms
//! ([`task::io`](super::io()), the futures of [`crate::io`], the streams built on them) therefore
//! spend one unit for each operation that succeeds, and yield when the budget of this poll is used up:
//! they wake their own task and return `Pending`. The primitives (`read`, `poll_*`) never pretend to
//! be pending.
//!
//! An executor gives a task its budget with [`with`]. Under an executor that gives none, the budget is
//! unlimited, but each future of [`crate::io`] that loops still yields after 128 rounds of one poll.

use std::{
    cell::Cell,
    task::{Context, Poll},
};

/// Runs `f`, usually one poll of a task, with a budget of `units`.
#[inline]
pub fn with<R>(units: u32, f: impl FnOnce() -> R) -> R {
    struct Restore(u32);
    impl Drop for Restore {
        #[inline]
        fn drop(&mut self) {
            LEFT.set(self.0);
        }
    }
    let _restore = Restore(LEFT.replace(units.min(UNLIMITED - 1)));
    f()
}

/// Ready while the budget lasts; otherwise wakes the task and is `Pending`.
#[inline]
pub fn poll_left(cx: &mut Context<'_>) -> Poll<()> {
    if LEFT.get() == 0 {
        cx.waker().wake_by_ref();
        return Poll::Pending;
    }
    Poll::Ready(())
}

/// Takes one unit off the budget, for an operation that has made progress.
#[inline]
pub fn spend() {
    let left = LEFT.get();
    if left != UNLIMITED {
        LEFT.set(left.saturating_sub(1));
    }
}

const UNLIMITED: u32 = u32::MAX;

thread_local! {
    static LEFT: Cell<u32> = const { Cell::new(UNLIMITED) };
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    fn left() -> bool {
        poll_left(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    #[test]
    fn a_used_up_budget_yields_and_ends_with_its_scope() {
        with(2, || {
            assert!(left());
            spend();
            spend();
            assert!(!left());
            with(1, || assert!(left()));
            assert!(!left());
        });
        for _ in 0..10 {
            spend();
        }
        assert!(left());
    }
}
