//! `eventfd`: a counter between two threads.

mod common;

use std::process::Command;

use common::run_well;

/// Adds `step` so many times; returns how often the other thread has taken what was there.
fn takes(adds: u64, step: u64) -> u64 {
    let mut command = Command::new(env!("CARGO_BIN_EXE_eventfd"));
    command.args(["--adds", &adds.to_string(), "--step", &step.to_string()]);
    let said = String::from_utf8(run_well(&mut command, b"")).unwrap();
    let total = u128::from(adds) * u128::from(step);
    let takes = said
        .strip_prefix(&format!("{adds} adds of {step} are {total}, taken in "))
        .and_then(|rest| rest.strip_suffix(" times\n"));
    takes.unwrap_or_else(|| panic!("{said:?}")).parse().unwrap()
}

#[test]
fn all_that_is_added_is_taken_in_any_number_of_times() {
    for adds in [0, 1, 100_000] {
        let takes = takes(adds, 1);
        assert!((adds.min(1)..=adds).contains(&takes), "{takes} of {adds}");
    }
}

#[test]
fn a_full_counter_is_waited_for_and_loses_nothing() {
    // eventfd(2): the largest value is u64::MAX - 1, so there is room for three.
    let takes_of_three = takes(3_000, 1 << 62);
    assert!((1_000..=3_000).contains(&takes_of_three));
    // Room for one.
    assert_eq!(takes(1_000, u64::MAX - 1), 1_000);
}
