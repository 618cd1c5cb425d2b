//! A registration meets the end of the core, and an event the object that has just left.

use std::{sync::Arc, task::Poll};

use loom::thread;

use super::{HANG, Woken, block_on, catches, check};
use crate::{
    Direction::Read,
    Options,
    error::ReactorGone,
    fault::Fault,
    readiness::{Event, Told},
    shared::wake_all,
    slot::{Slot, Waited},
    slots::Slots,
    sync::{Mutex, lock},
    waker_set::Drained,
};

fn slot() -> Arc<Slot> {
    Arc::new(Slot::new(Options::new().assume_unready(), None))
}

fn a_registration_and_the_end() {
    let slots = Arc::new(Mutex::new(Slots::default()));
    let core = thread::spawn({
        let slots = slots.clone();
        move || {
            let mut drained = Drained::default();
            lock(&slots).set_gone(&mut drained);
            wake_all(&mut drained);
        }
    });
    let slot = slot();
    let inserted = lock(&slots).insert(slot.clone(), 0);
    if inserted.is_ok() {
        let (answer, _) = block_on(|waker| match slot.wait(Read, Told::READY, waker, None) {
            Ok(Waited::Parked) => Poll::Pending,
            other => Poll::Ready(other),
        });
        assert_eq!(answer, Err(ReactorGone));
    }
    core.join().unwrap();
}

#[test]
fn a_registration_is_refused_or_hears_that_the_core_is_gone() {
    check(a_registration_and_the_end);
}

#[test]
fn an_object_that_is_taken_in_by_a_core_that_is_gone_is_caught() {
    catches(Fault::InsertWhenGone, HANG, a_registration_and_the_end);
}

fn a_late_event_and_the_next_object() {
    let slots = Arc::new(Mutex::new(Slots::default()));
    let old = lock(&slots).insert(slot(), 0).unwrap();
    let core = thread::spawn({
        let slots = slots.clone();
        move || {
            let mut woken = Woken::default();
            if let Some(slot) = lock(&slots).get(old) {
                let _ = slot.event(Some(Event::default()), None, &mut woken);
            }
            wake_all(&mut woken.0);
        }
    });
    let removed = lock(&slots).remove(old);
    assert!(removed.is_some());
    let next = slot();
    lock(&slots).insert(next.clone(), 0).unwrap();
    core.join().unwrap();
    let untouched = !next.seen(Read).is_ready();
    assert!(untouched, "an event of the object before");
}

#[test]
fn an_event_of_an_object_that_has_left_never_reaches_the_next_one() {
    check(a_late_event_and_the_next_object);
}

#[test]
fn a_token_without_a_generation_is_caught() {
    catches(
        Fault::TokenWithoutGeneration,
        "an event of the object before",
        a_late_event_and_the_next_object,
    );
}
