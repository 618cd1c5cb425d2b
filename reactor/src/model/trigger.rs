//! Tasks park, and the loop hears of an object that is not edge-triggered.

use std::{
    sync::Arc,
    task::{Poll, Wake, Waker},
};

use loom::{sync::Condvar, thread};

use super::{HANG, Woken, any_descriptor, block_on, catches, check};
use crate::{
    Direction::{self, Read, Write},
    Options, Trigger,
    fault::Fault,
    readiness::{Event, Told},
    shared::wake_all,
    slot::{Rearmed, Slot, Waited},
    sync::{Mutex, lock},
    sys::Watch,
};

/// An object, its slot, and what epoll makes of it.
struct Object {
    slot: Slot,
    kernel: Mutex<Kernel>,
    changed: Condvar,
}

struct Kernel {
    watch: Watch,
    /// A oneshot object has been reported.
    spent: bool,
    /// Something has happened that edge-triggered objects are reported for.
    edge: bool,
    /// An error that nobody takes: it is reported whether it is asked for or not.
    failed: bool,
    readable: u32,
    writable: u32,
    /// Tasks that are not done.
    tasks: u32,
}

impl Kernel {
    fn ready(&self) -> (bool, bool) {
        let armed = self.watch.armed;
        (
            armed.read && self.readable > 0,
            armed.write && self.writable > 0,
        )
    }

    /// What epoll_wait would report now.
    fn report(&mut self) -> Option<[Option<Event>; 2]> {
        let (read, write) = self.ready();
        if !(read || write || self.failed) || self.spent {
            return None;
        }
        match self.watch.trigger {
            Trigger::Level => {}
            Trigger::Edge if self.edge => self.edge = false,
            Trigger::Edge => return None,
            Trigger::Oneshot => self.spent = true,
        }
        let error = Event::new(true, true, false);
        Some([read, write].map(|ready| match self.failed {
            true => Some(error),
            false => ready.then(Event::default),
        }))
    }

    fn available(&mut self, direction: Direction) -> &mut u32 {
        match direction {
            Read => &mut self.readable,
            Write => &mut self.writable,
        }
    }
}

impl Object {
    fn new(trigger: Trigger, tasks: u32) -> Arc<Self> {
        Self::with(Options::both().trigger(trigger), tasks)
    }

    fn with(options: Options, tasks: u32) -> Arc<Self> {
        let slot = Slot::new(options.assume_unready(), any_descriptor());
        let kernel = Kernel {
            watch: slot.watch(),
            spent: false,
            edge: false,
            failed: false,
            readable: 0,
            writable: 0,
            tasks,
        };
        Arc::new(Self {
            slot,
            kernel: Mutex::new(kernel),
            changed: Condvar::new(),
        })
    }

    fn arrive(&self, direction: Direction) {
        let mut kernel = lock(&self.kernel);
        *kernel.available(direction) += 1;
        kernel.edge = true;
        drop(kernel);
        self.changed.notify_one();
    }

    fn fail(&self) {
        let mut kernel = lock(&self.kernel);
        kernel.failed = true;
        kernel.edge = true;
        drop(kernel);
        self.changed.notify_one();
    }

    /// EPOLL_CTL_MOD: what is ready is reported once more.
    fn change(&self, watch: Watch) -> Result<(), ()> {
        let mut kernel = lock(&self.kernel);
        kernel.watch = watch;
        kernel.spent = false;
        kernel.edge = true;
        drop(kernel);
        self.changed.notify_one();
        Ok(())
    }

    /// Waits for what is told from now on: whatever is known already is taken back, by mistake.
    fn park(&self, direction: Direction, waker: &Waker, mistaken: &mut bool) -> Poll<()> {
        let seen = self.slot.seen(direction);
        if std::mem::take(mistaken) {
            self.slot.clear(direction, seen);
        } else if seen.is_ready() {
            return Poll::Ready(());
        }
        match self.slot.wait(direction, Told::READY, waker, None).unwrap() {
            Waited::Ready(_) => Poll::Ready(()),
            Waited::Parked => Poll::Pending,
            Waited::Rearm => {
                let rearmed = self.slot.rearm(direction, |_, after| self.change(after));
                let is_ready = || *lock(&self.kernel).available(direction) > 0;
                if rearmed == Ok(Rearmed::OnlyNews) && is_ready() {
                    self.slot.found_ready(direction);
                    waker.wake_by_ref();
                }
                Poll::Pending
            }
        }
    }

    fn pause(&self, direction: Direction) {
        let paused = self.slot.pause(direction, |_, after| self.change(after));
        paused.unwrap();
    }

    fn resume(&self, direction: Direction) {
        if self.slot.resume(direction) {
            let rearmed = self.slot.rearm(direction, |_, after| self.change(after));
            assert_eq!(rearmed, Ok(Rearmed::Reported));
        }
    }

    /// A task that waits for `direction` once and takes what is there.
    fn run(&self, direction: Direction, mut mistaken: bool) {
        block_on(|waker| {
            loop {
                if self.park(direction, waker, &mut mistaken).is_pending() {
                    return Poll::Pending;
                }
                let seen = self.slot.seen(direction);
                let mut kernel = lock(&self.kernel);
                let available = kernel.available(direction);
                if *available > 0 {
                    *available -= 1;
                    kernel.tasks -= 1;
                    return Poll::Ready(());
                }
                drop(kernel);
                self.slot.clear(direction, seen);
            }
        });
        self.changed.notify_one();
    }

    /// The loop, until all tasks are done. Says how often it was told something.
    fn turn(&self) -> u32 {
        let mut reports = 0;
        while let Some([read, write]) = self.next_report() {
            reports += 1;
            assert!(reports <= MOST_REPORTS, "{AWAKE}");
            let mut woken = Woken::default();
            if self.slot.event(read, write, &mut woken) {
                self.slot.calm(|watch| self.change(watch)).unwrap();
            }
            wake_all(&mut woken.0);
        }
        reports
    }

    fn next_report(&self) -> Option<[Option<Event>; 2]> {
        let mut kernel = lock(&self.kernel);
        loop {
            if let Some(report) = kernel.report() {
                return Some(report);
            }
            if kernel.tasks == 0 {
                return None;
            }
            kernel = self.changed.wait(kernel).expect("loom poisons no lock");
        }
    }
}

/// A task that has parked, and ends when it is woken.
struct Parked(Arc<Object>);

impl Wake for Parked {
    fn wake(self: Arc<Self>) {
        let mut kernel = lock(&self.0.kernel);
        kernel.tasks = kernel.tasks.saturating_sub(1);
        drop(kernel);
        self.0.changed.notify_one();
    }
}

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

const AWAKE: &str = "the loop is kept awake";

/// Two tasks and two arrivals, each of which may be told of a few times too often.
const MOST_REPORTS: u32 = 16;
