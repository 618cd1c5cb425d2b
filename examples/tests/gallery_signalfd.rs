//! `signalfd`: signals that are read.

mod common;

use std::process::{self, Command, Stdio};

use common::*;
use rustix::process::{Signal, getuid};

const SIGNALFD: &str = env!("CARGO_BIN_EXE_signalfd");

fn start(args: &[&str]) -> Program {
    Program::start(Command::new(SIGNALFD).args(args).stdin(Stdio::null()))
}

/// Of this process, or of another one of the same user.
fn line(signal: &str, sender: u32) -> String {
    let user = getuid().as_raw();
    format!("{signal} from process {sender}, user {user}")
}

#[test]
fn signals_to_itself_are_read_and_two_that_are_pending_are_one() {
    let mut program = start(&[]);
    let own = program.pid().as_raw_nonzero().get() as u32;
    program.expect(&[
        "sent: SIGUSR1, SIGUSR1, SIGTERM",
        &line("SIGUSR1", own),
        &line("SIGTERM", own),
    ]);
    assert_eq!(program.wait().code(), Some(0));
}

#[test]
fn each_signal_is_read_and_says_who_has_sent_it() {
    let mut program = start(&["--wait"]);
    let pid = program.pid();
    program.expect(&[&format!("kill -USR1 {pid}; kill -TERM {pid}")]);
    for _ in 0..100 {
        program.signal(Signal::USR1);
        program.expect(&[&line("SIGUSR1", process::id())]);
    }
    // The `kill` of a shell is the shell.
    let mut shell = Command::new("sh")
        .args(["-c", &format!("kill -HUP {pid}")])
        .spawn()
        .unwrap();
    program.expect(&[&line("SIGHUP", shell.id())]);
    assert!(shell.wait().unwrap().success());

    program.signal(Signal::INT);
    program.expect(&[&line("SIGINT", process::id())]);
    assert_eq!(program.wait().code(), Some(0));
}
