//! How a server begins and ends: its arguments, its threads and signals.

mod common;

use std::{
    io::{Read, Write},
    net::Shutdown,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use common::*;
use rustix::process::Signal;

#[test]
fn help_names_the_arguments() {
    for program in [ECHO, CHAT] {
        let help = run_well(Command::new(program).arg("--help"), b"");
        let help = String::from_utf8(help).unwrap();
        assert!(help.contains("--listen <ADDR>"), "{help}");
        assert!(help.contains("--threads <N>"), "{help}");
    }
}

#[test]
fn an_address_in_use_is_an_error_line_and_exit_code_1() {
    let server = Server::start(ECHO, &[]);
    let addr = server.addr().to_string();
    let output = run(Command::new(ECHO).args(["--listen", &addr]), b"");
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.starts_with("error: "), "{error}");
    assert!(error.contains(&addr) && error.contains("in use"), "{error}");
    assert!(output.stdout.is_empty());
}

#[test]
fn two_threads_both_accept() {
    let mut command = Command::new(ECHO);
    command.args(["--threads", "2"]).env("RUST_LOG", "debug");
    let server = Server::start_command(&mut command);
    // The system chooses the thread by a hash of the ports: 64 times the same will not be seen.
    let connections: Vec<_> = (0..64).map(|_| server.connect()).collect();
    for connection in &connections {
        round_trip(connection, b"hello");
    }
    let log: Vec<_> = std::iter::repeat_with(|| server.wait_for_log("accepted"))
        .take(connections.len())
        .collect();
    for thread in ["core-0", "core-1"] {
        assert!(log.iter().any(|line| line.contains(thread)), "{log:?}");
    }
    server.stop();
}

#[test]
fn a_signal_ends_idle_connections_and_the_server_with_exit_code_0() {
    for (signal, threads) in [(Signal::TERM, "1"), (Signal::INT, "1"), (Signal::TERM, "2")] {
        let mut server = Server::start(ECHO, &["--threads", threads]);
        let mut idle = [server.connect(), server.connect()];
        idle.iter().for_each(|idle| round_trip(idle, b"hello"));
        let start = Instant::now();
        server.signal(signal);
        for idle in &mut idle {
            assert_eq!(idle.read(&mut [0; 1]).unwrap(), 0);
        }
        assert_eq!(server.wait().code(), Some(0));
        assert!(start.elapsed() < GRACE, "idle connections were waited for");
    }
}

#[test]
fn after_a_signal_a_busy_connection_gets_everything_back() {
    let mut server = Server::start(ECHO, &[]);
    let (mut busy, mut idle) = (server.connect(), server.connect());
    let mut sent = fill(&busy);
    server.signal(Signal::TERM);
    // When the idle connection has ended, the other has been looked at as well, and stood still.
    assert_eq!(idle.read(&mut [0; 1]).unwrap(), 0);
    server.wait_until_refusing();

    // It goes on, in both directions.
    let mut writer = busy.try_clone().unwrap();
    let more = vec![7; 1_000_000];
    sent.extend_from_slice(&more);
    writer.set_write_timeout(Some(LIMIT)).unwrap();
    let writer = thread::spawn(move || {
        writer.write_all(&more).unwrap();
        writer.shutdown(Shutdown::Write).unwrap();
    });
    let mut echo = Vec::new();
    busy.read_to_end(&mut echo).unwrap();
    writer.join().unwrap();
    assert!(echo == sent);
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn after_a_signal_messages_that_go_back_and_forth_do_so_until_they_end() {
    let mut server = Server::start(ECHO, &[]);
    let busy = server.connect();
    round_trip(&busy, b"hello");
    server.signal(Signal::TERM);
    // Long enough for a server that does not see them to have ended the connection.
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(1) {
        round_trip(&busy, b"hello");
    }
    expect_end(&busy);
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn a_connection_that_stays_busy_is_dropped_after_five_seconds() {
    let mut server = Server::start(ECHO, &[]);
    let stuck = server.connect();
    fill(&stuck);
    let start = Instant::now();
    server.signal(Signal::TERM);
    server.wait_for_log("dropped");
    assert_eq!(server.wait().code(), Some(0));
    assert!(start.elapsed() >= GRACE);
}

#[test]
fn a_second_signal_ends_the_server_at_once() {
    let mut server = Server::start(ECHO, &[]);
    let stuck = server.connect();
    fill(&stuck);
    let start = Instant::now();
    server.signal(Signal::TERM);
    // By then the first signal has been taken notice of.
    server.wait_until_refusing();
    server.signal(Signal::INT);
    assert_eq!(server.wait().code(), Some(1));
    assert!(start.elapsed() < GRACE);
}

/// How long a busy connection may go on.
const GRACE: Duration = Duration::from_secs(5);
