//! The program that shows how connections come to the cores of a server.

mod common;

use std::process::Command;

use common::run_well;

const BALANCE: &str = env!("CARGO_BIN_EXE_balance");

#[test]
fn it_shows_both_ways_and_every_connection_and_request() {
    let mut command = Command::new(BALANCE);
    command.args(["--threads", "3", "--connections", "60", "--requests", "5"]);
    let shown = String::from_utf8(run_well(&mut command, b"")).unwrap();
    // By how much the busiest core is above its share is that of the numbers that are shown.
    let most: Vec<[f64; 3]> = shown
        .lines()
        .filter_map(|line| {
            let words: Vec<_> = line.strip_prefix("  most")?.split_whitespace().collect();
            let number = |index: usize| words[index].parse().ok();
            Some([number(0)?, number(1)?, number(words.len() - 1)?])
        })
        .collect();
    assert_eq!(most.len(), 2, "{shown}");
    let rows: Vec<[u64; 3]> = shown
        .lines()
        .filter_map(|line| {
            let numbers = line.split_whitespace().map(|word| word.parse().ok());
            numbers.collect::<Option<Vec<_>>>()?.try_into().ok()
        })
        .collect();
    assert_eq!(rows.len(), 6, "{shown}");
    let (system, handed) = rows.split_at(3);
    for (rows, most) in [(system, most[0]), (handed, most[1])] {
        let sum = |column: usize| rows.iter().map(|row| row[column]).sum::<u64>();
        assert_eq!(sum(1), 60, "{shown}");
        // The same clients come twice, and some ask more than the others.
        assert_eq!(
            sum(2),
            system.iter().map(|row| row[2]).sum::<u64>(),
            "{shown}"
        );
        assert!((300..3_000).contains(&sum(2)), "{shown}");
        for column in [1, 2] {
            let largest = rows.iter().map(|row| row[column]).max().unwrap();
            let multiple = 3.0 * largest as f64 / sum(column) as f64;
            assert!((multiple - most[column - 1]).abs() < 0.006, "{shown}");
        }
        assert!((1.0..=3.0).contains(&most[2]), "{shown}");
    }
}
