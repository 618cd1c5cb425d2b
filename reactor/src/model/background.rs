//! The owner of a background reactor ends it.

use std::{
    mem::ManuallyDrop,
    pin::Pin,
    sync::Arc,
    task::{Context, Waker},
};

use loom::thread;

use super::{HANG, block_on, catches, check, fails, reactors::reactor};
use crate::{Sleep, background::Stop, error::ReactorGone, fault::Fault};

/// `ends` is whether the thread drops its core.
fn an_owner_that_stops(ends: bool) {
    let (shared, stop) = (reactor(), Arc::new(Stop::new(None)));
    let core = thread::spawn({
        let (shared, stop) = (shared.clone(), stop.clone());
        move || {
            let (stopped, polls) = block_on(|waker| stop.poll(waker));
            assert!(stopped.is_ok() && polls <= 2, "{polls} polls");
            if ends {
                shared.set_gone();
            }
        }
    });
    let client = thread::spawn({
        let shared = shared.clone();
        move || {
            let mut sleep = ManuallyDrop::new(Sleep::new(shared, None));
            let poll = |waker: &Waker| Pin::new(&mut *sleep).poll(&mut Context::from_waker(waker));
            let (result, _) = block_on(poll);
            drop(ManuallyDrop::into_inner(sleep));
            assert!(ReactorGone::is_source_of(&result.unwrap_err()));
        }
    });
    stop.complete(Ok(()));
    core.join().unwrap();
    client.join().unwrap();
    assert_eq!(shared.timers.count(), 0);
}

#[test]
fn the_thread_ends_and_whoever_waits_hears_of_it_whenever_the_owner_stops() {
    check(|| an_owner_that_stops(true));
}

#[test]
fn a_stop_that_does_not_wake_the_thread_is_caught() {
    catches(Fault::CompleteWithoutWake, HANG, || {
        an_owner_that_stops(true);
    });
}

#[test]
fn a_thread_that_leaves_its_core_behind_is_caught() {
    fails(HANG, || an_owner_that_stops(false));
}
