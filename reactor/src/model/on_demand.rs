//! Interest in an object that is asked for when a task parks, and dropped when nobody wants it.

use std::{
    sync::Arc,
    task::{Poll, Waker},
};

use loom::{sync::Condvar, thread};

use super::{
    HANG, any_descriptor, block_on, catches, check, fails,
    slot::{dispatch, options},
};
use crate::{
    Direction,
    executor::TaskId,
    fault::Fault,
    readiness::Told,
    slot::{Armed, Slot, Waited},
    sync::{Mutex, lock},
};

use Direction::{Read, Write};

/// An object whose directions are reported as they are asked for, as by epoll with `EPOLLET`.
struct OnDemand {
    slot: Slot,
    kernel: Mutex<Kernel>,
    changed: Condvar,
}

struct Kernel {
    interest: Armed,
    readable: u32,
    writable: u32,
    /// Something has happened that is to be reported.
    edge: bool,
    /// Tasks that are not done.
    tasks: u32,
}

impl Kernel {
    /// The readiness there is, as far as anybody has asked.
    fn ready(&self) -> (bool, bool) {
        let read = self.interest.read && self.readable > 0;
        let write = self.interest.write && self.writable > 0;
        (read, write)
    }

    fn set_interest(&mut self, interest: Armed) {
        self.interest = interest;
        // As after EPOLL_CTL_MOD: what is ready already is reported once more.
        self.edge |= self.ready() != (false, false);
    }
}

impl OnDemand {
    /// Two events have said "writable" while nobody asked; now the room is used up.
    fn after_two_unasked_events(tasks: u32) -> Arc<Self> {
        let slot = Slot::new(options(true), any_descriptor());
        dispatch(&slot, false, true);
        dispatch(&slot, false, true);
        Arc::new(Self {
            slot,
            kernel: Mutex::new(Kernel {
                interest: BOTH,
                readable: 0,
                writable: 0,
                edge: false,
                tasks,
            }),
            changed: Condvar::new(),
        })
    }

    /// One poll of an operation, as every object does it that changes what it is registered for.
    fn poll(
        &self,
        direction: Direction,
        waker: &Waker,
        own: Option<TaskId>,
        rearming: Rearming,
    ) -> Poll<()> {
        loop {
            let seen = self.slot.seen(direction);
            let seen = if seen.is_ready() {
                seen
            } else {
                match self.slot.wait(direction, Told::READY, waker, own).unwrap() {
                    Waited::Ready(seen) => seen,
                    Waited::Parked => return Poll::Pending,
                    Waited::Rearm => {
                        self.rearm(direction, rearming);
                        return Poll::Pending;
                    }
                }
            };
            {
                let mut kernel = lock(&self.kernel);
                let available = match direction {
                    Read => &mut kernel.readable,
                    Write => &mut kernel.writable,
                };
                if *available > 0 {
                    *available -= 1;
                    return Poll::Ready(());
                }
            }
            self.slot.clear(direction, seen);
        }
    }

    fn rearm(&self, direction: Direction, rearming: Rearming) {
        let mut later = None;
        let result: Result<_, ()> = self.slot.rearm(direction, |_, after| {
            let armed = after.armed;
            match rearming {
                Rearming::InTurn => self.set_interest(armed),
                Rearming::LateByMistake => later = Some(armed),
            }
            Ok(())
        });
        result.unwrap();
        if let Some(armed) = later {
            self.set_interest(armed);
        }
    }

    fn set_interest(&self, interest: Armed) {
        lock(&self.kernel).set_interest(interest);
        self.changed.notify_one();
    }

    fn run(&self, direction: Direction) {
        block_on(|waker| self.poll(direction, waker, None, Rearming::InTurn));
        lock(&self.kernel).tasks -= 1;
        self.changed.notify_one();
    }

    /// The loop: reports what there is to report until all tasks are done.
    fn turn(&self) {
        while let Some((read, write)) = self.next_report() {
            dispatch(&self.slot, read, write);
        }
    }

    fn next_report(&self) -> Option<(bool, bool)> {
        let mut kernel = lock(&self.kernel);
        loop {
            if kernel.edge {
                kernel.edge = false;
                return Some(kernel.ready());
            }
            if kernel.tasks == 0 {
                return None;
            }
            kernel = self.changed.wait(kernel).expect("loom poisons no lock");
        }
    }
}

/// When the system hears of a change of interest.
#[derive(Clone, Copy)]
enum Rearming {
    /// Under the slot's lock, so that the changes follow each other.
    InTurn,
    LateByMistake,
}

/// The reader drops the write interest that nobody asked for, just when somebody does.
fn a_writer_parks_while_a_reader_drops_its_interest() {
    let object = OnDemand::after_two_unasked_events(2);
    let task = |direction| {
        let object = object.clone();
        move || object.run(direction)
    };
    let reader = thread::spawn(task(Read));
    let writer = thread::spawn(task(Write));
    {
        let mut kernel = lock(&object.kernel);
        kernel.readable += 1;
        kernel.writable += 1;
        kernel.edge |= kernel.ready() != (false, false);
    }
    object.turn();
    reader.join().unwrap();
    writer.join().unwrap();
}

#[test]
fn a_writer_is_served_even_if_a_reader_drops_write_interest_meanwhile() {
    check(a_writer_parks_while_a_reader_drops_its_interest);
}

#[test]
fn interest_that_is_dropped_though_somebody_waits_is_caught() {
    catches(
        Fault::DropAwaitedInterest,
        HANG,
        a_writer_parks_while_a_reader_drops_its_interest,
    );
}

/// Nothing ever arrives: what does the poller report once all have parked? The writer may be a task of
/// the core itself, which stores its number and takes no lock.
fn everybody_parks(writer: Option<TaskId>, rearming: Rearming) {
    let object = OnDemand::after_two_unasked_events(0);
    let reader = thread::spawn({
        let object = object.clone();
        move || object.poll(Read, Waker::noop(), None, rearming)
    });
    let parked = object.poll(Write, Waker::noop(), writer, rearming);
    assert!(parked.is_pending());
    assert!(reader.join().unwrap().is_pending());
    let interest = lock(&object.kernel).interest;
    assert_eq!(interest, BOTH, "{AWAITED}");
}

fn everybody_parks_in_turn() {
    everybody_parks(None, Rearming::InTurn);
}

fn everybody_parks_and_the_writer_is_the_cores_own() {
    everybody_parks(TaskId::from_bits(1), Rearming::InTurn);
}

#[test]
fn what_a_parked_task_waits_for_is_what_the_poller_reports() {
    check(everybody_parks_in_turn);
    check(everybody_parks_and_the_writer_is_the_cores_own);
}

#[test]
fn a_poller_that_does_not_report_what_is_awaited_is_caught() {
    catches(Fault::DropAwaitedInterest, AWAITED, everybody_parks_in_turn);
    catches(
        Fault::DropAwaitedInterest,
        AWAITED,
        everybody_parks_and_the_writer_is_the_cores_own,
    );
}

#[test]
fn interest_that_is_changed_outside_of_the_lock_is_caught() {
    fails(AWAITED, || everybody_parks(None, Rearming::LateByMistake));
}

const AWAITED: &str = "with both directions awaited";

const BOTH: Armed = Armed {
    read: true,
    write: true,
};
