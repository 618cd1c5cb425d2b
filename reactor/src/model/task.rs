//! A wake meets a poll.

use std::{collections::VecDeque, sync::Arc};

use loom::{
    sync::{
        Condvar,
        atomic::{AtomicU32, Ordering},
    },
    thread,
};

use super::{HANG, catches, check, evented::reactor};
use crate::{
    executor::TaskHeader,
    fault::Fault,
    sync::{Mutex, lock},
};

/// A task and the queue of its core.
struct Executor {
    task: Arc<TaskHeader>,
    queue: Mutex<VecDeque<()>>,
    filled: Condvar,
    /// What the wakes are about: nothing but the wake itself makes it visible.
    news: [AtomicU32; 2],
}

impl Executor {
    /// A new task is in the queue.
    fn new() -> Arc<Self> {
        Arc::new(Self {
            task: TaskHeader::new(reactor()),
            queue: Mutex::new(VecDeque::from([()])),
            filled: Condvar::new(),
            news: [AtomicU32::new(0), AtomicU32::new(0)],
        })
    }

    /// Says whether the task had to be queued.
    fn wake(&self, news: usize) -> bool {
        self.news[news].store(1, Ordering::Relaxed);
        let queued = self.task.scheduled().wake();
        if queued {
            let mut queue = lock(&self.queue);
            queue.push_back(());
            assert_eq!(queue.len(), 1, "the task is in the queue more than once");
            self.filled.notify_one();
        }
        queued
    }

    /// Takes the task from the queue and polls it; says what the poll saw.
    fn poll(&self) -> [u32; 2] {
        let mut queue = lock(&self.queue);
        while queue.pop_front().is_none() {
            queue = self.filled.wait(queue).expect("loom poisons no lock");
        }
        drop(queue);
        let scheduled = self.task.scheduled();
        scheduled.begin_poll();
        let seen = [0, 1].map(|news: usize| self.news[news].load(Ordering::Relaxed));
        scheduled.end_poll();
        seen
    }
}

fn two_wakes() {
    let executor = Executor::new();
    let wakers = [0, 1].map(|news| {
        let executor = executor.clone();
        thread::spawn(move || u32::from(executor.wake(news)))
    });
    let mut polls = 1;
    while executor.poll() != [1, 1] {
        polls += 1;
    }
    let queued: u32 = wakers.map(|waker| waker.join().unwrap()).iter().sum();
    let left = lock(&executor.queue).len() as u32;
    assert_eq!(
        polls + left,
        queued + 1,
        "a poll for each time in the queue"
    );
}

#[test]
fn what_was_written_before_a_wake_is_seen_in_a_poll_after_it_and_no_poll_is_idle() {
    check(two_wakes);
}

#[test]
fn a_wake_during_a_poll_that_is_forgotten_is_caught() {
    catches(Fault::WakeDuringPollForgotten, HANG, two_wakes);
}

#[test]
fn a_wake_that_publishes_nothing_is_caught() {
    catches(Fault::WakeWithoutRelease, HANG, two_wakes);
}

fn one_wake() {
    let executor = Executor::new();
    let waker = thread::spawn({
        let executor = executor.clone();
        move || executor.wake(0)
    });
    let first = executor.poll();
    let queued = waker.join().unwrap();
    let in_queue = !lock(&executor.queue).is_empty();
    assert_eq!(in_queue, queued, "queued once if at all");
    if queued {
        // The wake came during the poll or after it.
        assert_eq!(executor.poll(), [1, 0]);
        assert!(lock(&executor.queue).is_empty(), "once more, not twice");
    } else {
        assert_eq!(first, [1, 0], "a wake before the poll is part of it");
    }
}

#[test]
fn a_task_that_is_woken_during_its_poll_is_polled_exactly_once_more() {
    check(one_wake);
}

fn an_abort() {
    let executor = Executor::new();
    let task = executor.task.clone();
    let other = thread::spawn(move || {
        // Queues the task on a core that is not turning here: the flag tells.
        task.abort();
    });
    let scheduled = executor.task.scheduled();
    scheduled.begin_poll();
    let heard = executor.task.is_aborted();
    scheduled.end_poll();
    other.join().unwrap();
    // Either this poll hears of it, or the abort has queued the task for another.
    assert!(heard || !scheduled.wake(), "an abort that nobody hears of");
}

#[test]
fn an_abort_is_heard_in_this_poll_or_leads_to_another() {
    check(an_abort);
}

#[test]
fn an_abort_during_a_poll_that_is_forgotten_is_caught() {
    let symptom = "an abort that nobody hears of";
    catches(Fault::WakeDuringPollForgotten, symptom, an_abort);
}
