//! `demo` checks every byte, and can fail.

mod common;

use std::process::{Command, Output};

use common::*;

fn demo(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_demo"));
    run(command.args(["--seconds", "1"]).args(args), b"")
}

#[test]
fn it_ends_by_itself_with_a_table() {
    let output = demo(&["--clients", "21", "--seed", "5"]);
    let (table, error) = (
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    );
    assert_eq!(output.status.code(), Some(0), "{error}");
    assert_eq!(error, "", "no progress bar where there is no terminal");
    for row in [
        "connections",
        "messages",
        "bytes",
        "throughput",
        "latency p50",
        "latency p99",
        "wakeups",
        "spurious wakeups",
        "memory peak",
    ] {
        assert!(table.lines().any(|line| line.starts_with(row)), "{table}");
    }
    assert!(table.contains("11 raw, 10 in lines"), "{table}");
    assert!(table.contains("from seed 5"), "{table}");
}

#[test]
fn a_wrong_byte_is_found_and_named() {
    let output = demo(&["--clients", "4", "--corrupt"]);
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(
        error.starts_with("error: client ")
            && error.contains("wrong byte at offset 10000: sent 0x"),
        "{error}"
    );
    assert!(output.stdout.is_empty(), "no table of what is wrong");
}

#[test]
fn it_makes_do_with_few_descriptors() {
    if is_missing("prlimit") {
        return;
    }
    let mut command = Command::new("prlimit");
    command
        .args(["--nofile=64:64", env!("CARGO_BIN_EXE_demo")])
        .args(["--seconds", "1"]);
    let output = run(&mut command, b"");
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{error}");
    assert!(error.starts_with("16 clients instead of 500"), "{error}");
}
