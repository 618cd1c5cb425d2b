//! What is left behind by crowds of timers.

use super::*;

#[test]
fn a_million_timers_take_little_memory_and_leave_none() {
    let mut timers = Timers::new();
    for n in 0..1_000_000_u64 {
        timers.insert(n * 7_919 % 1_000_000_007, Length::Long, waiter(n));
    }
    assert!(timers.memory() < 100 * 1_000_000, "{}", timers.memory());
    let mut fired = 0;
    timers.fire_all(2_000_000_000, |_| fired += 1);
    assert_eq!((fired, timers.len()), (1_000_000, 0));
    assert_eq!(timers.next(), Next::default());
    assert!(timers.memory() < 1_000_000, "{}", timers.memory());
}

/// Limits of time that are mostly not needed: most of what is in the slots is cancelled, over and over.
#[test]
fn a_storm_of_cancels_leaves_no_memory_behind() {
    const MINUTE: u64 = 60_000_000_000;
    let mut timers = Timers::new();
    let mut state = 5;
    // Some are needed, so that no slot becomes empty.
    let due = |n: u64| MINUTE + n * MINUTE / 1_000;
    let stay: Vec<_> = (0..1_000)
        .map(|n| timers.insert(due(n), Length::Long, waiter(n)))
        .collect();
    for now in 0..3 {
        let mut keys: Vec<_> = (0..100_000)
            .map(|_| timers.insert(due(random(&mut state) % 1_000), Length::Long, waiter(0)))
            .collect();
        // In another order than that of their making.
        keys.sort_unstable_by_key(|key| key.scrambled());
        for key in keys {
            timers.cancel(key).unwrap();
        }
        timers.fire_all(now, |_| panic!("cancelled"));
        assert_eq!(timers.len(), stay.len());
        assert!(timers.memory() < 1_000_000, "{}", timers.memory());
    }
    let mut fired = 0;
    timers.fire_all(3 * MINUTE, |_| fired += 1);
    assert_eq!((fired, timers.next()), (stay.len(), Next::default()));
}

#[test]
fn the_memory_of_fresh_timers_stays_for_the_next_turn_and_goes_when_they_do() {
    let mut timers = Timers::new();
    let mut turn = |fresh: usize| {
        let deadline = Deadline::after(Duration::from_secs(60));
        let keys: Vec<_> = (0..fresh)
            .map(|n| timers.insert_fresh(deadline, waiter(n as u64)))
            .collect();
        let most = timers.fresh.capacity();
        // Before the loop sleeps, and when it looks at its timers.
        timers.settle(|| 0, |_| 60_000_000_000);
        timers.settle(|| 0, |_| 60_000_000_000);
        timers.fire_all(0, drop);
        keys.into_iter().for_each(|key| drop(timers.cancel(key)));
        (most, timers.fresh.capacity())
    };
    for _ in 0..3 {
        let (most, left) = turn(10_000);
        assert_eq!(left, most, "it is made anew at each turn");
    }
    for _ in 0..20 {
        turn(0);
    }
    assert!(turn(0).1 <= FRESH_KEPT);
}

#[test]
fn what_is_cancelled_is_not_what_the_loop_looks_for_once_the_wheel_is_rebuilt() {
    // The whole ticks of one slot of a higher level.
    let due = |n: u64| (65_536 + n) << LONG_TICK;
    let mut timers = Timers::new();
    let first = timers.insert(due(1), Length::Long, waiter(0));
    let mut others: Vec<_> = (0..3_000)
        .map(|n| timers.insert(due(100 + n), Length::Long, waiter(n)))
        .collect();
    timers.cancel(first).unwrap();
    for key in others.drain(..2_500) {
        timers.cancel(key).unwrap();
    }
    let next = timers.next().any.unwrap();
    assert!(next > due(100), "{}", next >> LONG_TICK);
}
