//! Crowds of timers: a million at once, storms of cancels, and many that are due together.

mod common;

use std::{
    future::poll_fn,
    io::Write,
    sync::Arc,
    task::{Poll, Waker},
    thread,
    time::{Duration, Instant},
};

use common::{CountWakes, Elsewhere, Random, poll_with, run, settle, unix_pair};
use futures::{FutureExt, future::join_all};
use io_traits::io as async_io;
use reactor::{Core, Handle, Sleep};

const MILLION: usize = 1_000_000;

/// So many sleeps of up to an hour, each polled once with that waker. None of them is over.
fn waiting(handle: &Handle, waker: &Waker, count: usize) -> Vec<Sleep> {
    let mut random = Random::new(count as u64);
    let mut sleeps = Vec::with_capacity(count);
    for _ in 0..count {
        let duration = Duration::from_secs(60) + Duration::from_micros(random.below(3_600_000_000));
        let mut sleep = handle.sleep(duration);
        assert!(poll_with(&mut sleep, waker).is_pending());
        sleeps.push(sleep);
    }
    sleeps
}

#[test]
fn a_million_timers_are_live_at_once_in_a_task_and_none_is_left_of_them() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    run(&mut core, async {
        let sleeps = poll_fn(|cx| Poll::Ready(waiting(&handle, cx.waker(), MILLION))).await;
        assert_eq!(handle.metrics().timers, MILLION as u64);
        // The loop still knows what is next.
        handle.sleep(Duration::from_millis(1)).await.unwrap();
        drop(sleeps);
        // That of the limit of time around this test.
        assert_eq!(handle.metrics().timers, 1);
    });
    assert!(core.next_deadline().is_none());
}

#[test]
fn a_million_timers_of_another_thread_are_live_at_once_and_none_is_left_of_them() {
    let core = Elsewhere::new();
    let handle = &core.handle;
    let sleeps = waiting(handle, Waker::noop(), MILLION);
    assert_eq!(handle.metrics().timers, MILLION as u64);
    common::block_on(handle.sleep(Duration::from_millis(1))).unwrap();
    drop(sleeps);
    assert_eq!(handle.metrics().timers, 0);
}

/// Limits of time that nobody needs: one after the other, and many at once.
#[test]
fn a_storm_of_sleeps_that_are_polled_and_dropped_leaves_no_timer_and_keeps_no_waker() {
    const STORM: usize = 100_000;
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let (count, waker) = CountWakes::new();
    // Once by its number, once with a waker of somebody else.
    for own in [true, false] {
        run(
            &mut core,
            poll_fn(|cx| {
                let waker = if own { cx.waker() } else { &waker };
                for n in 0..STORM {
                    let mut sleep = handle.sleep(Duration::from_millis(20 + n as u64));
                    assert!(poll_with(&mut sleep, waker).is_pending());
                }
                drop(waiting(&handle, waker, STORM / 10));
                Poll::Ready(())
            }),
        );
        assert_eq!(handle.metrics().timers, 0);
        assert!(core.next_deadline().is_none());
    }
    drop(waker);
    assert_eq!(Arc::strong_count(&count), 1, "a waker is kept");
    assert_eq!(count.get(), 0);
    assert_eq!(handle.metrics().timers_fired, 0);
}

/// Each time that the loop wakes up for them costs the system more than the sleeps do.
#[test]
fn many_sleeps_that_end_within_four_milliseconds_wake_the_loop_twice_at_most() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    // On a slow machine, the last are made when the first are not far away any more.
    let mut wait = Duration::from_millis(160);
    loop {
        let begin = Instant::now() + wait;
        let end = move |n: u32| begin + n * Duration::from_micros(40);
        let sleep = |n| {
            let sleep = handle.sleep_until(end(n));
            core.spawner().spawn(async move {
                sleep.await.unwrap();
                assert!(Instant::now() >= end(n), "early");
            })
        };
        let tasks: Vec<_> = (0..100).map(sleep).collect();
        settle(&mut core);
        let were_far_away = Instant::now() + Duration::from_millis(128) <= begin;
        let before = handle.metrics();
        for task in run(&mut core, join_all(tasks)) {
            task.unwrap();
        }
        let after = handle.metrics();
        if were_far_away {
            assert_eq!(after.timers_fired - before.timers_fired, 100);
            assert!(after.sleeps - before.sleeps <= 2, "{before:?} {after:?}");
            return;
        }
        wait *= 2;
    }
}

/// It is in the queue once: otherwise the loop would look at it for many turns before it sleeps again.
#[test]
fn a_task_that_is_woken_by_a_thousand_sleeps_at_once_is_polled_for_all_of_them() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    // As a task of its own, and as the root.
    for is_spawned in [true, false] {
        let before = handle.metrics();
        let end = Instant::now() + Duration::from_millis(30);
        let mut sleeps: Vec<_> = (0..1_000).map(|_| handle.sleep_until(end)).collect();
        let all = poll_fn(move |cx| {
            // None is polled again once it is over.
            sleeps.retain_mut(|sleep| poll_with(sleep, cx.waker()).is_pending());
            match sleeps.is_empty() {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        });
        if is_spawned {
            let task = core.spawner().spawn(all);
            run(&mut core, task).unwrap();
        } else {
            run(&mut core, all);
        }
        settle(&mut core);
        let after = handle.metrics();
        assert!(after.turns - before.turns < 10, "{before:?} {after:?}");
        assert!(core.next_deadline().is_none(), "it is in the queue");
    }
}

#[test]
fn timers_that_are_due_all_at_once_do_not_keep_the_loop_from_its_objects() {
    const CROWD: usize = 20_000;
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let (stream, mut peer) = unix_pair(&handle);
    let reader = core.spawner().spawn(async move {
        let mut stream = stream;
        async_io::read_exact(&mut stream, &mut [0; 1])
            .await
            .unwrap();
    });
    settle(&mut core);
    let (count, waker) = CountWakes::new();
    // On a slow machine, the first are due before the last are made.
    let mut wait = Duration::from_millis(50);
    let sleeps = loop {
        let soon = Instant::now() + wait;
        let mut sleeps: Vec<_> = (0..CROWD).map(|_| handle.sleep_until(soon)).collect();
        let wait_all = |sleep| poll_with(sleep, &waker).is_pending();
        if sleeps.iter_mut().all(wait_all) {
            thread::sleep(soon + Duration::from_millis(3) - Instant::now());
            break sleeps;
        }
        wait *= 2;
    };
    peer.write_all(b"x").unwrap();
    settle(&mut core);
    assert!(reader.is_finished());
    assert!(count.get() > 0, "timers are served as well");
    assert!(count.get() < CROWD / 2, "all timers first");
    common::turn_until(&mut core, || count.get() == CROWD);
    assert_eq!(handle.metrics().timers, 0);
    drop(sleeps);
}

/// Short ones and long ones, with timers of the loop itself and with those of everybody else.
#[test]
fn timers_of_four_kinds_that_are_due_at_once_share_a_turn_and_none_is_kept_waiting() {
    const CROWD: usize = 2_000;
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let kinds: [_; 4] = std::array::from_fn(|_| CountWakes::new());
    let sleeps_of = |kind: usize, milliseconds: u64| {
        // Polled at once: what is left of it then says which kind it is.
        let waiting = |_| {
            let mut sleep = handle.sleep(Duration::from_millis(milliseconds));
            let polled = poll_with(&mut sleep, &kinds[kind].1);
            polled.is_pending().then_some(sleep)
        };
        (0..CROWD).map(waiting).collect::<Option<Vec<_>>>()
    };
    // On a slow machine the first are over before the last are made: then once more.
    let mut make = || {
        let others = (sleeps_of(0, 20)?, sleeps_of(1, 6)?);
        let own = poll_fn(|_| Poll::Ready(sleeps_of(2, 20).zip(sleeps_of(3, 6))));
        Some((others, run(&mut core, own)?))
    };
    let sleeps = (0..100).find_map(|_| make()).expect("a faster machine");
    thread::sleep(Duration::from_millis(25));
    // On a slow machine some were over while the others were made.
    let before = kinds.each_ref().map(|(count, _)| count.get());
    core.turn(Some(Duration::ZERO)).unwrap();
    let fired: [usize; 4] = std::array::from_fn(|kind| kinds[kind].0.get() - before[kind]);
    let all: usize = fired.iter().sum();
    assert!((1_024..=1_080).contains(&all), "{fired:?}");
    assert!(fired.iter().all(|fired| *fired >= 200), "{fired:?}");
    drop(sleeps);
}

#[test]
fn tasks_that_sleep_until_the_same_time_are_polled_once_more_each() {
    const CROWD: u64 = 5_000;
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let deadline = Instant::now() + Duration::from_millis(60);
    let tasks: Vec<_> = (0..CROWD)
        .map(|_| core.spawner().spawn(handle.sleep_until(deadline)))
        .collect();
    for task in run(&mut core, join_all(tasks)) {
        task.unwrap().unwrap();
    }
    let metrics = handle.metrics();
    // On a slow machine some are polled for the first time when it is over.
    let expected = CROWD + metrics.timers_fired;
    assert_eq!(metrics.polls, expected);
    assert!(metrics.timers_fired > 0);
}

#[test]
fn sleeps_of_one_task_that_have_wakers_of_their_own_all_end() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let mut random = Random::new(4);
    let mut sleeps: futures::stream::FuturesUnordered<_> = (0..2_000)
        .map(|_| {
            let duration = Duration::from_micros(random.below(60_000));
            let begin = Instant::now();
            handle.sleep(duration).map(move |slept| {
                slept.unwrap();
                assert!(begin.elapsed() >= duration, "early");
            })
        })
        .collect();
    run(&mut core, async {
        let mut ended = 0;
        while futures::StreamExt::next(&mut sleeps).await.is_some() {
            ended += 1;
        }
        assert_eq!(ended, 2_000);
    });
    assert_eq!(handle.metrics().timers, 0);
}

/// Also when a crowd has just been made: the time that it takes to sort them is not added to the wait.
#[test]
fn a_crowd_of_new_sleeps_makes_none_of_them_later() {
    const CROWD: usize = 100_000;
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    // On a busy machine anything may come between two looks at the clock, but not each time.
    let agrees = |core: &mut Core| {
        let sleeps = poll_fn(|cx| Poll::Ready(waiting(&handle, cx.waker(), CROWD)));
        let _sleeps = core.run(sleeps).unwrap();
        let (sorting, sorted) = (core.next_deadline().unwrap(), core.next_deadline().unwrap());
        let difference = sorting.max(sorted) - sorting.min(sorted);
        difference < Duration::from_millis(1)
    };
    assert!((0..10).any(|_| agrees(&mut core)));
}
