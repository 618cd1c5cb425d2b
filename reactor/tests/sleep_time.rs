//! Time: never early, any duration, any number, from any thread.

mod common;

use std::{
    cell::Cell,
    future::{pending, poll_fn, ready},
    io::ErrorKind,
    rc::Rc,
    task::{Poll, Waker},
    thread,
    time::{Duration, Instant},
};

use common::{CountWakes, Elsewhere, Random, block_on, poll_with, run, settle, turn_until};
use futures::{FutureExt, future::join_all};
use reactor::{Core, Elapsed};

#[test]
fn thousands_of_sleeps_and_not_one_is_early() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let mut random = Random::new(1);
    let sleeps: Vec<_> = (0..10_000)
        .map(|_| {
            let duration = Duration::from_nanos(random.below(200_000_000));
            let begin = Instant::now();
            let sleep = handle.sleep(duration);
            core.spawner().spawn(async move {
                sleep.await.unwrap();
                (duration, begin.elapsed())
            })
        })
        .collect();
    for output in run(&mut core, join_all(sleeps)) {
        let (asked, took) = output.unwrap();
        assert!(took >= asked, "asked for {asked:?}, got {took:?}");
    }
}

#[test]
fn short_sleeps_one_after_the_other_are_never_early() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let mut random = Random::new(2);
    run(&mut core, async {
        for _ in 0..300 {
            let duration = Duration::from_nanos(random.below(1_500_000));
            let begin = Instant::now();
            handle.sleep(duration).await.unwrap();
            assert!(begin.elapsed() >= duration);
        }
    });
}

#[test]
fn sleeps_end_in_the_order_of_their_deadlines() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let order = Rc::new(Cell::new(0));
    let begin = Instant::now() + Duration::from_millis(5);
    let tasks: Vec<_> = (0..20)
        .rev()
        .map(|n| {
            let sleep = handle.sleep_until(begin + Duration::from_millis(3 * n));
            let order = order.clone();
            core.spawner().spawn(async move {
                sleep.await.unwrap();
                assert_eq!(order.replace(n + 1), n);
            })
        })
        .collect();
    for task in run(&mut core, join_all(tasks)) {
        task.unwrap();
    }
}

#[test]
fn no_duration_is_too_long_and_no_deadline_too_late() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let mut longest = handle.sleep(Duration::MAX);
    assert_eq!(longest.deadline(), None);
    let mut century = handle.sleep(Duration::from_secs(100 * 365 * 86_400));
    let mut month = handle.sleep(Duration::from_secs(30 * 86_400));
    for sleep in [&mut longest, &mut century, &mut month] {
        assert!(poll_with(sleep, Waker::noop()).is_pending());
        assert!(!sleep.is_elapsed());
    }
    settle(&mut core);
    // They neither fire nor keep the loop from waiting for what is nearer.
    let before = handle.metrics().turns;
    run(&mut core, handle.sleep(Duration::from_millis(20))).unwrap();
    assert!(handle.metrics().turns - before < 10, "it spins");
    for sleep in [&mut longest, &mut century, &mut month] {
        assert!(poll_with(sleep, Waker::noop()).is_pending());
    }
}

#[test]
fn a_deadline_that_has_passed_is_ready_at_once_and_costs_no_timer() {
    let core = Core::new().unwrap();
    let handle = core.handle();
    let now = Instant::now();
    for sleep in [
        handle.sleep(Duration::ZERO),
        handle.sleep_until(now),
        handle.sleep_until(now.checked_sub(Duration::from_secs(1)).unwrap_or(now)),
    ] {
        sleep.now_or_never().expect("it has passed").unwrap();
    }
    assert!(core.next_deadline().is_none());
}

#[test]
fn a_sleep_that_is_over_stays_over() {
    let mut core = Core::new().unwrap();
    for milliseconds in [1, 10] {
        let mut sleep = core.handle().sleep(Duration::from_millis(milliseconds));
        run(&mut core, async {
            (&mut sleep).await.unwrap();
            // Also in the task that has seen its end, in the same poll.
            for _ in 0..3 {
                let again = poll_fn(|cx| Poll::Ready(sleep.poll_unpin(cx))).await;
                assert!(again.is_ready(), "it waits once more");
            }
        });
        for _ in 0..3 {
            run(&mut core, &mut sleep).unwrap();
            assert!(sleep.is_elapsed());
        }
    }
}

#[test]
fn a_timeout_ends_what_would_never_end_and_nothing_else() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let begin = Instant::now();
    let limit = Duration::from_millis(10);
    let error = core
        .run(handle.timeout(limit, pending::<()>()))
        .unwrap()
        .unwrap_err();
    assert!(begin.elapsed() >= limit);
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert!(error.get_ref().unwrap().is::<Elapsed>());

    let output = core
        .run(handle.timeout(Duration::MAX, ready(7)))
        .unwrap()
        .unwrap();
    assert_eq!(output, 7);
    // What is ready wins, even over a time that is over.
    let output = core
        .run(handle.timeout(Duration::ZERO, ready(7)))
        .unwrap()
        .unwrap();
    assert_eq!(output, 7);
    let slow = handle.sleep(Duration::from_millis(1));
    core.run(handle.timeout(Duration::from_secs(60), slow))
        .unwrap()
        .unwrap()
        .unwrap();
    assert!(
        core.next_deadline().is_none(),
        "the timer of the limit is cancelled"
    );
}

#[test]
fn a_dropped_sleep_wakes_nobody_and_is_forgotten() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let (count, waker) = CountWakes::new();
    for _ in 0..100 {
        let mut sleep = handle.sleep(Duration::from_millis(20));
        assert!(poll_with(&mut sleep, &waker).is_pending());
        drop(sleep);
    }
    assert!(core.next_deadline().is_none());
    run(&mut core, handle.sleep(Duration::from_millis(25))).unwrap();
    assert_eq!(count.get(), 0);
    assert_eq!(handle.metrics().timers_fired, 1);
    drop(waker);
    assert_eq!(std::sync::Arc::strong_count(&count), 1, "its waker is kept");
}

#[test]
fn a_sleep_that_was_never_polled_is_no_timer() {
    let core = Core::new().unwrap();
    let _sleeps: Vec<_> = (0..1_000)
        .map(|n| core.handle().sleep(Duration::from_millis(n)))
        .collect();
    assert!(core.next_deadline().is_none());
}

#[test]
fn a_hundred_thousand_sleeps_at_once_all_end() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let (count, waker) = CountWakes::new();
    let mut random = Random::new(3);
    let mut sleeps: Vec<_> = (0..100_000)
        .map(|_| handle.sleep(Duration::from_micros(random.below(1_000_000))))
        .collect();
    // Half of them are given up again.
    let late: Vec<_> = sleeps.split_off(50_000);
    let mut waiting = 0;
    for sleep in &mut sleeps {
        waiting += usize::from(poll_with(sleep, &waker).is_pending());
    }
    for mut sleep in late {
        let _ = poll_with(&mut sleep, Waker::noop());
    }
    turn_until(&mut core, || count.get() == waiting);
    for sleep in &mut sleeps {
        assert!(poll_with(sleep, Waker::noop()).is_ready());
    }
    assert!(core.next_deadline().is_none());
}

#[test]
fn a_timer_set_by_another_thread_wakes_a_core_that_sleeps() {
    // Nothing else would: the loop has neither events nor timers.
    let core = Elsewhere::new();
    for n in 0..30 {
        let begin = Instant::now();
        let duration = Duration::from_micros(n * 100);
        block_on(core.handle.sleep(duration)).unwrap();
        assert!(begin.elapsed() >= duration);
    }
}

#[test]
fn an_earlier_timer_from_another_thread_overtakes_a_later_one() {
    let core = Elsewhere::new();
    let (late, waker) = CountWakes::new();
    let mut later = core.handle.sleep(Duration::from_secs(3_600));
    assert!(poll_with(&mut later, &waker).is_pending());
    for _ in 0..20 {
        block_on(core.handle.sleep(Duration::from_millis(1))).unwrap();
    }
    assert_eq!(late.get(), 0);
}

#[test]
fn sleeps_of_many_threads_are_never_early_and_never_lost() {
    let core = Elsewhere::new();
    let threads: Vec<_> = (0..8)
        .map(|seed| {
            let handle = core.handle.clone();
            thread::spawn(move || {
                let mut random = Random::new(seed + 10);
                for _ in 0..50 {
                    let duration = Duration::from_micros(random.below(2_000));
                    let begin = Instant::now();
                    block_on(handle.sleep(duration)).unwrap();
                    assert!(begin.elapsed() >= duration);
                }
            })
        })
        .collect();
    threads
        .into_iter()
        .for_each(|thread| thread.join().unwrap());
}

#[test]
fn a_sleep_wakes_the_waker_of_its_latest_poll_alone() {
    let mut core = Core::new().unwrap();
    let mut sleep = core.handle().sleep(Duration::from_millis(30));
    let wakers: Vec<_> = (0..5).map(|_| CountWakes::new()).collect();
    for (_, waker) in &wakers {
        assert!(poll_with(&mut sleep, waker).is_pending());
    }
    let (last, _) = &wakers[4];
    turn_until(&mut core, || last.get() == 1);
    assert!(wakers[..4].iter().all(|(count, _)| count.get() == 0));
    assert!(poll_with(&mut sleep, Waker::noop()).is_ready());
}

#[test]
fn a_sleep_that_moves_between_threads_is_woken_where_it_is() {
    let core = Elsewhere::new();
    for _ in 0..10 {
        let mut sleep = core.handle.sleep(Duration::from_millis(20));
        assert!(poll_with(&mut sleep, Waker::noop()).is_pending());
        thread::spawn(move || block_on(sleep).unwrap())
            .join()
            .unwrap();
    }
}

#[test]
fn a_task_that_waits_for_nothing_but_a_timer_wakes() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let task = core.spawner().spawn(async move {
        for _ in 0..10 {
            handle.sleep(Duration::from_micros(500)).await.unwrap();
        }
    });
    core.run(task).unwrap().unwrap();
}

#[test]
fn overdue_timers_of_a_loop_that_stood_still_fire_once_each() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let (count, waker) = CountWakes::new();
    let mut sleeps: Vec<_> = (1..=200)
        .map(|n| handle.sleep(Duration::from_micros(20 * n)))
        .collect();
    let mut waiting = 0;
    for sleep in &mut sleeps {
        waiting += usize::from(poll_with(sleep, &waker).is_pending());
    }
    // The thread of the loop is busy with something else for longer than all of them.
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_millis(6) {
        std::hint::spin_loop();
    }
    settle(&mut core);
    assert_eq!(count.get(), waiting);
    settle(&mut core);
    assert_eq!(count.get(), waiting);
    assert_eq!(handle.metrics().timers_fired, waiting as u64);
}
