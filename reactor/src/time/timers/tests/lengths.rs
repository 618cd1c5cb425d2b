//! How late timers may be, and which of them fire together.

use super::*;

#[test]
fn no_timer_is_late_by_more_than_an_eighth_of_its_length_and_a_very_long_one_by_a_thirtieth() {
    for micros in (8_000..2_000_000).step_by(997) {
        let left = Duration::from_micros(micros);
        // Wherever the ticks begin.
        for now in (0..10_000_000).step_by(1_234_567) {
            let due = now + micros * 1_000;
            let late = Length::of_duration(left).fires_at(due) - due;
            let share = if micros < 128_000 { 8 } else { 30 };
            assert!(late <= micros * 1_000 / share, "{late} of {left:?}");
            assert!(late < if micros < 128_000 { 1 << 20 } else { 1 << 22 });
        }
    }
}

/// However they were made: at once with their time, or as the limits of time that are settled before the loop sleeps.
#[test]
fn very_long_timers_that_are_due_within_four_milliseconds_fire_when_the_loop_wakes_up_once() {
    const TIMERS: u64 = 100;
    const FOUR: u64 = 1 << 22;
    const NOW: u64 = 1_000 * FOUR;
    let due = |n: u64| NOW + 40 * FOUR + 1 + n * (FOUR - 1) / TIMERS;
    for is_fresh in [false, true] {
        let mut timers = Timers::new();
        timers.fire_all(NOW, |_| unreachable!("there are none"));
        for n in 0..TIMERS {
            if is_fresh {
                let deadline = Deadline::after(Duration::from_nanos(due(n)));
                timers.insert_fresh(deadline, waiter(n));
            } else {
                timers.insert(due(n), Length::VeryLong, waiter(n));
            }
        }
        timers.settle(|| NOW, |deadline| deadline.length_in_nanos());
        let mut wakes = 0;
        while let Some(next) = timers.next().any {
            timers.fire_all(next, |waiter| assert!(due(number(waiter)) <= next, "early"));
            wakes += 1;
        }
        assert_eq!((wakes, timers.len()), (1, 0), "fresh: {is_fresh}");
    }
}

#[test]
fn what_is_left_of_a_long_timer_when_it_is_started_decides_how_late_it_may_be() {
    // Where the ends of four ticks are not those of one.
    const NOW: u64 = 75_000_000;
    for (left, ticks) in [(1_000_000, 20), (127_000_000, 20), (128_000_000, 22)] {
        let mut timers = Timers::new();
        let deadline = Deadline::after(Duration::from_nanos(NOW + left));
        timers.insert_fresh(deadline, waiter(0));
        timers.settle(|| NOW, |deadline| deadline.length_in_nanos());
        let expected = (NOW + left).next_multiple_of(1 << ticks);
        assert_eq!(timers.next().any, Some(expected));
    }
}
