//! `pty`: a command in a terminal.

mod common;

use std::process::Command;

use common::*;

/// What the terminal has shown, with the line about the end.
fn shown(args: &[&str], command: &str) -> String {
    let mut pty = Command::new(env!("CARGO_BIN_EXE_pty"));
    let shown = run_well(pty.args(args).arg(command), b"");
    String::from_utf8(shown).unwrap()
}

#[test]
fn a_command_sees_a_terminal_of_the_size_that_was_asked_for() {
    let shown = shown(
        &["--rows=30", "--columns=100"],
        "tty; stty size; echo hi; exit 7",
    );
    let (tty, rest) = shown.split_once("\r\n").unwrap();
    assert!(tty.starts_with("/dev/pts/"), "{shown:?}");
    assert_eq!(rest, "30 100\r\nhi\r\nexit status: 7\n");
}

#[test]
fn it_is_the_terminal_of_a_session_of_its_own() {
    let shown = shown(
        &[],
        "echo through /dev/tty > /dev/tty; cut -d ' ' -f 6 /proc/$$/stat; echo $$",
    );
    let lines: Vec<_> = shown.lines().map(str::trim).collect();
    let ["through /dev/tty", session, process, "exit status: 0"] = lines[..] else {
        panic!("{shown:?}");
    };
    assert_eq!(session, process);
}

#[test]
fn what_is_typed_is_shown_and_read_and_then_comes_the_end() {
    let greeting = "read name; echo \"hello, $name\"";
    assert_eq!(
        shown(&["--type", "Ada"], greeting),
        "Ada\r\nhello, Ada\r\nexit status: 0\n"
    );
    // The end alone.
    assert_eq!(shown(&[], "cat; echo done"), "done\r\nexit status: 0\n");
}

#[test]
fn more_than_a_terminal_holds_is_shown_to_the_last_line() {
    let lines: String = (1..=100_000)
        .map(|number| format!("{number}\r\n"))
        .collect();
    assert!(shown(&[], "seq 100000") == lines + "exit status: 0\n");
}

#[test]
fn more_than_a_terminal_holds_can_be_typed() {
    let line = "x".repeat(100);
    let typed = ["--type", &line].repeat(500);
    let shown = shown(&typed, "wc -lc");
    let count = shown.lines().rev().nth(1).unwrap();
    let count: Vec<_> = count.split_whitespace().collect();
    assert_eq!(count, ["500", "50500"]);
}

#[test]
fn a_command_need_not_read_what_is_typed() {
    let line = "x".repeat(100);
    let typed = ["--type", &line].repeat(500);
    assert!(shown(&typed, "exit 1").ends_with("exit status: 1\n"));
}

#[test]
fn a_signal_that_ends_the_command_is_told() {
    assert_eq!(shown(&[], "kill -9 $$"), "signal: 9 (SIGKILL)\n");
}
