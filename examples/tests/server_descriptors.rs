//! A server that is out of descriptors serves those whom it has, does not spin, and recovers.
#![cfg(target_os = "linux")]

mod common;

use std::{fs, net::TcpStream, process::Command, thread, time::Duration};

use common::*;

#[test]
fn out_of_descriptors_it_serves_whom_it_has_without_spinning_and_then_recovers() {
    if is_missing("prlimit") {
        return;
    }
    let mut command = Command::new("prlimit");
    // prlimit becomes the server, so the process is the same.
    let server = Server::start_command(command.args(["--nofile=64:64", ECHO]));
    let mut connections: Vec<_> = (0..100).map(|_| server.connect()).collect();
    server.wait_for_log("accepting pauses");

    // Accepting goes in turn. Beyond the first 50 some are served, and how many does not matter.
    let (served, _) = connections.split_at(50);
    serve_all(served, b"while starved");

    let before = cpu_ticks(server.pid());
    // Not a wait for something: this is the time in which the CPU is measured.
    thread::sleep(Duration::from_secs(1));
    serve_all(served, b"still");
    let used = cpu_ticks(server.pid()) - before;
    assert!(used < 30, "{used} of 100 ticks: the starved server spins");

    // Those that wait in the queue get their turn, and so does a new one.
    drop(connections.drain(..80));
    serve_all(&connections, b"at last");
    serve_all(&[server.connect()], b"new");
    server.stop();
}

fn serve_all(connections: &[TcpStream], message: &[u8]) {
    for connection in connections {
        round_trip(connection, message);
    }
}

/// CPU time of the process, user and system, in hundredths of a second.
fn cpu_ticks(pid: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    // proc(5): the name, in parentheses, may contain anything; utime and stime are fields 14 and 15.
    let after_name = stat.rsplit_once(')').unwrap().1;
    let fields: Vec<_> = after_name.split_whitespace().collect();
    [fields[11], fields[12]]
        .iter()
        .map(|ticks| ticks.parse::<u64>().unwrap())
        .sum()
}
