//! Tasks park, and the loop hears of an object that is not edge-triggered.

use std::{sync::Arc, task::Waker};

use loom::thread;

use super::{
    HANG, block_on, catches, check,
    epoll::{AWAKE, Object, Parked},
};
use crate::{
    Direction::{Read, Write},
    Options, Trigger,
    fault::Fault,
    sync::lock,
};

/// A reader. Once it has what it wants, the writer gets what it waits for.
fn read_then_arrive(object: &Arc<Object>) -> thread::JoinHandle<()> {
    let object = object.clone();
    thread::spawn(move || {
        object.run(Read, false);
        object.arrive(Write);
    })
}

fn two_tasks_of_a_oneshot_object() {
    let object = Object::new(Trigger::Oneshot, 2);
    let reader = read_then_arrive(&object);
    let writer = thread::spawn({
        let object = object.clone();
        move || object.run(Write, false)
    });
    object.arrive(Read);
    object.turn();
    reader.join().unwrap();
    writer.join().unwrap();
}

/// The object is not reported until the reader parks. The first arrival may come at any moment of that.
fn two_arrivals_at_a_oneshot_object() {
    let object = Object::with(Options::write_only().trigger(Trigger::Oneshot), 2);
    let reader = thread::spawn({
        let object = object.clone();
        move || {
            object.run(Read, false);
            object.run(Read, false);
        }
    });
    let sender = thread::spawn({
        let object = object.clone();
        move || {
            object.arrive(Read);
            object.arrive(Read);
        }
    });
    object.turn();
    reader.join().unwrap();
    sender.join().unwrap();
}

/// The writer has parked already: the loop is told so often of a level-triggered object that there would
/// be too many interleavings otherwise.
fn two_tasks_of_a_level_triggered_object() {
    let object = Object::new(Trigger::Level, 2);
    let writer = Waker::from(Arc::new(Parked(object.clone())));
    assert!(object.park(Write, &writer, &mut false).is_pending());
    let reader = read_then_arrive(&object);
    object.arrive(Read);
    object.turn();
    reader.join().unwrap();
}

#[test]
fn a_oneshot_object_serves_both_directions() {
    check(two_tasks_of_a_oneshot_object);
}

#[test]
fn an_event_of_a_oneshot_object_is_heard_at_any_moment_of_a_park() {
    check(two_arrivals_at_a_oneshot_object);
}

#[test]
fn a_park_that_takes_back_what_an_event_has_asked_for_is_caught() {
    let fault = Fault::RearmedTooLate;
    catches(fault, HANG, two_arrivals_at_a_oneshot_object);
}

#[test]
fn a_level_triggered_object_serves_both_directions() {
    check(two_tasks_of_a_level_triggered_object);
}

#[test]
fn an_event_that_leaves_the_other_direction_behind_is_caught() {
    let fault = Fault::OneshotForgetsTheOther;
    catches(fault, HANG, two_tasks_of_a_oneshot_object);
}

/// Before, while or after a reader parks.
fn an_object_that_the_poller_loses() {
    let object = Object::new(Trigger::Oneshot, 1);
    let reader = thread::spawn({
        let object = object.clone();
        move || object.run(Read, false)
    });
    object.lose();
    object.arrive(Read);
    object.turn();
    reader.join().unwrap();
}

#[test]
fn an_object_that_the_poller_has_lost_is_asked_for_anew() {
    check(an_object_that_the_poller_loses);
}

#[test]
fn one_who_parks_and_is_not_seen_where_an_object_was_lost_is_caught() {
    catches(Fault::AskedTooLate, HANG, an_object_that_the_poller_loses);
}

/// Data that nobody waits for, until somebody does, and takes back by mistake what is known of it.
fn a_late_and_mistaken_reader() {
    let object = Object::new(Trigger::Level, 1);
    object.arrive(Read);
    let reader = thread::spawn({
        let object = object.clone();
        move || object.run(Read, true)
    });
    object.turn();
    reader.join().unwrap();
}

#[test]
fn level_survives_a_mistake_and_lets_the_loop_sleep_while_nobody_waits() {
    check(a_late_and_mistaken_reader);
}

#[test]
fn an_object_that_is_calmed_without_a_word_is_caught() {
    catches(Fault::CalmWithoutWord, HANG, a_late_and_mistaken_reader);
}

/// The error stays, and then there is something to read after all.
fn a_reader_of_an_object_in_error(trigger: Trigger) {
    let object = Object::new(trigger, 1);
    object.fail();
    let reader = thread::spawn({
        let object = object.clone();
        move || object.run(Read, false)
    });
    let sender = thread::spawn({
        let object = object.clone();
        move || object.arrive(Read)
    });
    object.turn();
    reader.join().unwrap();
    sender.join().unwrap();
}

fn a_reader_of_a_level_triggered_object_in_error() {
    a_reader_of_an_object_in_error(Trigger::Level);
}

fn a_reader_of_a_oneshot_object_in_error() {
    a_reader_of_an_object_in_error(Trigger::Oneshot);
}

#[test]
fn an_error_that_lasts_neither_keeps_the_loop_awake_nor_the_reader_from_what_comes() {
    check(a_reader_of_a_level_triggered_object_in_error);
    check(a_reader_of_a_oneshot_object_in_error);
}

#[test]
fn an_error_that_is_reported_for_as_long_as_it_lasts_is_caught() {
    let fault = Fault::LoudErrors;
    catches(fault, AWAKE, a_reader_of_a_level_triggered_object_in_error);
    catches(fault, AWAKE, a_reader_of_a_oneshot_object_in_error);
}

/// Two futures of one task wait; one goes while the event comes.
fn one_of_two_futures_goes() {
    let object = Object::new(Trigger::Edge, 1);
    let goes = thread::spawn({
        let object = object.clone();
        move || {
            let mut mistaken = false;
            let mut is_first = true;
            block_on(|waker| {
                if std::mem::take(&mut is_first) {
                    // The one that goes …
                    let gone = object.park(Read, waker, &mut mistaken);
                    // … and the one that stays.
                    let stays = object.park(Read, waker, &mut mistaken);
                    if gone.is_pending() {
                        object.slot.withdraw(Read, waker);
                    }
                    return stays;
                }
                object.park(Read, waker, &mut mistaken)
            });
            lock(&object.kernel).tasks -= 1;
            object.changed.notify_one();
        }
    });
    object.arrive(Read);
    object.turn();
    goes.join().unwrap();
}

#[test]
fn a_future_that_goes_takes_no_wake_of_another_along() {
    check(one_of_two_futures_goes);
}

#[test]
fn a_withdrawal_that_wakes_nobody_is_caught() {
    catches(Fault::WithdrawWithoutWake, HANG, one_of_two_futures_goes);
}

/// A reader parks during a pause. When that ends, the writer's event comes, which ends the shot.
fn a_pause_that_ends(trigger: Trigger) {
    let object = Object::new(trigger, 2);
    object.pause(Read);
    let writer = Waker::from(Arc::new(Parked(object.clone())));
    assert!(object.park(Write, &writer, &mut false).is_pending());
    let reader = thread::spawn({
        let object = object.clone();
        move || object.run(Read, false)
    });
    let resumer = thread::spawn({
        let object = object.clone();
        move || {
            object.arrive(Read);
            object.resume(Read);
        }
    });
    object.arrive(Write);
    object.turn();
    reader.join().unwrap();
    resumer.join().unwrap();
}

fn a_pause_of_an_edge_triggered_object() {
    a_pause_that_ends(Trigger::Edge);
}

fn a_pause_of_a_oneshot_object() {
    a_pause_that_ends(Trigger::Oneshot);
}

#[test]
fn who_parks_around_the_end_of_a_pause_hears_of_what_came_during_it() {
    check(a_pause_of_an_edge_triggered_object);
    check(a_pause_of_a_oneshot_object);
}

#[test]
fn the_end_of_a_pause_that_asks_for_nothing_is_caught() {
    let fault = Fault::ResumeWithoutRearming;
    catches(fault, HANG, a_pause_of_an_edge_triggered_object);
    catches(fault, HANG, a_pause_of_a_oneshot_object);
}
