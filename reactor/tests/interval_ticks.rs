//! Ticks: never early, late ones by choice, and sleeps that begin anew.

mod common;

use std::{
    io::ErrorKind,
    thread,
    time::{Duration, Instant},
};

use common::{CountWakes, Random, assert_gone, poll_with, run, settle, turn_until};
use futures::{FutureExt, StreamExt, stream::FusedStream};
use reactor::{Core, Interval, LateTicks};

const MS: Duration = Duration::from_millis(1);

#[test]
fn ticks_are_never_early_and_keep_their_distance() {
    let mut core = Core::new().unwrap();
    let before = Instant::now();
    let mut interval = core.handle().interval(2 * MS).unwrap();
    run(&mut core, async {
        let mut last = interval.tick().await.unwrap();
        assert!(last >= before + 2 * MS && Instant::now() >= last);
        for _ in 0..50 {
            let due = interval.next().await.unwrap().unwrap();
            assert!(Instant::now() >= due, "early");
            // Some may have been left out on a slow machine, but none comes between.
            let periods = (due - last).as_nanos() / (2 * MS).as_nanos();
            assert_eq!(last + 2 * MS * periods as u32, due);
            last = due;
        }
    });
}

/// A tick that is due after so many milliseconds, if it is there now.
fn ticks_now(interval: &mut Interval, start: Instant) -> Vec<u128> {
    let mut due = Vec::new();
    while let Some(tick) = interval.tick().now_or_never() {
        due.push((tick.unwrap() - start).as_millis());
    }
    due
}

#[test]
fn late_ticks_are_left_out_or_made_up_for() {
    let core = Core::new().unwrap();
    // In the past, so that nothing has to be waited for, and half a period from a tick.
    let start = Instant::now() - Duration::from_millis(4_500);
    let at = |late| {
        let interval = core.handle().interval_at(start, 1_000 * MS).unwrap();
        ticks_now(&mut interval.late_ticks(late), start)
    };
    assert_eq!(at(LateTicks::Skip), [0]);
    assert_eq!(at(LateTicks::Burst), [0, 1_000, 2_000, 3_000, 4_000]);
    // The one behind those that were left out keeps the phase.
    let mut interval = core.handle().interval_at(start, 1_000 * MS).unwrap();
    assert_eq!(interval.period(), 1_000 * MS);
    assert_eq!(ticks_now(&mut interval, start), [0]);
    let mut core = core;
    let next = run(&mut core, interval.tick()).unwrap();
    assert_eq!((next - start).as_millis() % 1_000, 0);
}

#[test]
fn a_tick_that_is_given_up_is_still_there() {
    let mut core = Core::new().unwrap();
    let mut interval = core.handle().interval(5 * MS).unwrap();
    let (count, waker) = CountWakes::new();
    assert!(poll_with(&mut Box::pin(interval.tick()), &waker).is_pending());
    turn_until(&mut core, || count.get() > 0);
    // The future that was woken is no more; the next one has its tick at once.
    assert!(interval.tick().now_or_never().is_some());
}

#[test]
fn no_period_is_too_long_and_none_may_be_nothing() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let error = handle.interval(Duration::ZERO).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    let error = handle
        .interval_at(Instant::now(), Duration::ZERO)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    let mut never = handle.interval(Duration::MAX).unwrap();
    assert!(poll_with(&mut never.next(), std::task::Waker::noop()).is_pending());
    let mut once = handle.interval_at(Instant::now(), Duration::MAX).unwrap();
    assert!(once.tick().now_or_never().is_some());
    assert!(poll_with(&mut once.next(), std::task::Waker::noop()).is_pending());
    // With the smallest there is always one more.
    let mut many = handle.interval(Duration::from_nanos(1)).unwrap();
    run(&mut core, async {
        for _ in 0..100 {
            many.tick().await.unwrap();
        }
    });
    settle(&mut core);
}

#[test]
fn a_reset_begins_anew_before_and_after_a_tick() {
    let mut core = Core::new().unwrap();
    let mut interval = core.handle().interval(Duration::from_secs(3_600)).unwrap();
    let (_, waker) = CountWakes::new();
    assert!(poll_with(&mut interval.next(), &waker).is_pending());
    let now = Instant::now();
    interval.reset_at(now);
    assert_eq!(run(&mut core, interval.tick()).unwrap(), now);
    interval.reset();
    assert!(poll_with(&mut interval.next(), &waker).is_pending());
    assert_eq!(core.handle().metrics().timers, 1);
    drop(interval);
    assert_eq!(core.handle().metrics().timers, 0);
    // One that would be a long time in coming.
    let (before, later) = (Instant::now(), Instant::now() + Duration::from_secs(3_600));
    let mut interval = core.handle().interval_at(later, MS).unwrap();
    interval.reset();
    let due = run(&mut core, interval.tick()).unwrap();
    assert!(due >= before + MS && due < later, "not one period from now");
}

#[test]
fn a_tick_that_is_there_already_makes_no_timer() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let late = Instant::now() - MS;
    let mut interval = handle.interval_at(late, 1_000 * MS).unwrap();
    run(&mut core, async {
        interval.tick().now_or_never().expect("it is due").unwrap();
        assert_eq!(handle.metrics().timers, 0);
        // The next one is not there.
        assert!(interval.tick().now_or_never().is_none());
        assert_eq!(handle.metrics().timers, 1);
    });
}

#[test]
fn a_sleep_is_reset_to_any_time_whether_it_was_over_or_not() {
    let mut core = Core::new().unwrap();
    let mut sleep = core.handle().sleep(MS);
    run(&mut core, &mut sleep).unwrap();
    let mut random = Random::new(11);
    for _ in 0..200 {
        // Half of them are in the past, or not polled before the next reset.
        let deadline = Instant::now() + Duration::from_micros(random.below(2_000));
        sleep.reset(deadline);
        assert_eq!(sleep.deadline(), Some(deadline));
        match random.below(3) {
            0 => {}
            1 => {
                run(&mut core, &mut sleep).unwrap();
                assert!(Instant::now() >= deadline, "early");
            }
            _ => {
                sleep.reset(Instant::now() - MS);
                assert!((&mut sleep).now_or_never().is_some());
            }
        }
    }
    sleep.reset(Instant::now() + Duration::from_secs(3_600));
    let (count, waker) = CountWakes::new();
    assert!(poll_with(&mut sleep, &waker).is_pending());
    // An earlier time, set while the timer was there, by another thread.
    let sooner = thread::spawn(move || {
        sleep.reset(Instant::now() + MS);
        assert!(poll_with(&mut sleep, &waker).is_pending());
        sleep
    });
    let mut sleep = sooner.join().unwrap();
    turn_until(&mut core, || count.get() > 0);
    assert!((&mut sleep).now_or_never().is_some());
}

#[test]
fn when_the_core_is_gone_ticks_say_so() {
    let core = Core::new().unwrap();
    let mut interval = core.handle().interval(Duration::from_secs(3_600)).unwrap();
    assert!(poll_with(&mut interval.next(), std::task::Waker::noop()).is_pending());
    drop(core);
    // As a stream it ends, so that a loop over it does.
    assert!(!interval.is_terminated());
    assert_gone(interval.next().now_or_never().expect("a hang").unwrap());
    for _ in 0..2 {
        assert!(interval.next().now_or_never().expect("a hang").is_none());
        assert!(interval.is_terminated());
        assert_gone(interval.tick().now_or_never().expect("a hang"));
    }
}
