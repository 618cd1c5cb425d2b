//! A timer that is due meets a future that gives it up, wants another time, or has moved.

use std::{
    mem::ManuallyDrop,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use loom::thread;

use super::{Alarm, HANG, catches, check, doorbell::Loop, no_other_has, reactors::reactor};
use crate::{
    Sleep,
    fault::Fault,
    shared::Shared,
    sync::lock,
    time::{Length, Next},
};

/// A turn of the loop, so long after its beginning; says how many timers it has fired.
fn fire(shared: &Shared, now: Duration) -> usize {
    let mut out = Vec::new();
    let now = u64::try_from(now.as_nanos()).unwrap();
    shared.timers.fire(now, &mut { usize::MAX }, &mut out);
    let fired = out.len();
    out.into_iter().for_each(Waker::wake);
    fired
}

fn rings(task: &Alarm) -> u32 {
    *lock(&task.rings)
}

/// None of the model's times comes while it runs.
fn hours(hours: u64) -> Duration {
    Duration::from_secs(3_600 * hours)
}

/// Pending, with a deadline in an hour.
fn sleep(shared: &Arc<Shared>, waker: &Waker) -> ManuallyDrop<Sleep> {
    let deadline = Instant::now() + hours(1);
    let mut sleep = ManuallyDrop::new(Sleep::new(shared.clone(), Some(deadline)));
    assert!(poll(&mut sleep, waker).is_pending());
    sleep
}

fn poll(sleep: &mut Sleep, waker: &Waker) -> Poll<std::io::Result<()>> {
    Pin::new(sleep).poll(&mut Context::from_waker(waker))
}

fn a_cancel_and_the_time() {
    let shared = reactor();
    let task = Alarm::new();
    let waker = Waker::from(task.clone());
    let due = u64::try_from(hours(1).as_nanos()).unwrap();
    let inserted = shared.timers.insert(due, Length::Long, waker.clone());
    let (key, _) = inserted.unwrap();
    let core = thread::spawn({
        let shared = shared.clone();
        move || fire(&shared, hours(2))
    });
    let cancelled = usize::from(shared.timers.cancel(key).is_some());
    let fired = core.join().unwrap();
    assert_eq!(fired + cancelled, 1, "{BOTH}");
    assert_eq!(rings(&task) as usize, fired);
    assert!(shared.timers.cancel(key).is_none());
    assert_eq!(shared.timers.count(), 0);
    no_other_has(task, waker);
}

#[test]
fn a_timer_fires_or_is_cancelled_and_never_both() {
    check(a_cancel_and_the_time);
}

#[test]
fn a_cancelled_timer_that_the_loop_still_finds_is_caught() {
    catches(Fault::CancelLeavesTimer, BOTH, a_cancel_and_the_time);
}

/// The future goes, and the loop's turn is over.
fn a_drop_and_the_time() {
    let shared = reactor();
    let task = Alarm::new();
    let waker = Waker::from(task.clone());
    let sleep = sleep(&shared, &waker);
    let core = thread::spawn({
        let shared = shared.clone();
        move || fire(&shared, Duration::ZERO) + fire(&shared, hours(2))
    });
    drop(ManuallyDrop::into_inner(sleep));
    let fired = core.join().unwrap();
    assert_eq!(rings(&task) as usize, fired);
    assert_eq!(fire(&shared, hours(3)), 0);
    assert_eq!(shared.timers.count(), 0);
    no_other_has(task, waker);
}

#[test]
fn a_sleep_that_is_dropped_when_its_time_comes_leaves_no_timer_and_no_waker() {
    check(a_drop_and_the_time);
}

/// The time comes that a sleep had before it was reset to a later one.
fn a_reset_and_the_time() {
    let shared = reactor();
    let task = Alarm::new();
    let waker = Waker::from(task.clone());
    let mut sleep = sleep(&shared, &waker);
    let core = thread::spawn({
        let shared = shared.clone();
        move || fire(&shared, hours(2))
    });
    sleep.reset(Instant::now() + hours(3));
    assert!(poll(&mut sleep, &waker).is_pending());
    let fired = core.join().unwrap();
    assert_eq!(rings(&task) as usize, fired);
    assert_eq!(fire(&shared, hours(2)), 0, "early");
    assert_eq!(fire(&shared, hours(4)), 1, "{FORGOTTEN}");
    drop(ManuallyDrop::into_inner(sleep));
    assert_eq!(shared.timers.count(), 0);
    no_other_has(task, waker);
}

#[test]
fn a_sleep_that_is_reset_when_its_time_comes_waits_for_the_new_time() {
    check(a_reset_and_the_time);
}

#[test]
fn a_reset_that_goes_by_the_old_timer_is_caught() {
    catches(Fault::ResetKeepsTimer, FORGOTTEN, a_reset_and_the_time);
}

/// A sleep moves to another task when its time comes.
fn a_move_and_the_time() {
    let shared = reactor();
    let [before, after] = [0, 1].map(|_| Alarm::new());
    let [one, other] = [&before, &after].map(|alarm| Waker::from(alarm.clone()));
    let mut sleep = sleep(&shared, &one);
    let core = thread::spawn({
        let shared = shared.clone();
        move || fire(&shared, hours(2))
    });
    assert!(poll(&mut sleep, &other).is_pending());
    core.join().unwrap();
    // What came before the move has been for the other task: the timer was made anew.
    fire(&shared, hours(2));
    assert_eq!(rings(&after), 1, "{FORGOTTEN}");
    drop(ManuallyDrop::into_inner(sleep));
    no_other_has(before, one);
    no_other_has(after, other);
}

#[test]
fn a_sleep_that_moves_when_its_time_comes_is_woken_where_it_is() {
    check(a_move_and_the_time);
}

#[test]
fn a_timer_that_keeps_its_first_waker_is_caught() {
    catches(Fault::TimerKeepsFirstWaker, FORGOTTEN, a_move_and_the_time);
}

/// A timer of the loop itself is given up elsewhere when the loop comes by, or when it goes.
fn a_timer_that_is_given_up(goes: bool) {
    let shared = reactor();
    let inserted = shared
        .timers
        .insert(u64::MAX, Length::Long, Waker::noop().clone());
    let (key, _) = inserted.unwrap();
    let other = thread::spawn({
        let shared = shared.clone();
        move || shared.timers.give_up(key)
    });
    let mut taken = Vec::new();
    if shared.timers.given_up_count() > 0 {
        taken.extend(shared.timers.take_given_up());
    }
    if goes {
        shared.timers.set_gone(&mut Vec::new());
    }
    let heard = other.join().unwrap();
    assert!(heard || goes, "refused by a loop that is there");
    taken.extend(shared.timers.take_given_up());
    let may_be_lost = goes && taken.is_empty();
    assert!(taken.len() == 1 || may_be_lost, "{FORGOTTEN}");
    assert_eq!(shared.timers.given_up_count(), 0);
}

#[test]
fn the_loop_hears_once_of_each_of_its_timers_that_is_given_up_elsewhere() {
    check(|| a_timer_that_is_given_up(false));
    check(|| a_timer_that_is_given_up(true));
}

/// The same while the loop falls asleep, which asks without a lock whether there is one once it is rung for.
fn a_timer_that_is_given_up_as_the_loop_falls_asleep() {
    let the_loop = Loop::new();
    let timers = &the_loop.timers;
    let inserted = timers.insert(u64::MAX, Length::Long, Waker::noop().clone());
    let (key, _) = inserted.unwrap();
    let other = thread::spawn({
        let the_loop = the_loop.clone();
        move || {
            assert!(the_loop.timers.give_up(key));
            the_loop.ring();
        }
    });
    // Inside of a turn it is awake, and is told by the bell alone.
    let _ = the_loop.bell.wake_up();
    let mut taken = Vec::new();
    the_loop.turn_until(|| {
        if timers.given_up_count() > 0 {
            taken.extend(timers.take_given_up());
        }
        !taken.is_empty()
    });
    other.join().unwrap();
    assert_eq!(taken, [key]);
    assert_eq!(timers.given_up_count(), 0);
}

#[test]
fn a_loop_that_falls_asleep_hears_of_a_timer_that_is_given_up() {
    check(a_timer_that_is_given_up_as_the_loop_falls_asleep);
}

#[test]
fn a_timer_that_is_given_up_without_a_word_is_caught() {
    let given_up = a_timer_that_is_given_up_as_the_loop_falls_asleep;
    catches(Fault::RingWithoutRelease, HANG, given_up);
}

/// The loop sleeps until its next timer, if there is one; one that is due earlier is set elsewhere.
fn a_timer_from_elsewhere(own: Option<u64>, others: Option<u64>) {
    let the_loop = Loop::new();
    let waker = Waker::noop;
    if let Some(due) = others {
        let inserted = the_loop.timers.insert(due, Length::Short, waker().clone());
        assert!(inserted.unwrap().1, "{UNHEARD}");
    }
    let other = thread::spawn({
        let the_loop = the_loop.clone();
        move || {
            let inserted = the_loop.timers.insert(DUE, Length::Short, waker().clone());
            if inserted.unwrap().1 {
                the_loop.ring();
            }
        }
    });
    // Inside of a turn it is awake. Once it sleeps until that timer, it has heard of it.
    let _ = the_loop.bell.wake_up();
    let own = Next {
        any: own,
        short: own,
    };
    the_loop.turn_until(|| the_loop.timers.sleep(own).any == Some(DUE));
    other.join().unwrap();
}

fn a_first_timer_from_elsewhere() {
    a_timer_from_elsewhere(None, None);
}

#[test]
fn a_timer_that_is_due_before_the_loop_looks_again_wakes_it() {
    check(a_first_timer_from_elsewhere);
    check(|| a_timer_from_elsewhere(Some(2 * DUE), None));
    check(|| a_timer_from_elsewhere(Some(2 * DUE), Some(3 * DUE)));
}

#[test]
fn a_timer_that_does_not_wake_the_loop_is_caught() {
    let from_elsewhere = a_first_timer_from_elsewhere;
    catches(Fault::SleepWithoutLook, HANG, from_elsewhere);
    // The loop asks without a lock whether there is one.
    catches(Fault::RingWithoutRelease, HANG, from_elsewhere);
}

const BOTH: &str = "it has fired and was cancelled, or neither";
const FORGOTTEN: &str = "a timer that is forgotten";
const UNHEARD: &str = "a loop that does not know the time does not hear of it";
/// Some time, in nanoseconds.
const DUE: u64 = 1_000_000;
