//! Tasks are woken by each other and from elsewhere, while their loop polls and while it falls asleep.

use std::{collections::VecDeque, sync::Arc};

use loom::{
    sync::atomic::{AtomicU32, Ordering},
    thread,
};

use super::{Alarm, HANG, catches, check, fails, reactors::reactor};
use crate::{
    doorbell::Doorbell,
    executor::{TaskHeader, TaskId},
    fault::Fault,
    sync::{Mutex, lock},
};

/// A loop with two tasks. Its parts are the crate's; how they are put together is the model's, because the
/// executor of the crate finds its loop by the thread, and a model has but one.
struct Loop {
    tasks: [Arc<TaskHeader>; 2],
    /// Tasks that are to be polled, each of them once. Only the loop's own thread uses it.
    queue: Mutex<VecDeque<usize>>,
    /// Tasks that were woken elsewhere.
    sent: Mutex<VecDeque<usize>>,
    bell: Doorbell,
    eventfd: Arc<Alarm>,
    /// What the wakes of a task are about: nothing but the wake itself makes it visible.
    news: [AtomicU32; 2],
}

impl Loop {
    /// Both tasks are in the queue, as after a wake.
    fn new() -> Arc<Self> {
        let tasks = [0, 1].map(|_| TaskHeader::new(reactor(), TaskId::ROOT));
        assert!(tasks.iter().all(|task| task.scheduled().wake()));
        Arc::new(Self {
            tasks,
            queue: Mutex::new(VecDeque::from([0, 1])),
            sent: Mutex::new(VecDeque::new()),
            bell: Doorbell::new(),
            eventfd: Alarm::new(),
            news: [0, 1].map(|_| AtomicU32::new(0)),
        })
    }

    fn wake_from_elsewhere(&self, task: usize) {
        self.news[task].store(1, Ordering::Relaxed);
        if self.tasks[task].scheduled().wake() {
            lock(&self.sent).push_back(task);
            if self.bell.ring() {
                self.eventfd.ring();
            }
        }
    }

    fn wake_from_inside(&self, task: usize, wakes: Wakes) {
        if wakes != Wakes::ByWaker {
            self.wake_by_number(task);
        }
        if matches!(wakes, Wakes::ByWaker | Wakes::ByBoth) && self.tasks[task].scheduled().wake() {
            self.wake_by_number(task);
        }
    }

    /// What the loop does itself needs no atomic.
    fn wake_by_number(&self, task: usize) {
        let mut queue = lock(&self.queue);
        if !queue.contains(&task) {
            queue.push_back(task);
        }
    }

    /// One visit to the poller, as the core makes it.
    fn park(&self, looks: Looks) {
        let has_work = !lock(&self.queue).is_empty();
        let rung = if has_work {
            self.eventfd.reset();
            self.bell.wake_up()
        } else if self.bell.fall_asleep() {
            self.eventfd.wait();
            self.bell.wake_up()
        } else {
            self.eventfd.reset();
            true
        };
        if rung && (looks == Looks::WheneverRung || !has_work) {
            let sent: Vec<_> = lock(&self.sent).drain(..).collect();
            sent.into_iter().for_each(|task| self.wake_by_number(task));
        }
    }
}

/// When the loop takes what was sent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Looks {
    WheneverRung,
    /// Only if it has slept: a ring that came while it was busy is taken back, and then forgotten.
    AfterASleepByMistake,
}

/// How the first task wakes the second.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wakes {
    /// As a timer does.
    ByNumber,
    /// As anybody does who has kept a waker.
    ByWaker,
    ByBoth,
    /// And a poll that comes of it does not begin as one: as if there were nothing to be seen by it.
    ByNumberAloneByMistake,
}

/// Each task waits for news from elsewhere. The first, when it has them, wakes the second.
fn a_loop_with_two_tasks(looks: Looks, wakes: Wakes) {
    let the_loop = Loop::new();
    let others = [0, 1].map(|task| {
        let the_loop = the_loop.clone();
        thread::spawn(move || the_loop.wake_from_elsewhere(task))
    });
    let mut polls = [0; 2];
    let mut first_is_done = false;
    let mut second_is_done = false;
    let mut second_was_woken = false;
    while !(first_is_done && second_is_done) {
        the_loop.park(looks);
        // One poll for each visit: what comes in between is then as varied as it can be.
        let Some(task) = lock(&the_loop.queue).pop_front() else {
            continue;
        };
        let scheduled = the_loop.tasks[task].scheduled();
        let is_woken = task == 1 && second_was_woken;
        if !(is_woken && wakes == Wakes::ByNumberAloneByMistake) {
            scheduled.begin_poll();
        }
        second_was_woken &= !is_woken;
        let has_news = the_loop.news[task].load(Ordering::Relaxed) == 1;
        match task {
            0 if has_news && !first_is_done => {
                first_is_done = true;
                the_loop.wake_from_inside(1, wakes);
                second_was_woken = true;
            }
            1 => second_is_done = first_is_done && has_news,
            _ => {}
        }
        scheduled.end_poll();
        polls[task] += 1;
    }
    for other in others {
        other.join().unwrap();
    }
    // As new tasks, and then once for each wake.
    assert!(polls[0] <= 2 && polls[1] <= 3, "{polls:?}");
}

fn a_loop_that_looks_whenever_it_was_rung() {
    a_loop_with_two_tasks(Looks::WheneverRung, Wakes::ByNumber);
}

#[test]
fn every_wake_leads_to_a_poll_wherever_it_comes_from_and_none_to_two() {
    check(a_loop_that_looks_whenever_it_was_rung);
}

#[test]
fn a_wake_by_a_waker_on_the_thread_of_the_loop_leads_to_a_poll_as_well() {
    check(|| a_loop_with_two_tasks(Looks::WheneverRung, Wakes::ByWaker));
}

#[test]
fn a_wake_by_number_and_by_a_waker_lead_to_a_poll_and_not_to_two() {
    check(|| a_loop_with_two_tasks(Looks::WheneverRung, Wakes::ByBoth));
}

#[test]
fn a_loop_whose_polls_do_not_begin_after_wakes_of_its_own_is_caught() {
    fails(HANG, || {
        a_loop_with_two_tasks(Looks::WheneverRung, Wakes::ByNumberAloneByMistake)
    });
}

#[test]
fn a_loop_that_forgets_a_ring_while_it_has_work_is_caught() {
    fails(HANG, || {
        a_loop_with_two_tasks(Looks::AfterASleepByMistake, Wakes::ByNumber)
    });
}

#[test]
fn a_loop_with_tasks_that_sleeps_without_a_look_is_caught() {
    let fault = Fault::SleepWithoutLook;
    catches(fault, HANG, a_loop_that_looks_whenever_it_was_rung);
}

#[test]
fn a_loop_that_forgets_wakes_during_a_poll_is_caught() {
    let fault = Fault::WakeDuringPollForgotten;
    catches(fault, HANG, a_loop_that_looks_whenever_it_was_rung);
}

#[test]
fn a_loop_whose_wakes_publish_nothing_is_caught() {
    let fault = Fault::WakeWithoutRelease;
    catches(fault, HANG, a_loop_that_looks_whenever_it_was_rung);
}
