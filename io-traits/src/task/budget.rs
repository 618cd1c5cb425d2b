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
//!
//! A task that goes on asking within one poll has nobody whom it lets run: it is inside of a `block_on` of
//! its own, which is not over before its future is done. So after many refusals in one poll it gets
//! some more.

use std::{
    cell::Cell,
    task::{Context, Poll},
};

/// Runs `f`, usually one poll of a task, with a budget of `units`.
#[inline]
pub fn with<R>(units: u32, f: impl FnOnce() -> R) -> R {
    struct Restore(i64);
    impl Drop for Restore {
        #[inline]
        fn drop(&mut self) {
            if LEFT.replace(self.0) <= 0 {
                REFUSED.set(0);
            }
        }
    }
    let _restore = Restore(LEFT.replace(units.into()));
    f()
}

/// Ready while the budget lasts; otherwise wakes the task and is `Pending`.
#[inline]
pub fn poll_left(cx: &mut Context<'_>) -> Poll<()> {
    if is_left() {
        return Poll::Ready(());
    }
    refuse(cx)
}

#[cold]
fn refuse(cx: &mut Context<'_>) -> Poll<()> {
    let refused = REFUSED.get() + 1;
    if refused == MOST_REFUSALS {
        REFUSED.set(0);
        LEFT.set(RENEWED);
        return Poll::Ready(());
    }
    REFUSED.set(refused);
    cx.waker().wake_by_ref();
    Poll::Pending
}

/// Whether the budget lasts, without a word to the task if it does not: [`poll_left`] has to follow then.
#[inline]
pub fn is_left() -> bool {
    LEFT.get() > 0
}

/// Takes one unit off the budget, for an operation that has made progress.
#[inline]
pub fn spend() {
    // No number of operations takes it from one end of 64 bits to the other.
    LEFT.set(LEFT.get() - 1);
}

/// Where nobody has given a budget: so much that it counts as no limit.
const UNLIMITED: i64 = i64::MAX;
/// So often a task is refused in one poll. One with thousands of futures inside may ask that often in good
/// faith, and gets a little more than its share.
const MOST_REFUSALS: u32 = 4096;
const RENEWED: i64 = 128;

thread_local! {
    /// Below 0 after more operations than were allowed: it is refused only where somebody asks.
    static LEFT: Cell<i64> = const { Cell::new(UNLIMITED) };
    /// How many times it was refused in this poll.
    static REFUSED: Cell<u32> = const { Cell::new(0) };
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    fn left() -> bool {
        poll_left(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    #[test]
    fn whether_it_is_left_can_be_asked_without_a_task() {
        assert!(is_left());
        with(1, || {
            assert!(is_left());
            spend();
            assert!(!is_left());
        });
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

    #[test]
    fn who_asks_without_end_in_one_poll_gets_some_more_and_in_many_polls_nothing() {
        let refusals = || (0..).take_while(|_| !left()).count() as u32;
        with(0, || {
            for _ in 0..2 {
                assert_eq!(refusals(), MOST_REFUSALS - 1);
                (0..RENEWED).for_each(|_| spend());
            }
        });
        for _ in 0..2 * MOST_REFUSALS {
            with(0, || assert!(!left()));
        }
    }
}
