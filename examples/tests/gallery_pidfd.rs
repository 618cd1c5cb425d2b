//! `pidfd`: how child processes end.

mod common;

use std::{
    path::Path,
    process::{Command, Stdio},
};

use common::*;
use rustix::process::{Pid, Signal, kill_process};

fn start(args: &[&str]) -> Program {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pidfd"));
    Program::start(command.args(args).stdin(Stdio::null()))
}

/// The number of the process that has just been started.
fn started(program: &Program, command: &str) -> Pid {
    let line = program.line();
    let pid = line.strip_suffix(&format!(" started: {command}"));
    let pid = pid.unwrap_or_else(|| panic!("{line:?}")).parse().unwrap();
    Pid::from_raw(pid).unwrap()
}

#[test]
fn exit_codes_are_told_of_each_process() {
    let commands = ["exit 3", "true", "exit 255"];
    let mut program = start(&commands);
    let mut ends = commands.map(|command| {
        let code = command.strip_prefix("exit ").unwrap_or("0");
        let pid = started(&program, command);
        format!("{pid} exited with code {code}")
    });
    // In whatever order.
    let mut said = commands.map(|_| program.line());
    said.sort();
    ends.sort();
    assert_eq!(said, ends);
    assert_eq!(program.wait().code(), Some(0));
}

#[test]
fn a_killed_process_is_told_of_at_once_and_waited_for() {
    let mut program = start(&["exec sleep 61", "exec sleep 62"]);
    let first = started(&program, "exec sleep 61");
    let second = started(&program, "exec sleep 62");
    // To be stopped is no end.
    kill_process(second, Signal::STOP).unwrap();
    kill_process(second, Signal::CONT).unwrap();
    kill_process(second, Signal::KILL).unwrap();
    program.expect(&[&format!("{second} was killed by signal 9")]);
    assert!(!is_there(second), "it is a zombie");
    assert!(is_there(first));
    kill_process(first, Signal::TERM).unwrap();
    program.expect(&[&format!("{first} was killed by signal 15")]);
    assert_eq!(program.wait().code(), Some(0));
}

#[test]
fn what_runs_longer_than_its_limit_is_killed() {
    let mut program = start(&["--limit", "100", "exec sleep 60"]);
    let pid = started(&program, "exec sleep 60");
    program.expect(&[
        &format!("{pid} has had its time"),
        &format!("{pid} was killed by signal 9"),
    ]);
    assert_eq!(program.wait().code(), Some(0));
}

fn is_there(pid: Pid) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}
