//! Sleeps that were polled in a task of the loop and go elsewhere: to another thread, out of the turn, or
//! nowhere because the core is gone.

mod common;

use std::{
    future::poll_fn,
    sync::Arc,
    task::{Poll, Waker},
    thread,
    time::{Duration, Instant},
};

use common::{CountWakes, assert_gone, block_on, poll_with, run, settle, turn_until};
use futures::FutureExt;
use reactor::{Core, Sleep};

/// A sleep that a task of the core has polled once with that waker, or with its own.
fn polled_inside(core: &mut Core, duration: Duration, waker: Option<&Waker>) -> Sleep {
    let mut sleep = core.handle().sleep(duration);
    run(
        core,
        poll_fn(|cx| {
            let waker = waker.unwrap_or(cx.waker());
            assert!(poll_with(&mut sleep, waker).is_pending());
            Poll::Ready(())
        }),
    );
    sleep
}

const HOUR: Duration = Duration::from_secs(3_600);

#[test]
fn a_sleep_that_has_left_its_task_is_given_up_from_outside_and_its_waker_let_go() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    for elsewhere in [false, true] {
        let (count, waker) = CountWakes::new();
        let sleeps: Vec<_> = (0..100)
            .map(|_| polled_inside(&mut core, HOUR, Some(&waker)))
            .collect();
        assert_eq!(handle.metrics().timers, 100);
        if elsewhere {
            thread::spawn(|| drop(sleeps)).join().unwrap();
        } else {
            drop(sleeps);
        }
        assert_eq!(handle.metrics().timers, 0);
        settle(&mut core);
        assert_eq!(handle.metrics().timers, 0);
        assert!(core.next_deadline().is_none());
        drop(waker);
        assert_eq!(Arc::strong_count(&count), 1, "its waker is kept");
    }
}

#[test]
fn a_loop_that_sleeps_hears_of_a_timer_that_is_given_up_elsewhere() {
    let mut core = Core::new().unwrap();
    let (count, waker) = CountWakes::new();
    let sleep = polled_inside(&mut core, HOUR, Some(&waker));
    drop(waker);
    let dropper = thread::spawn(move || {
        thread::sleep(Duration::from_millis(5));
        drop(sleep);
    });
    let begin = Instant::now();
    while Arc::strong_count(&count) > 1 {
        core.turn(Some(Duration::from_secs(10))).unwrap();
        assert!(begin.elapsed() < Duration::from_secs(5), "nobody rang");
    }
    dropper.join().unwrap();
}

#[test]
fn a_sleep_that_was_polled_inside_of_the_loop_is_woken_on_another_thread() {
    let core = common::Elsewhere::new();
    for duration in [5, 25] {
        let duration = Duration::from_millis(duration);
        let handle = core.handle.clone();
        let begin = Instant::now();
        let (send, receive) = std::sync::mpsc::channel();
        // A task of the loop polls it once and hands it over.
        drop(core.handle.spawn(async move {
            // On a busy machine a short one may be over before it is polled: then another.
            for _ in 0..100 {
                let mut sleep = handle.sleep(duration);
                let polled = poll_fn(|cx| Poll::Ready(sleep.poll_unpin(cx))).await;
                send.send((sleep, polled.is_pending())).unwrap();
                if polled.is_pending() {
                    break;
                }
            }
        }));
        let mut polled = receive.iter();
        let (sleep, _) = polled.find(|(_, pending)| *pending).expect("none waits");
        block_on(sleep).unwrap();
        assert!(begin.elapsed() >= duration, "early");
    }
    assert_eq!(core.handle.metrics().timers, 0);
}

/// And back: first with the waker of nobody.
#[test]
fn a_sleep_that_was_polled_elsewhere_is_woken_in_a_task() {
    let mut core = Core::new().unwrap();
    for duration in [5, 25] {
        let mut sleep = core.handle().sleep(Duration::from_millis(duration));
        assert!(poll_with(&mut sleep, Waker::noop()).is_pending());
        let task = core.spawner().spawn(sleep);
        run(&mut core, task).unwrap().unwrap();
    }
    assert_eq!(core.handle().metrics().timers, 0);
}

#[test]
fn a_sleep_in_a_task_wakes_the_waker_of_its_latest_poll_alone() {
    let mut core = Core::new().unwrap();
    for duration in [8, 30] {
        let (first, one) = CountWakes::new();
        let (last, other) = CountWakes::new();
        let mut sleep = polled_inside(&mut core, Duration::from_millis(duration), None);
        run(
            &mut core,
            poll_fn(|_| {
                assert!(poll_with(&mut sleep, &one).is_pending());
                assert!(poll_with(&mut sleep, &other).is_pending());
                Poll::Ready(())
            }),
        );
        turn_until(&mut core, || last.get() == 1);
        assert_eq!(first.get(), 0);
        assert!(run(&mut core, async { (&mut sleep).now_or_never() }).is_some());
    }
}

#[test]
fn whoever_waits_for_a_sleep_of_a_task_hears_that_the_core_is_gone() {
    let mut core = Core::new().unwrap();
    let (count, waker) = CountWakes::new();
    let mut sleeps: Vec<_> = [Duration::from_millis(10), HOUR, Duration::MAX]
        .map(|duration| polled_inside(&mut core, duration, Some(&waker)))
        .into();
    sleeps.push(polled_inside(&mut core, HOUR, None));
    drop(core);
    assert_eq!(count.get(), 3, "all but the task that was dropped with it");
    for mut sleep in sleeps.drain(1..) {
        for _ in 0..2 {
            let Poll::Ready(result) = poll_with(&mut sleep, &waker) else {
                panic!("a hang");
            };
            assert_gone(result);
        }
    }
    drop((sleeps, waker));
    assert_eq!(Arc::strong_count(&count), 1, "a waker is kept");
}

/// The core goes at any moment of what another thread does with its sleeps.
#[test]
fn a_core_that_goes_while_another_thread_sleeps_leaves_nobody_waiting() {
    for round in 0..30 {
        let mut core = Core::new().unwrap();
        let handle = core.handle();
        let moved = polled_inside(&mut core, HOUR, None);
        let other = thread::spawn(move || {
            let mut ended = 0;
            assert_gone(block_on(moved));
            while block_on(handle.sleep(Duration::from_micros(50 * ended))).is_ok() {
                ended += 1;
            }
            assert_gone(block_on(handle.sleep(HOUR)));
        });
        core.turn(Some(Duration::from_micros(40 * round))).unwrap();
        drop(core);
        other.join().unwrap();
    }
}

#[test]
fn any_duration_and_any_deadline_behave_in_a_task_as_elsewhere() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    run(&mut core, async {
        let now = Instant::now();
        // Over at once.
        for mut sleep in [
            handle.sleep(Duration::ZERO),
            handle.sleep_until(now),
            handle.sleep_until(now.checked_sub(HOUR).unwrap_or(now)),
        ] {
            (&mut sleep).now_or_never().expect("it has passed").unwrap();
        }
        // Never.
        let mut never: Vec<_> = [
            Duration::MAX,
            Duration::MAX - Duration::from_nanos(1),
            HOUR * 24 * 365 * 200,
            Duration::from_secs(u64::MAX / 10),
        ]
        .map(|duration| handle.sleep(duration))
        .into();
        never.push(handle.sleep_until(now + HOUR * 24 * 365 * 100));
        for sleep in &mut never {
            assert!(
                poll_fn(|cx| Poll::Ready(sleep.poll_unpin(cx)))
                    .await
                    .is_pending()
            );
            assert!(!sleep.is_elapsed());
        }
        let before = handle.metrics().turns;
        handle.sleep(Duration::from_millis(20)).await.unwrap();
        assert!(handle.metrics().turns - before < 10, "it spins");
        for sleep in &mut never {
            assert!(
                poll_fn(|cx| Poll::Ready(sleep.poll_unpin(cx)))
                    .await
                    .is_pending()
            );
            sleep.reset(Instant::now());
            sleep.await.unwrap();
        }
    });
    assert_eq!(handle.metrics().timers, 0);
}

#[test]
fn a_limit_that_is_a_point_in_time_holds_for_all_that_it_is_set_for() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    run(&mut core, async {
        let deadline = Instant::now() + Duration::from_millis(20);
        let first = handle.sleep(Duration::from_millis(1));
        handle.timeout_at(deadline, first).await.unwrap().unwrap();
        let late = handle.timeout_at(deadline, handle.sleep(HOUR)).await;
        assert!(reactor::Elapsed::is_source_of(&late.unwrap_err()));
        assert!(Instant::now() >= deadline, "early");
        assert!(deadline.elapsed() < Duration::from_secs(5), "another limit");
        // It is past: what is ready is still an answer, what is not is late at once.
        assert_eq!(handle.timeout_at(deadline, async { 7 }).await.unwrap(), 7);
        let late = handle.timeout_at(deadline, std::future::pending::<()>());
        late.now_or_never().expect("it is late").unwrap_err();
    });
    assert_eq!(handle.metrics().timers, 0);
}
