//! The waker that is lent to one task after the other, and threads that keep it, wake by it and drop it.

mod common;

use std::{
    future::poll_fn,
    mem,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Poll, Waker},
    thread,
    time::{Duration, Instant},
};

use common::{Random, within_reason};
use crossbeam_channel::Sender;
use reactor::Core;

/// What a task has kept, for how many threads more.
type Kept = (Waker, Arc<Case>, u64);

/// To the threads, and how much they have not done yet.
#[derive(Clone)]
struct Threads(Sender<Option<Kept>>, Arc<AtomicU64>);

impl Threads {
    fn send(&self, kept: Kept) {
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.send(Some(kept)).unwrap();
    }

    fn is_done(&self) {
        self.1.fetch_sub(1, Ordering::SeqCst);
    }

    fn are_idle(&self) -> bool {
        self.1.load(Ordering::SeqCst) == 0
    }
}

/// What the wakes of a task are about.
#[derive(Default)]
struct Case {
    sent: AtomicU64,
    seen: AtomicU64,
    polls: AtomicU64,
    /// Wakes that may each have led to a poll.
    wakes: AtomicU64,
}

/// Threads that wake, clone, pass on, forget and drop what tasks have kept, while those and others are polled;
/// `ROUNDS=100000` for longer.
#[test]
fn whoever_keeps_a_waker_wakes_its_task_and_no_other_on_whatever_thread() {
    const TASKS: u64 = 32;
    let rounds: u64 = std::env::var("ROUNDS").map_or(300, |r| r.parse().unwrap());
    within_reason(move || {
        let mut core = Core::new().unwrap();
        let (sender, receive) = crossbeam_channel::unbounded();
        let send = Threads(sender, Arc::default());
        let threads: Vec<_> = (0..3)
            .map(|n| {
                let (receive, again) = (receive.clone(), send.clone());
                thread::spawn(move || {
                    let mut random = Random::new(n + 1);
                    while let Some((waker, case, left)) = receive.recv().unwrap() {
                        if left == 0 && random.below(4) == 0 {
                            drop(waker);
                            again.is_done();
                            continue;
                        }
                        case.wakes.fetch_add(1, Ordering::SeqCst);
                        // Nothing but the wake makes it visible.
                        case.sent.fetch_add(1, Ordering::Relaxed);
                        match random.below(4) {
                            0 => waker.wake(),
                            1 => {
                                waker.wake_by_ref();
                                if left > 0 {
                                    again.send((waker.clone(), case, left - 1));
                                }
                            }
                            2 => {
                                let copy = waker.clone();
                                drop(waker);
                                copy.wake();
                            }
                            _ => {
                                let copy = waker.clone();
                                waker.wake();
                                if left > 0 {
                                    again.send((copy, case, left - 1));
                                }
                            }
                        }
                        again.is_done();
                    }
                })
            })
            .collect();
        let spawner = core.spawner();
        let mut handles = Vec::new();
        for round in 0..rounds {
            for n in 0..TASKS {
                if round % 8 == 0 {
                    let (case, send) = (Arc::<Case>::default(), send.clone());
                    let mut random = Random::new(round * 1000 + n);
                    let mine = case.clone();
                    let task = spawner.spawn(poll_fn(move |cx| {
                        case.polls.fetch_add(1, Ordering::SeqCst);
                        let seen = case.sent.load(Ordering::Relaxed);
                        case.seen.store(seen, Ordering::SeqCst);
                        match random.below(10) {
                            0 | 1 => send.send((cx.waker().clone(), case.clone(), 2)),
                            2 => drop(cx.waker().clone()),
                            3 => {
                                case.wakes.fetch_add(1, Ordering::SeqCst);
                                let kept = cx.waker().clone();
                                kept.wake();
                            }
                            4 => {
                                case.wakes.fetch_add(1, Ordering::SeqCst);
                                cx.waker().wake_by_ref();
                            }
                            5 => {
                                let waker = cx.waker();
                                thread::scope(|s| {
                                    s.spawn(|| send.send((waker.clone(), case.clone(), 0)));
                                });
                            }
                            6 => mem::forget(cx.waker().clone()),
                            _ => {}
                        }
                        Poll::<()>::Pending
                    }));
                    handles.push((task, mine));
                }
            }
            core.turn(Some(Duration::ZERO)).unwrap();
        }
        // Until nothing moves any more.
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            core.turn(Some(Duration::from_millis(5))).unwrap();
            let all = handles.iter().all(|(_, case)| {
                case.sent.load(Ordering::SeqCst) == case.seen.load(Ordering::SeqCst)
            });
            if all && send.are_idle() {
                break;
            }
            assert!(Instant::now() < deadline, "a wake was lost");
        }
        threads.iter().for_each(|_| send.0.send(None).unwrap());
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
        for (_, case) in &handles {
            let polls = case.polls.load(Ordering::SeqCst);
            let wakes = case.wakes.load(Ordering::SeqCst);
            assert!(polls <= 1 + wakes, "{polls} polls, {wakes} wakes");
        }
    });
}
