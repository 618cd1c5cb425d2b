//! `ping`, of this host.

mod common;

use std::{
    env,
    process::{Command, Output},
};

use common::*;
use rustix::process::geteuid;

const PING: &str = env!("CARGO_BIN_EXE_ping");

/// Fails unless each of three questions was answered; returns the first line.
fn expect_answers(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stdout);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{error}");
    let lines: Vec<_> = said.lines().collect();
    let [first, answers @ .., "3 answers to 3"] = &lines[..] else {
        panic!("{said}");
    };
    for (number, answer) in (1..=3).zip(answers) {
        assert!(answer.starts_with(&format!("{number}: ")), "{said}");
        assert!(answer.ends_with('s'), "{said}");
    }
    assert_eq!(answers.len(), 3, "{said}");
    first.to_string()
}

#[test]
fn this_host_answers_each_question() {
    let output = run(&mut Command::new(PING), b"");
    if is_not_permitted(&output) {
        assert!(env::var_os("CI").is_none(), "ping is not permitted on CI");
        eprintln!("skipped: {}", String::from_utf8_lossy(&output.stderr));
        return;
    }
    let first = expect_answers(&output);
    let socket = first.strip_prefix("127.0.0.1 through ").unwrap();
    assert!(["Raw", "Datagram"].contains(&socket), "{first}");
}

/// A raw socket gets the questions and answers of all of them.
#[test]
fn many_at_once_do_not_take_each_others_answers() {
    let pings: Vec<_> = (0..8)
        .map(|_| std::thread::spawn(|| run(&mut Command::new(PING), b"")))
        .collect();
    for ping in pings {
        let output = ping.join().unwrap();
        if is_not_permitted(&output) {
            eprintln!("skipped: {}", String::from_utf8_lossy(&output.stderr));
            return;
        }
        expect_answers(&output);
    }
}

#[test]
fn without_the_right_to_a_raw_socket_it_takes_the_other_kind() {
    if let Some(output) = in_own_network("0 2147483647") {
        assert_eq!(expect_answers(&output), "127.0.0.1 through Datagram");
    }
}

#[test]
fn without_any_right_it_says_which_there_are() {
    if let Some(output) = in_own_network("1 0") {
        assert!(is_not_permitted(&output), "{output:?}");
        assert_eq!(output.status.code(), Some(1));
    }
}

fn is_not_permitted(output: &Output) -> bool {
    let error = String::from_utf8_lossy(&output.stderr);
    error.starts_with("error: neither CAP_NET_RAW nor a group in net.ipv4.ping_group_range: ")
}

/// Runs it in a network of its own where these groups are permitted the datagram socket, and without
/// `CAP_NET_RAW`.
fn in_own_network(groups: &str) -> Option<Output> {
    if !geteuid().is_root() {
        eprintln!("skipped: only root can make a network");
        return None;
    }
    if ["unshare", "setpriv", "ip"].map(is_missing).contains(&true) {
        return None;
    }
    if !run(Command::new("unshare").args(["--net", "true"]), b"")
        .status
        .success()
    {
        eprintln!("skipped: a network cannot be made here");
        return None;
    }
    let script = "ip link set lo up && echo $1 > /proc/sys/net/ipv4/ping_group_range &&
        exec setpriv --bounding-set=-net_raw \"$0\"";
    let mut command = Command::new("unshare");
    command.args(["--net", "sh", "-c", script, PING, groups]);
    Some(run(&mut command, b""))
}
