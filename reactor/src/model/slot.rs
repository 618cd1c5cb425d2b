//! An event, a clear and a waiter meet in a slot.

use std::{
    sync::Arc,
    task::{Poll, Waker, ready},
};

use loom::thread;

use super::{
    HANG, KEPT, Woken, any_descriptor, block_on, block_on_after_a_move, catches, check, fails,
    nobody_has_a_waker,
};
use crate::{
    Direction, Options,
    error::ReactorGone,
    fault::Fault,
    readiness::{Event, Seen, Told},
    shared::wake_all,
    slot::{Slot, Waited},
    sync::{Mutex, MutexGuard, lock},
    waker_set::Drained,
};

use Direction::{Read, Write};

/// An object of which the system reports each arrival once, and its slot.
struct Object {
    slot: Slot,
    /// What an operation can take.
    readable: Mutex<u32>,
    writable: Mutex<u32>,
}

impl Object {
    /// Ready by assumption alone: there is nothing to take yet.
    fn new() -> Arc<Self> {
        Self::with(true)
    }

    fn with(assume_ready: bool) -> Arc<Self> {
        Arc::new(Self {
            slot: Slot::new(options(assume_ready), any_descriptor()),
            readable: Mutex::new(0),
            writable: Mutex::new(0),
        })
    }

    /// Something arrives, and then the loop hears of it.
    fn arrive(&self, direction: Direction, amount: u32) {
        *self.available(direction) += amount;
        dispatch(&self.slot, direction == Read, direction == Write);
    }

    fn set_gone(&self) {
        let mut drained = Drained::default();
        self.slot.set_gone(&mut drained);
        wake_all(&mut drained);
    }

    /// The system call: false is "would block".
    fn take_one(&self, direction: Direction) -> bool {
        let mut available = self.available(direction);
        let taken = *available > 0;
        *available = available.saturating_sub(1);
        taken
    }

    fn take_all(&self, direction: Direction) -> u32 {
        std::mem::take(&mut *self.available(direction))
    }

    fn available(&self, direction: Direction) -> MutexGuard<'_, u32> {
        lock(match direction {
            Read => &self.readable,
            Write => &self.writable,
        })
    }

    /// One operation, as every object does it.
    fn poll(
        &self,
        direction: Direction,
        waker: &Waker,
        blocked: &mut usize,
    ) -> Poll<Result<(), ReactorGone>> {
        loop {
            let seen = ready!(poll_ready(&self.slot, direction, waker))?;
            if self.take_one(direction) {
                return Poll::Ready(Ok(()));
            }
            *blocked += 1;
            self.slot.clear(direction, seen);
        }
    }

    /// Does `amount` operations; says how often the task was polled and an operation would have blocked.
    fn run(&self, direction: Direction, amount: usize) -> Cost {
        let mut cost = Cost::default();
        for _ in 0..amount {
            let (result, polls) = block_on(|waker| self.poll(direction, waker, &mut cost.blocked));
            assert_eq!(result, Ok(()));
            cost.polls += polls;
        }
        cost
    }
}

#[derive(Debug, Default)]
struct Cost {
    polls: usize,
    blocked: usize,
}

pub(super) fn poll_ready(
    slot: &Slot,
    direction: Direction,
    waker: &Waker,
) -> Poll<Result<Seen, ReactorGone>> {
    let seen = slot.seen(direction);
    seen.check_gone()?;
    if seen.is_ready() {
        return Poll::Ready(Ok(seen));
    }
    match slot.wait(direction, Told::READY, waker, None)? {
        Waited::Ready(seen) => Poll::Ready(Ok(seen)),
        Waited::Parked => Poll::Pending,
        Waited::Rearm => unreachable!("both directions are reported"),
    }
}

pub(super) fn dispatch(slot: &Slot, read: bool, write: bool) {
    let mut woken = Woken::default();
    let event = |ready: bool| ready.then(Event::default);
    let calmed = slot.event(event(read), event(write), &mut woken);
    assert!(!calmed, "an edge-triggered object needs no calming");
    wake_all(&mut woken.0);
}

fn one_reader_two_events() {
    let object = Object::new();
    let core = thread::spawn({
        let object = object.clone();
        move || {
            object.arrive(Read, 1);
            object.arrive(Read, 1);
        }
    });
    let cost = object.run(Read, 2);
    core.join().unwrap();
    assert!(cost.blocked <= 3, "{cost:?} for two events");
}

#[test]
fn a_reader_hears_of_each_event_whatever_it_thought_before() {
    check(one_reader_two_events);
}

#[test]
fn a_clear_that_ignores_ticks_is_caught() {
    catches(Fault::ClearIgnoresTick, HANG, one_reader_two_events);
}

#[test]
fn a_waiter_that_does_not_look_again_is_caught() {
    catches(Fault::WaitWithoutSecondLook, HANG, one_reader_two_events);
}

fn two_readers(events: &[u32]) {
    let object = Object::new();
    let other = thread::spawn({
        let object = object.clone();
        move || object.run(Read, 1)
    });
    let core = thread::spawn({
        let (object, events) = (object.clone(), events.to_vec());
        move || {
            events
                .iter()
                .for_each(|&amount| object.arrive(Read, amount))
        }
    });
    object.run(Read, 1);
    other.join().unwrap();
    core.join().unwrap();
}

fn two_readers_one_event() {
    two_readers(&[2]);
}

fn two_readers_two_events() {
    two_readers(&[1, 1]);
}

#[test]
fn two_tasks_that_wait_for_one_event_are_both_served() {
    check(two_readers_one_event);
}

#[test]
fn of_two_tasks_neither_takes_back_the_readiness_of_the_other() {
    check(two_readers_two_events);
}

#[test]
fn a_slot_that_keeps_one_waker_is_caught() {
    catches(Fault::OneWakerPerDirection, HANG, two_readers_one_event);
}

#[test]
fn a_task_that_takes_back_the_readiness_of_another_is_caught() {
    catches(Fault::ClearIgnoresTick, HANG, two_readers_two_events);
}

fn a_reader_and_a_writer() {
    let object = Object::new();
    let writer = thread::spawn({
        let object = object.clone();
        move || object.run(Write, 1)
    });
    let core = thread::spawn({
        let object = object.clone();
        move || {
            object.arrive(Write, 1);
            object.arrive(Read, 1);
        }
    });
    let read = object.run(Read, 1);
    let written = writer.join().unwrap();
    core.join().unwrap();
    // One event each. Readiness that was only assumed may cost one try more, never one more for each
    // event of the other direction.
    for cost in [read, written] {
        let fair = cost.polls <= 2 && cost.blocked <= 1;
        assert!(fair, "one event, and {cost:?}");
    }
}

#[test]
fn an_event_of_one_direction_neither_loses_nor_delays_the_other() {
    check(a_reader_and_a_writer);
}

#[test]
fn an_event_that_counts_for_both_directions_is_caught() {
    catches(
        Fault::OneWordForBoth,
        "one event, and",
        a_reader_and_a_writer,
    );
}

fn a_core_that_goes() {
    let object = Object::new();
    let task = |direction| {
        let object = object.clone();
        move || block_on(|waker| object.poll(direction, waker, &mut 0)).0
    };
    let reader = thread::spawn(task(Read));
    let writer = thread::spawn(task(Write));
    // Of this the reader may hear first; of the end it hears in any case.
    dispatch(&object.slot, true, false);
    object.set_gone();
    assert_eq!(reader.join().unwrap(), Err(ReactorGone));
    assert_eq!(writer.join().unwrap(), Err(ReactorGone));
    // The object is still there, and there is nobody who would tell it to let go.
    nobody_has_a_waker();
    for direction in [Read, Write] {
        object.slot.clear(direction, object.slot.seen(direction));
        assert!(object.slot.seen(direction).check_gone().is_err());
    }
}

#[test]
fn every_waiter_hears_that_the_core_is_gone_and_no_clear_takes_that_back() {
    check(a_core_that_goes);
}

#[test]
fn an_object_that_keeps_the_wakers_of_those_who_come_too_late_is_caught() {
    catches(Fault::GoneKeepsWakers, KEPT, a_core_that_goes);
}

#[test]
fn a_clear_that_erases_gone_is_caught() {
    catches(Fault::ClearErasesGone, HANG, a_core_that_goes);
}

fn a_reader_that_moves() {
    let object = Object::with(false);
    let core = thread::spawn({
        let object = object.clone();
        move || object.arrive(Read, 1)
    });
    let result = block_on_after_a_move(|waker| object.poll(Read, waker, &mut 0));
    assert_eq!(result, Ok(()));
    core.join().unwrap();
}

#[test]
fn a_task_that_comes_back_with_another_waker_is_woken_by_that_one() {
    check(a_reader_that_moves);
}

#[test]
fn a_slot_that_keeps_to_the_first_waker_is_caught() {
    catches(Fault::FirstWakerStays, HANG, a_reader_that_moves);
}

/// A reader that takes all there is and says so: the readiness of which time does it take back?
fn a_draining_reader(seen_after: bool) {
    let object = Object::new();
    object.arrive(Read, 1);
    let core = thread::spawn({
        let object = object.clone();
        move || {
            object.arrive(Read, 1);
            object.arrive(Read, 1);
        }
    });
    let mut left = 3;
    while left > 0 {
        let (read, _) = block_on(|waker| {
            poll_ready(&object.slot, Read, waker).map_ok(|before| {
                let read = object.take_all(Read);
                let after = object.slot.seen(Read);
                object
                    .slot
                    .clear(Read, if seen_after { after } else { before });
                read
            })
        });
        left -= read.unwrap();
    }
    core.join().unwrap();
}

#[test]
fn an_event_that_comes_while_a_reader_drains_is_not_lost() {
    check(|| a_draining_reader(false));
}

#[test]
fn a_drain_that_is_judged_by_what_is_seen_after_it_is_caught() {
    fails(HANG, || a_draining_reader(true));
}

/// Both directions are reported from the start, and can be changed.
pub(super) fn options(assume_ready: bool) -> Options {
    Options {
        assume_ready,
        ..Options::both()
    }
}
