//! A wake meets a poll.

use std::{collections::VecDeque, sync::Arc};

use loom::{
    sync::{
        Condvar,
        atomic::{AtomicU32, Ordering},
    },
    thread,
};

use super::{
    HANG, catches, check,
    reactors::{reactor, reactor_and_messages},
};
use crate::{
    executor::{Message, Number, SpareWaker, TaskHeader, TaskId},
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
    /// The task is in the queue, as after a wake.
    fn new() -> Arc<Self> {
        let task = TaskHeader::new(reactor(), TaskId::ROOT);
        assert!(task.scheduled().wake());
        Arc::new(Self {
            task,
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

/// A task that was spawned elsewhere arrives on its core and is polled, while its handle aborts it.
fn an_abort() {
    let number = Arc::new(Number::new(None));
    let aborted = thread::spawn({
        let number = number.clone();
        move || number.abort()
    });
    number.arrive(task());
    let heard = number.is_aborted();
    let woken = aborted.join().unwrap();
    assert!(
        heard || woken == Some(task()),
        "an abort that nobody hears of"
    );
    assert!(number.is_aborted());
}

#[test]
fn an_abort_is_heard_in_the_first_poll_or_leads_to_another() {
    check(an_abort);
}

#[test]
fn an_abort_that_does_not_see_its_task_arrive_is_caught() {
    let symptom = "an abort that nobody hears of";
    catches(Fault::AbortLooksTooEarly, symptom, an_abort);
}

/// Any number of a spawned task.
fn task() -> TaskId {
    TaskId::from_bits(1 << 32).unwrap()
}

/// A task keeps its waker, and hands it to another thread. Then the next task is polled.
fn a_waker_that_is_kept() {
    a_waker_that_another_thread_has(false);
}

/// As [`a_waker_that_is_kept`]. loom lets the other thread end before the poll does, because the poll, too, touches what
/// the wake of that thread does.
fn a_waker_that_may_be_gone_when_the_poll_is_over() {
    a_waker_that_another_thread_has(true);
}

fn a_waker_that_another_thread_has(wakes_itself: bool) {
    let (shared, messages) = reactor_and_messages();
    let [first, second] = [1, 2].map(|bits| TaskId::from_bits(bits << 32).unwrap());
    let mut spare = SpareWaker::new(shared.clone());
    let lent = spare.lend(first);
    let kept = lent.clone();
    let other = thread::spawn(move || kept.wake());
    if wakes_itself {
        lent.wake_by_ref();
    }
    let own = spare.is_kept().then(|| spare.replace(&shared));
    spare.lend(second).wake_by_ref();
    let _next = spare.is_kept().then(|| spare.replace(&shared));
    other.join().unwrap();
    drop(own);
    let woken = messages.try_iter().map(|message| match message {
        Message::Wake(id) => id,
        Message::Spawn(_) => unreachable!("nothing is spawned"),
    });
    let mut woken: Vec<_> = woken.map(TaskId::to_bits).collect();
    woken.sort_unstable();
    assert_eq!(woken, [first, second].map(TaskId::to_bits), "who was woken");
}

#[test]
fn a_waker_that_is_kept_wakes_its_task_and_that_of_the_next_poll_wakes_the_next() {
    check(a_waker_that_is_kept);
}

#[test]
fn a_waker_that_is_lent_although_it_was_kept_is_caught() {
    catches(
        Fault::KeptWakerLentAgain,
        "who was woken",
        a_waker_that_is_kept,
    );
}

#[test]
fn a_waker_that_is_gone_when_the_poll_is_over_has_woken_its_task_and_wakes_the_next() {
    check(a_waker_that_may_be_gone_when_the_poll_is_over);
}

#[test]
fn a_waker_that_is_lent_as_if_it_had_woken_the_task_is_caught() {
    catches(
        Fault::LentAsWoken,
        "who was woken",
        a_waker_that_may_be_gone_when_the_poll_is_over,
    );
}
