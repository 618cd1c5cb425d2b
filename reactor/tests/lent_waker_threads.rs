//! The waker that is lent to one task after the other, and threads that keep it, wake by it and drop it.

mod common;

use std::{
    cell::Cell,
    future::poll_fn,
    mem,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Poll, Waker},
    thread,
    time::{Duration, Instant},
};

use common::{Random, within_reason};
use reactor::Core;

/// What the wakes of a task are about.
#[derive(Default)]
struct Case {
    sent: AtomicU64,
    seen: AtomicU64,
    polls: AtomicU64,
    /// Wakes that may each have led to a poll.
    wakes: AtomicU64,
}

/// Threads that wake, clone, pass on, forget and drop what tasks have kept, while those and others are polled.
#[test]
fn whoever_keeps_a_waker_wakes_its_task_and_no_other_on_whatever_thread() {
    const TASKS: usize = 32;
    let rounds: u64 = std::env::var("ROUNDS").map_or(300, |r| r.parse().unwrap());
    within_reason(move || {
        let mut core = Core::new().unwrap();
        let cases: Vec<Arc<Case>> = (0..TASKS).map(|_| Arc::default()).collect();
        let (send, receive) = channel_of_wakers::open::<(Waker, Arc<Case>, u64)>();
        let threads: Vec<_> = (0..3)
            .map(|n| {
                let (receive, again) = (receive.clone(), send.clone());
                thread::spawn(move || {
                    let mut random = Random::new(n + 1);
                    while let Some((waker, case, left)) = receive.recv() {
                        if left == 0 && random.below(4) == 0 {
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
                    }
                })
            })
            .collect();
        let spawner = core.spawner();
        let alive = Rc::new(Cell::new(0));
        let mut handles = Vec::new();
        for round in 0..rounds {
            for (n, case) in cases.iter().enumerate() {
                if round % 8 == 0 {
                    // A new task in the case: short lives, so that places are used again.
                    let (case, send) = (case.clone(), send.clone());
                    alive.set(alive.get() + 1);
                    let mut random = Random::new(round * 1000 + n as u64);
                    let case: Arc<Case> = if round == 0 { case } else { Arc::default() };
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
            if all && receive.is_idle(3) {
                break;
            }
            assert!(Instant::now() < deadline, "a wake was lost");
        }
        receive.close();
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

mod channel_of_wakers {
    use std::{
        collections::VecDeque,
        sync::{Arc, Condvar, Mutex},
    };

    struct Inner<T> {
        state: Mutex<(VecDeque<T>, usize, bool)>,
        changed: Condvar,
    }

    pub(super) struct Chan<T>(Arc<Inner<T>>);

    impl<T> Clone for Chan<T> {
        fn clone(&self) -> Self {
            Self(self.0.clone())
        }
    }

    pub(super) fn open<T>() -> (Chan<T>, Chan<T>) {
        let chan = Chan(Arc::new(Inner {
            state: Mutex::new((VecDeque::new(), 0, false)),
            changed: Condvar::new(),
        }));
        (chan.clone(), chan)
    }

    impl<T> Chan<T> {
        pub(super) fn send(&self, value: T) {
            self.0.state.lock().unwrap().0.push_back(value);
            self.0.changed.notify_one();
        }

        pub(super) fn recv(&self) -> Option<T> {
            let mut state = self.0.state.lock().unwrap();
            loop {
                if let Some(value) = state.0.pop_front() {
                    return Some(value);
                }
                if state.2 {
                    return None;
                }
                state.1 += 1;
                state = self.0.changed.wait(state).unwrap();
                state.1 -= 1;
            }
        }

        pub(super) fn is_idle(&self, threads: usize) -> bool {
            let state = self.0.state.lock().unwrap();
            state.0.is_empty() && state.1 == threads
        }

        pub(super) fn close(&self) {
            self.0.state.lock().unwrap().2 = true;
            self.0.changed.notify_all();
        }
    }
}
