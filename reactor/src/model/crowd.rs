//! More tasks wait for one direction than the set of wakers has room for, which in a model is two.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Wake, Waker},
};

use loom::thread;

use super::{
    KEPT, Woken, any_descriptor, block_on, catches, check, no_other_has, nobody_has_a_waker,
    slot::{dispatch, options, poll_ready},
};
use crate::{Direction::Read, fault::Fault, readiness::Told, slot::Slot, slot::Waited};

/// A task that has parked, and of which only its wakes are known.
#[derive(Default)]
struct Parked(AtomicUsize);

impl Wake for Parked {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A slot in which two tasks wait to read.
fn full() -> (Arc<Slot>, [(Arc<Parked>, Waker); 2]) {
    let slot = Arc::new(Slot::new(options(false), any_descriptor()));
    let parked = [0, 1].map(|_| {
        let parked = Arc::new(Parked::default());
        let waker = Waker::from(parked.clone());
        let waited = slot.wait(Read, Told::READY, &waker, None);
        assert_eq!(waited, Ok(Waited::Parked));
        (parked, waker)
    });
    (slot, parked)
}

/// `newcomers` find no room, while the event comes that all wait for.
fn newcomers_and_an_event(newcomers: usize) {
    let (slot, parked) = full();
    let newcomers: Vec<_> = (0..newcomers)
        .map(|_| {
            let slot = slot.clone();
            thread::spawn(move || {
                let (ready, _) = block_on(|waker| poll_ready(&slot, Read, waker));
                assert!(ready.unwrap().is_ready());
            })
        })
        .collect();
    dispatch(&slot, true, false);
    for newcomer in newcomers {
        newcomer.join().unwrap();
    }
    for (parked, _) in &parked {
        let wakes = parked.0.load(Ordering::Relaxed);
        assert!(wakes > 0, "{FORGOTTEN}");
    }
    // Whoever is remembered, or has left a waker although there was no need to wait, is given up now.
    dispatch(&slot, true, false);
    for (parked, waker) in parked {
        no_other_has(parked, waker);
    }
}

fn one_newcomer() {
    newcomers_and_an_event(1);
}

fn two_newcomers() {
    newcomers_and_an_event(2);
}

#[test]
fn whoever_leaves_for_want_of_room_is_woken_and_kept_by_nobody() {
    check(one_newcomer);
    check(two_newcomers);
}

#[test]
fn waiters_that_leave_without_a_word_are_caught() {
    catches(Fault::OverflowWithoutWake, FORGOTTEN, one_newcomer);
}

#[test]
fn a_set_that_remembers_for_ever_is_caught() {
    catches(Fault::SamplesStay, KEPT, one_newcomer);
}

/// Nothing happens to the object: the newcomer alone makes the others come back, and takes their place.
fn a_crowd_without_an_event() {
    let (slot, parked) = full();
    let newcomer = thread::spawn({
        let slot = slot.clone();
        move || slot.wait(Read, Told::READY, Waker::noop(), None)
    });
    // One of them polls again, as tasks may at any time, with the waker that is there already or not.
    let again = slot.wait(Read, Told::READY, &parked[0].1, None);
    assert_eq!(again, Ok(Waited::Parked));
    assert_eq!(newcomer.join().unwrap(), Ok(Waited::Parked));
    // So each of them is woken by now, or will be by an event.
    dispatch(&slot, true, false);
    for (parked, waker) in parked {
        let wakes = parked.0.load(Ordering::Relaxed);
        assert!(wakes > 0, "{FORGOTTEN}");
        no_other_has(parked, waker);
    }
}

#[test]
fn who_comes_back_while_another_one_comes_is_woken_in_the_end() {
    check(a_crowd_without_an_event);
}

#[test]
fn who_comes_back_to_a_set_that_forgets_is_caught() {
    let fault = Fault::OverflowWithoutWake;
    catches(fault, FORGOTTEN, a_crowd_without_an_event);
}

/// The core goes while a newcomer finds no room.
fn a_newcomer_and_the_end() {
    let (slot, parked) = full();
    let newcomer = thread::spawn({
        let slot = slot.clone();
        move || block_on(|waker| poll_ready(&slot, Read, waker)).0
    });
    let mut woken = Woken::default();
    slot.set_gone(&mut woken.0);
    crate::shared::wake_all(&mut woken.0);
    assert!(newcomer.join().unwrap().is_err());
    for (parked, _) in &parked {
        assert!(parked.0.load(Ordering::Relaxed) > 0, "{FORGOTTEN}");
    }
    // Although the object is still there, and nothing comes any more.
    nobody_has_a_waker();
    for (parked, waker) in parked {
        no_other_has(parked, waker);
    }
    drop(slot);
}

#[test]
fn a_crowd_hears_that_the_core_is_gone() {
    check(a_newcomer_and_the_end);
}

#[test]
fn a_crowd_of_which_the_object_keeps_wakers_is_caught() {
    catches(Fault::GoneKeepsWakers, KEPT, a_newcomer_and_the_end);
}

#[test]
fn a_core_that_says_that_it_goes_after_it_has_woken_everybody_is_caught() {
    catches(Fault::GoneTooLate, super::HANG, a_newcomer_and_the_end);
}

const FORGOTTEN: &str = "a waiter was not woken";
