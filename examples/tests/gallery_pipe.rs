//! `pipe`: through a command by two pipes.

mod common;

use std::process::Command;

use common::*;

fn pipe(lines: u64, command: &str) -> Command {
    let mut pipe = Command::new(env!("CARGO_BIN_EXE_pipe"));
    pipe.args(["--lines", &lines.to_string(), command]);
    pipe
}

#[test]
fn more_than_both_pipes_hold_goes_through_and_comes_out_whole() {
    let lines: String = (1..=300_000).map(|number| format!("{number}\n")).collect();
    let said = run_well(&mut pipe(300_000, "cat"), b"");
    assert!(said == lines.as_bytes());
}

#[test]
fn the_end_of_the_lines_is_the_end_of_the_pipe() {
    assert_eq!(
        run_well(&mut pipe(100, "sort -rn | head -2"), b""),
        b"100\n99\n"
    );
    assert_eq!(run_well(&mut pipe(0, "wc -c"), b"").trim_ascii(), b"0");
}

#[test]
fn a_command_need_not_read_all() {
    assert_eq!(run_well(&mut pipe(300_000, "head -1"), b""), b"1\n");
    assert_eq!(
        run_well(&mut pipe(300_000, "exec <&-; echo hi"), b""),
        b"hi\n"
    );
}

#[test]
fn a_command_that_fails_is_an_error_line_and_exit_code_1() {
    let output = run(&mut pipe(10, "cat; exit 3"), b"");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(output.stdout, b"1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n");
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(error, "error: cat; exit 3: exit status: 3\n");
}

#[test]
fn the_ends_of_the_command_are_not_set_to_non_blocking_mode() {
    // Of what is open as 0 and 1: proc(5).
    let said = run_well(
        &mut pipe(0, "cat /proc/self/fdinfo/0 /proc/self/fdinfo/1"),
        b"",
    );
    let said = String::from_utf8(said).unwrap();
    let flags: Vec<_> = said
        .lines()
        .filter_map(|line| line.strip_prefix("flags:"))
        .map(|flags| u32::from_str_radix(flags.trim(), 8).unwrap())
        .collect();
    assert_eq!(flags.len(), 2, "{said}");
    let nonblocking = rustix::fs::OFlags::NONBLOCK.bits();
    assert!(flags.iter().all(|flags| flags & nonblocking == 0), "{said}");
}
