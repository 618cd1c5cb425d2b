//! A timer that is made outside of the loop wakes the loop if it sleeps for too long, and not otherwise.

mod common;

use std::{task::Waker, time::Duration};

use common::{poll_with, settle};
use reactor::{Core, Handle, Sleep};

const MINUTE: Duration = Duration::from_secs(60);

/// A sleep that is polled where no task of the loop is; and how often that has rung.
fn polled_outside(handle: &Handle, duration: Duration) -> (Sleep, u64) {
    let before = handle.metrics().interrupts;
    let mut sleep = handle.sleep(duration);
    assert!(poll_with(&mut sleep, Waker::noop()).is_pending());
    (sleep, handle.metrics().interrupts - before)
}

#[test]
fn a_loop_that_looks_early_enough_for_a_timer_of_its_own_is_not_rung_for() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let own = core.spawner().spawn(handle.sleep(20 * MINUTE));
    settle(&mut core);
    let (_first, rings) = polled_outside(&handle, 60 * MINUTE);
    assert_eq!(rings, 1, "nobody else tells the loop that there is one");
    settle(&mut core);
    // Earlier than the others, but not than the loop's own.
    let (_second, rings) = polled_outside(&handle, 40 * MINUTE);
    assert_eq!(rings, 0);
    let (_earlier, rings) = polled_outside(&handle, 10 * MINUTE);
    assert_eq!(rings, 1, "the loop sleeps for too long");
    settle(&mut core);
    // Now this is what it sleeps for.
    let (_again, rings) = polled_outside(&handle, 11 * MINUTE);
    assert_eq!(rings, 0);
    drop(own);
}

/// Limits of time that nobody needs, one after the other.
#[test]
fn a_loop_that_will_look_for_a_timer_that_was_cancelled_is_not_rung_for() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let (first, rings) = polled_outside(&handle, MINUTE);
    assert_eq!(rings, 1);
    settle(&mut core);
    drop(first);
    for _ in 0..100 {
        let (_dropped, rings) = polled_outside(&handle, MINUTE);
        assert_eq!(rings, 0);
    }
    // Once the loop has looked, it sleeps for ever.
    settle(&mut core);
    let (_next, rings) = polled_outside(&handle, MINUTE);
    assert_eq!(rings, 1);
}
