//! Work meets a loop that falls asleep.

use std::{sync::Arc, time::Duration};

use loom::{
    sync::atomic::{AtomicU32, Ordering},
    thread,
};
use mio::Events;

use super::{Alarm, HANG, catches, check, fails, reactors::reactor_and_poll};
use crate::{
    doorbell::{Doorbell, Found},
    fault::Fault,
    sync::{Mutex, lock},
    time::SharedTimers,
};

/// A loop with its doorbell and its poller, which is an eventfd.
pub(super) struct Loop {
    pub(super) bell: Doorbell,
    eventfd: Arc<Alarm>,
    writes: Mutex<u32>,
    queue: Mutex<Vec<u32>>,
    /// Work that no lock guards: one bit for each ringer.
    flags: [AtomicU32; 2],
    pub(super) timers: SharedTimers,
}

impl Loop {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            bell: Doorbell::new(),
            eventfd: Alarm::new(),
            writes: Mutex::new(0),
            queue: Mutex::new(Vec::new()),
            flags: [AtomicU32::new(0), AtomicU32::new(0)],
            timers: SharedTimers::new(),
        })
    }

    pub(super) fn ring(&self) {
        if self.bell.ring() {
            *lock(&self.writes) += 1;
            self.eventfd.ring();
        }
    }

    fn push(&self, work: u32) {
        lock(&self.queue).push(work);
        self.ring();
    }

    /// One visit to the poller, as the core makes it; says whether it slept.
    fn park(&self) -> bool {
        let slept = self.bell.fall_asleep();
        if slept {
            self.eventfd.wait();
        } else {
            let _ = self.eventfd.reset();
        }
        let _ = self.bell.wake_up();
        slept
    }

    /// As [`park`](Self::park), after it has spun for two looks.
    fn spin_and_park(&self) -> bool {
        let mut looks = 0;
        let spun = self.bell.spin(|| {
            looks += 1;
            match (self.eventfd.reset(), looks) {
                (true, _) => Found::Something,
                (false, 1) => Found::Nothing,
                (false, _) => Found::NothingInTime,
            }
        });
        spun.is_none() && self.park()
    }

    /// Turns until `done`; says how often it slept.
    pub(super) fn turn_until(&self, done: impl FnMut() -> bool) -> u32 {
        self.park_until(Self::park, done)
    }

    fn park_until(&self, park: fn(&Self) -> bool, mut done: impl FnMut() -> bool) -> u32 {
        let mut sleeps = 0;
        while !done() {
            sleeps += u32::from(park(self));
        }
        sleeps
    }
}

fn two_ringers_with_a_queue() {
    two_ringers(Loop::park);
}

fn two_ringers_and_a_loop_that_spins() {
    two_ringers(Loop::spin_and_park);
}

fn two_ringers(park: fn(&Loop) -> bool) {
    let the_loop = Loop::new();
    let ringers = [1, 2].map(|work| {
        let the_loop = the_loop.clone();
        thread::spawn(move || the_loop.push(work))
    });
    let mut taken = Vec::new();
    let sleeps = the_loop.park_until(park, || {
        taken.append(&mut lock(&the_loop.queue));
        taken.len() == 2
    });
    for ringer in ringers {
        ringer.join().unwrap();
    }
    taken.sort_unstable();
    assert_eq!(taken, [1, 2]);
    // Before its first turn the loop counts as asleep.
    let writes = *lock(&the_loop.writes);
    assert!(writes <= sleeps + 1, "{writes} writes in {sleeps} sleeps");
}

#[test]
fn work_is_seen_before_the_loop_sleeps_for_good_and_one_sleep_costs_one_write() {
    check(two_ringers_with_a_queue);
}

#[test]
fn a_ring_during_a_spin_ends_it_or_the_sleep_that_follows() {
    check(two_ringers_and_a_loop_that_spins);
}

#[test]
fn a_spin_that_takes_back_a_ring_when_it_is_over_is_caught() {
    catches(
        Fault::SpinTakesRingBack,
        HANG,
        two_ringers_and_a_loop_that_spins,
    );
}

#[test]
fn a_loop_that_sleeps_without_a_look_is_caught() {
    catches(Fault::SleepWithoutLook, HANG, two_ringers_with_a_queue);
}

#[test]
fn a_ring_that_an_awake_loop_does_not_remember_is_caught() {
    catches(Fault::RingOnlyTheSleeper, HANG, two_ringers_with_a_queue);
}

/// The queue has no lock: what makes work visible is the bell alone.
fn two_ringers_without_a_lock() {
    ringers_without_a_lock(Loop::park);
}

fn two_ringers_without_a_lock_and_a_loop_that_spins() {
    ringers_without_a_lock(Loop::spin_and_park);
}

fn ringers_without_a_lock(park: fn(&Loop) -> bool) {
    let the_loop = Loop::new();
    let ringers = [0, 1].map(|ringer| {
        let the_loop = the_loop.clone();
        thread::spawn(move || {
            the_loop.flags[ringer].store(1, Ordering::Relaxed);
            the_loop.ring();
        })
    });
    the_loop.park_until(park, || {
        let seen = |flag: &AtomicU32| flag.load(Ordering::Relaxed) == 1;
        the_loop.flags.iter().all(seen)
    });
    for ringer in ringers {
        ringer.join().unwrap();
    }
}

#[test]
fn work_that_was_rung_for_is_visible_to_the_loop() {
    check(two_ringers_without_a_lock);
}

#[test]
fn work_that_was_rung_for_during_a_spin_is_visible_to_the_loop() {
    check(two_ringers_without_a_lock_and_a_loop_that_spins);
}

#[test]
fn a_ring_that_does_not_publish_the_work_is_caught() {
    catches(Fault::RingWithoutRelease, HANG, two_ringers_without_a_lock);
}

#[test]
fn a_loop_that_takes_back_a_ring_without_seeing_the_work_is_caught() {
    catches(
        Fault::WakeUpWithoutAcquire,
        HANG,
        two_ringers_without_a_lock,
    );
}

/// The loop leaves with the first piece of work.
fn a_loop_that_goes() {
    let the_loop = Loop::new();
    let ringers = [1, 2].map(|work| {
        let the_loop = the_loop.clone();
        thread::spawn(move || the_loop.push(work))
    });
    let sleeps = the_loop.turn_until(|| lock(&the_loop.queue).pop().is_some());
    for ringer in ringers {
        ringer.join().unwrap();
    }
    the_loop.ring();
    let writes = *lock(&the_loop.writes);
    assert!(writes <= sleeps + 1, "{writes} writes in {sleeps} sleeps");
}

#[test]
fn a_ring_after_the_loop_has_gone_is_harmless() {
    check(a_loop_that_goes);
}

/// The loop stops turning; a foreign loop watches its descriptor, and `leaves` is how it gets there.
fn a_loop_that_is_watched(leaves: bool) {
    let (shared, mut poll) = reactor_and_poll();
    let _ = shared.doorbell().wake_up();
    let work = Arc::new(AtomicU32::new(0));
    let ringer = thread::spawn({
        let (shared, work) = (shared.clone(), work.clone());
        move || {
            work.store(1, Ordering::Relaxed);
            shared.ring();
        }
    });
    let seen = work.load(Ordering::Relaxed) == 1;
    if leaves {
        shared.leave();
    }
    ringer.join().unwrap();
    let mut events = Events::with_capacity(1);
    poll.poll(&mut events, Some(Duration::ZERO)).unwrap();
    assert!(seen || !events.is_empty(), "work that nobody hears of");
}

#[test]
fn a_ring_while_the_loop_stops_turning_makes_its_descriptor_readable() {
    check(|| a_loop_that_is_watched(true));
}

#[test]
fn a_loop_that_stops_turning_awake_is_caught() {
    fails("work that nobody hears of", || {
        a_loop_that_is_watched(false)
    });
}
