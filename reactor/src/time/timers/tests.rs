use std::collections::BTreeMap;

use super::*;
use crate::executor::TaskId;

mod lengths;
mod memory;

fn waiter(n: u64) -> Waiter {
    Waiter::Own(TaskId::from_bits(n + 1).unwrap())
}

fn number(waiter: Waiter) -> u64 {
    match waiter {
        Waiter::Own(task) => task.to_bits() - 1,
        Waiter::Other(_) => unreachable!("there is no waker here"),
    }
}

fn random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

fn length(due: u64, now: u64) -> Length {
    Length::of_duration(Duration::from_nanos(due.saturating_sub(now)))
}

/// By when a timer has fired: that is when it is due, unless it is long.
fn latest(due: u64, length: Length) -> u64 {
    let late = match length {
        Length::Short => 0,
        Length::Long => (1 << 20) - 1,
        Length::VeryLong => (1 << 22) - 1,
    };
    due.saturating_add(late)
}

/// The timers against a sorted map: nothing fires early, late, twice or never, and what is cancelled does not
/// fire at all.
#[test]
fn fires_what_a_sorted_map_says() {
    for seed in 1..=60_u64 {
        let mut state = 0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(seed);
        let mut timers = Timers::new();
        let mut model: BTreeMap<u64, (u64, Length, TimerKey)> = BTreeMap::new();
        // A small budget makes slots be left unfinished.
        let budget = [usize::MAX, 1, 7][seed as usize % 3];
        let (mut now, mut id) = (0, 0);
        for _ in 0..2_000 {
            match random(&mut state) % 8 {
                0..=3 => {
                    // Deadlines from nanoseconds to years away, and some in the past; often several of a slot.
                    let spread = random(&mut state) % 58;
                    let ahead = random(&mut state) & ((1 << spread) - 1);
                    let due = (now + ahead).saturating_sub(1_000);
                    for due in due..=due + random(&mut state) % 3 {
                        let length = length(due, now);
                        let key = timers.insert(due, length, waiter(id));
                        model.insert(id, (due, length, key));
                        id += 1;
                    }
                }
                4 => {
                    let position = random(&mut state) as usize % model.len().max(1);
                    if let Some(&id) = model.keys().nth(position) {
                        let (_, _, key) = model.remove(&id).unwrap();
                        assert_eq!(timers.cancel(key).map(number), Some(id));
                        assert!(timers.cancel(key).is_none());
                    }
                }
                choice => {
                    // To the next deadline, or some way on.
                    now = match timers.next().any {
                        Some(due) if choice < 7 => due.max(now),
                        _ => now + (random(&mut state) & ((1 << (seed % 50)) - 1)),
                    };
                    loop {
                        timers.fire(now, &mut budget.clone(), |waiter| {
                            let id = number(waiter);
                            let (due, ..) = model.remove(&id).expect("fired before, or gone");
                            assert!(due <= now, "early: {due} at {now}");
                        });
                        // A turn later, unless that is all.
                        if timers.next().any.is_none_or(|due| due > now) {
                            break;
                        }
                    }
                    for (due, length, _) in model.values() {
                        assert!(latest(*due, *length) > now, "late: {due} at {now}");
                    }
                }
            }
            assert_eq!(timers.len(), model.len());
            let entries = timers.short.entries() + timers.long.entries();
            assert!(entries <= 2 * model.len() + LEFT_BEHIND, "{entries}");
        }
        assert!(id > 1_000);
    }
}

#[test]
fn the_next_due_time_of_a_lone_timer_is_its_own() {
    for due in [1, 16_000, 1_234_567, 7_999_999] {
        let mut timers = Timers::new();
        timers.insert(due, Length::Short, waiter(0));
        let (any, short) = (Some(due), Some(due));
        assert_eq!(timers.next(), Next { any, short });
    }
    for (length, due) in [Length::Long, Length::VeryLong]
        .into_iter()
        .flat_map(|length| [8_000_000, 1 << 40, (1 << 55) + 1].map(|due| (length, due)))
    {
        let mut timers = Timers::new();
        timers.insert(due, length, waiter(0));
        let next = timers.next();
        assert!((due..=latest(due, length)).contains(&next.any.unwrap()));
        assert_eq!(next.short, None);
    }
}

#[test]
fn a_short_timer_is_known_as_such_behind_an_earlier_long_one() {
    let mut timers = Timers::new();
    timers.insert(20_000_000, Length::Long, waiter(0));
    timers.insert(30_000_000, Length::Short, waiter(0));
    let next = timers.next();
    assert!(next.any.unwrap() < 30_000_000);
    assert_eq!(next.short, Some(30_000_000));
}

#[test]
fn a_loop_is_too_late_for_what_is_due_before_it_looks_and_for_nothing_else() {
    const TICK: u64 = 1 << LONG_TICK;
    let at = |any, short| Next { any, short };
    let (long, both) = (
        at(Some(20 * TICK), None),
        at(Some(20 * TICK), Some(20 * TICK)),
    );
    let later = at(Some(20 * TICK), Some(30 * TICK));
    for (next, due, length, is_too_late) in [
        (Next::default(), u64::MAX - TICK, Length::Long, true),
        (Next::default(), u64::MAX - TICK, Length::Short, true),
        (long, 18 * TICK + 1, Length::Long, true),
        // Those of one millisecond fire together.
        (long, 19 * TICK + 1, Length::Long, false),
        (long, 20 * TICK, Length::Long, false),
        (both, 20 * TICK - 1, Length::Short, true),
        (both, 20 * TICK, Length::Short, false),
        // The poller's wait for a long one is rounded up.
        (long, 20 * TICK + 1, Length::Short, true),
        (long, 21 * TICK, Length::Short, false),
        (later, 20 * TICK + 1, Length::Short, true),
        (later, 29 * TICK, Length::Short, false),
        // And those of four.
        (long, 16 * TICK, Length::VeryLong, true),
        (long, 16 * TICK + 1, Length::VeryLong, false),
    ] {
        assert_eq!(
            next.is_too_late_for(due, length),
            is_too_late,
            "{next:?} {due}"
        );
    }
}

#[test]
fn a_timer_beyond_the_wheel_waits_its_time() {
    let mut timers = Timers::new();
    timers.insert(u64::MAX, Length::Long, waiter(0));
    for _ in 0..1_000 {
        let now = timers.next().any.unwrap();
        if now >= u64::MAX >> LONG_TICK << LONG_TICK {
            break;
        }
        timers.fire_all(now, |_| panic!("early"));
    }
    assert_eq!(timers.len(), 1);
}

/// Some virtual machines do that.
#[test]
fn a_clock_that_goes_back_makes_nothing_fire_early_or_twice() {
    for length in [Length::Short, Length::Long] {
        let mut timers = Timers::new();
        timers.insert(300_000_000, length, waiter(0));
        timers.fire_all(200_000_000, |_| panic!("early"));
        timers.fire_all(100_000_000, |_| panic!("early"));
        // Due when the clock has been, and is not any more.
        timers.insert(150_000_000, length, waiter(1));
        let next = timers.next().any.unwrap();
        assert!(
            next > 190_000_000,
            "the loop would look over and over: {next}"
        );
        timers.fire_all(120_000_000, |_| panic!("early"));
        let mut fired = Vec::new();
        for now in [160_000_000, 310_000_000, 140_000_000] {
            timers.fire_all(now, |waiter| fired.push(number(waiter)));
        }
        // The wheel is at 200 ms: until then it keeps what it has got since.
        assert_eq!(fired, [1, 0]);
        assert_eq!(timers.next(), Next::default());
    }
}

#[test]
fn those_of_one_time_fire_in_the_order_of_their_making() {
    for length in [Length::Short, Length::Long] {
        let mut timers = Timers::new();
        let due = |n: u64| 20_000_000 + n / 100;
        let keys: Vec<_> = (0..1_000)
            .map(|n| timers.insert(due(n), length, waiter(n)))
            .collect();
        for key in keys.iter().step_by(3) {
            timers.cancel(*key).unwrap();
        }
        let mut fired = Vec::new();
        while timers.len() > 0 {
            timers.fire(50_000_000, &mut 64, |waiter| fired.push(number(waiter)));
        }
        let expected: Vec<_> = (0..1_000).filter(|n| n % 3 != 0).collect();
        assert_eq!(fired, expected, "{length:?}");
    }
}

#[test]
fn no_turn_looks_at_more_timers_than_its_budget_and_the_rest_is_due_at_once() {
    for lengths in [
        &[Length::Long][..],
        &[Length::Short],
        &[Length::Short, Length::Long],
    ] {
        let mut timers = Timers::new();
        // Of one slot, and of slots that move down first.
        for n in 0..10_000 {
            for (which, length) in lengths.iter().enumerate() {
                let id = 2 * n + which as u64;
                timers.insert(17_000_000 + n % 7 * 80_000_000, *length, waiter(id));
            }
        }
        let now = 1_000_000_000;
        for _ in 0..300 * lengths.len() {
            let (before, mut fired) = (timers.len(), [0; 2]);
            timers.fire(now, &mut 100, |waiter| {
                fired[number(waiter) as usize % 2] += 1
            });
            assert!(before - timers.len() <= 100 + 14 * lengths.len());
            // Neither kind is kept waiting by the other.
            assert!(lengths.len() < 2 || timers.len() < 10_000 || fired.iter().all(|n| *n > 0));
            assert!(timers.len() == 0 || timers.next().any.unwrap() <= now);
        }
        assert_eq!((timers.len(), timers.next()), (0, Next::default()));
    }
}

impl Timers {
    fn fire_all(&mut self, now: u64, fire: impl FnMut(Waiter)) {
        self.fire(now, &mut { usize::MAX }, fire);
    }

    /// Bytes on the heap.
    fn memory(&self) -> usize {
        self.table.memory()
            + self.short.memory()
            + self.long.memory()
            + self.fresh.capacity() * size_of::<(TimerKey, Deadline)>()
    }
}
