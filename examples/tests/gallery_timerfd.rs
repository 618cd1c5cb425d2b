//! `timerfd`: a clock that ticks.

mod common;

use std::process::Command;

use common::run_well;

/// What each look at the clock has seen: how many ticks in all, after how many microseconds.
fn looks(interval: u64, ticks: u64, pause: u64) -> Vec<(u64, u64)> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_timerfd"));
    for (name, value) in [("interval", interval), ("ticks", ticks), ("pause", pause)] {
        command.arg(format!("--{name}={value}"));
    }
    let said = String::from_utf8(run_well(&mut command, b"")).unwrap();
    let looks = said.lines().map(|line| {
        let words: Vec<_> = line.split(' ').collect();
        let [ticks, "ticks", "after", micros, "us"] = words[..] else {
            panic!("{line:?}");
        };
        (ticks.parse().unwrap(), micros.parse().unwrap())
    });
    looks.collect()
}

#[test]
fn no_tick_is_early_and_none_is_missing() {
    for (interval, ticks) in [(300, 100), (20_000, 5)] {
        let looks = looks(interval, ticks, 0);
        let mut before = 0;
        for &(ticks, micros) in &looks {
            assert!(ticks > before, "{looks:?}");
            assert!(micros >= ticks * interval, "{looks:?}");
            before = ticks;
        }
        assert!(before >= ticks, "{looks:?}");
    }
}

#[test]
fn ticks_that_nobody_saw_are_counted_by_the_next_look() {
    let looks = looks(1_000, 100, 20_000);
    for pair in looks.windows(2) {
        // Twenty, but for the rounding of clocks.
        assert!(pair[1].0 - pair[0].0 >= 19, "{looks:?}");
    }
    assert!((2..=7).contains(&looks.len()), "{looks:?}");
}
