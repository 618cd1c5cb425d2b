//! `demo` checks every byte, and can fail.

mod common;

use std::process::{Command, Output};

use common::*;

const DEMO: &str = env!("CARGO_BIN_EXE_demo");

fn demo(args: &[&str]) -> Output {
    run(Command::new(DEMO).args(["--seconds", "1"]).args(args), b"")
}

/// The table of a run that must be without fault.
fn table(args: &[&str]) -> Table {
    let output = demo(args);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{error}");
    assert_eq!(error, "", "no progress bar where there is no terminal");
    Table(String::from_utf8(output.stdout).unwrap())
}

struct Table(String);

impl Table {
    /// What a row says of each part.
    fn cells(&self, row: &str) -> Vec<&str> {
        let cells = self.0.lines().find_map(|line| line.strip_prefix(row));
        let cells = cells.unwrap_or_else(|| panic!("no {row:?} in\n{}", self.0));
        let cells = cells.split("  ").map(str::trim);
        cells.filter(|cell| !cell.is_empty()).collect()
    }

    /// The numbers in a row; of memory in MiB.
    fn numbers(&self, row: &str) -> Vec<f64> {
        let number = |cell: &str| {
            let (digits, unit) = cell.split_once(' ').unwrap_or((cell, ""));
            let number: f64 = digits.replace(',', "").parse().expect(row);
            if unit == "KiB" {
                number / 1024.0
            } else {
                number
            }
        };
        self.cells(row).into_iter().map(number).collect()
    }
}

/// The error of a run in which the server flips a bit.
fn error(args: &[&str]) -> String {
    let output = demo(args);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty(), "no table of what is wrong");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn it_ends_by_itself_with_a_table() {
    let table = table(&["--clients", "20", "--seed", "5"]);
    assert_eq!(table.cells(""), ["direct", "through the proxy", "UDP"]);
    assert_eq!(table.cells("connections"), ["20"; 3]);
    for row in [
        "messages",
        "bytes",
        "MB/s",
        "round trips",
        "latency p50",
        "latency p99",
        "wakeups",
        "  of the server",
        "  of the clients",
        "most in flight",
        "memory peak",
    ] {
        let numbers = table.numbers(row);
        let all = numbers.len() == 3 && numbers.iter().all(|number| *number > 0.0);
        assert!(all, "{row}\n{}", table.0);
    }
    // The proxy has work when it is its turn.
    let [direct, proxied, udp] = table.numbers("  of the proxy")[..] else {
        panic!("not three parts\n{}", table.0);
    };
    assert!(direct == 0.0 && proxied > 0.0 && udp == 0.0, "{}", table.0);
    assert_eq!(table.numbers("spurious wakeups").len(), 3);
    let in_flight = table.numbers("most in flight");
    assert!(in_flight.iter().all(|mib| *mib <= 64.0), "{}", table.0);
    assert_eq!(table.cells("datagrams sent")[..2], ["-"; 2]);
    assert_eq!(table.cells("datagrams lost")[..2], ["-"; 2]);
    assert!(table.0.contains("7 raw, 7 lines, 6 frames"), "{}", table.0);
    assert!(table.0.contains("from seed 5"), "{}", table.0);
    let widths = table.0.lines().map(|line| line.chars().count());
    assert!(widths.max().unwrap() <= 100, "{}", table.0);
}

#[test]
fn only_the_clients_that_are_wanted_take_part() {
    let frames = table(&["--clients", "3", "--kinds", "frames"]);
    assert_eq!(frames.cells(""), ["direct", "through the proxy"]);
    assert!(
        frames.0.contains("clients: 3 frames of 1 B to 1 MiB."),
        "{}",
        frames.0
    );
    let udp = table(&["--clients", "3", "--kinds", "udp"]);
    assert_eq!(udp.cells(""), ["UDP"]);
}

#[test]
fn a_wrong_byte_is_found_and_named_whoever_receives_it() {
    for (kind, part, expected) in [
        ("raw", "direct", "(raw, direct): wrong byte at offset 10000"),
        ("lines", "direct", "(lines, direct): wrong byte at offset "),
        (
            "frames",
            "direct",
            "(frames, direct): wrong byte at offset ",
        ),
        ("udp", "udp", "(UDP): wrong byte at offset "),
    ] {
        let args = ["--clients", "1", "--kinds", kind, "--corrupt", part];
        let error = error(&args);
        let expected = format!("error: client 0 {expected}");
        assert!(error.starts_with(&expected), "{error}");
        let (_, bytes) = error.split_once(": sent 0x").expect("both bytes");
        assert!(bytes.contains(", received 0x"), "{error}");
        assert_eq!(error.lines().count(), 1);
    }
}

#[test]
fn a_wrong_byte_is_found_behind_the_proxy_too() {
    for kind in ["raw", "lines", "frames"] {
        let args = ["--clients", "1", "--kinds", kind, "--corrupt", "proxied"];
        let expected = format!("error: client 0 ({kind}, through the proxy): wrong byte");
        let error = error(&args);
        assert!(error.starts_with(&expected), "{error}");
    }
}

#[test]
fn one_wrong_byte_among_many_clients_ends_them_all() {
    let error = error(&["--clients", "40", "--kinds", "raw", "--corrupt"]);
    assert!(error.starts_with("error: client "), "{error}");
    assert!(error.contains("(raw, direct): wrong byte"), "{error}");
}

/// Errors quote what was sent.
#[test]
fn a_seed_sends_the_same_again_and_the_same_through_the_proxy() {
    let quote = |seed: &str, part: &str| {
        let args = ["--clients", "1", "--kinds", "frames", "--corrupt", part];
        let error = error(&[&args[..], &["--seed", seed]].concat());
        let (_, quote) = error.split_once("): ").expect("a client");
        quote.to_owned()
    };
    let first = quote("5", "direct");
    assert_eq!(quote("5", "direct"), first);
    assert_eq!(quote("5", "proxied"), first);
    assert_ne!(quote("6", "direct"), first);
}

#[test]
fn a_lost_datagram_is_counted_and_no_fault() {
    let table = table(&["--clients", "5", "--kinds", "udp", "--drop-datagrams", "3"]);
    let [sent, lost, back] =
        ["datagrams sent", "datagrams lost", "messages"].map(|row| table.numbers(row)[0]);
    // More than these, if the machine has been away for a second.
    assert!(lost >= 3.0, "{}", table.0);
    assert_eq!(sent, lost + back, "{}", table.0);
}

#[test]
fn no_datagram_at_all_is_a_fault() {
    let args = ["--clients", "2", "--kinds", "udp"];
    let error = error(&[&args[..], &["--drop-datagrams", "1000000"]].concat());
    assert_eq!(error, "error: UDP: nothing has come back\n");
}

#[test]
fn it_makes_do_with_few_descriptors() {
    if is_missing("prlimit") {
        return;
    }
    let mut command = Command::new("prlimit");
    command.args(["--nofile=64:64", DEMO, "--seconds", "1"]);
    let output = run(&mut command, b"");
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{error}");
    assert!(error.starts_with("8 clients instead of 1000"), "{error}");
    let table = Table(String::from_utf8(output.stdout).unwrap());
    assert_eq!(table.cells("connections"), ["8"; 3]);
}

#[test]
fn a_terminal_sees_how_far_it_is() {
    if is_missing("script") {
        return;
    }
    let demo = format!("'{DEMO}' --seconds 1 --clients 2");
    let mut command = Command::new("script");
    command.args(["-q", "-e", "-c", &demo, "/dev/null"]);
    let output = run_well(command.env("TERM", "xterm"), b"");
    let output = String::from_utf8(output).unwrap();
    for part in ["direct", "through the proxy", "UDP"] {
        assert!(output.contains(&format!("{part}: ")), "{output}");
    }
    let (progress, table) = output.rsplit_once("MB checked").expect("a bar");
    assert!(
        progress.contains('\r') && table.contains("connections"),
        "{output}"
    );
}
