//! A lone echo costs three system calls: wait, receive, send.
#![cfg(target_os = "linux")]

mod common;

use std::{collections::BTreeMap, env, process};

use common::*;

#[test]
fn a_lone_echo_is_three_system_calls() {
    if is_missing("strace") {
        return;
    }
    let (Some(fewer), Some(more)) = (system_calls(1_000), system_calls(2_000)) else {
        assert!(env::var_os("CI").is_none(), "strace cannot trace on CI");
        eprintln!("skipped: strace cannot trace here");
        return;
    };
    // The difference: what it takes to start, to accept and to end is in both.
    let per_round = |name: &str| {
        let count = |calls: &BTreeMap<_, _>| calls.get(name).copied().unwrap_or(0) as f64;
        (count(&more) - count(&fewer)) / 1_000.0
    };
    let mut table: Vec<_> = more.keys().map(|name| (per_round(name), name)).collect();
    table.retain(|(calls, _)| calls.abs() > 0.000_5);
    let sum: f64 = table.iter().map(|(calls, _)| calls).sum();
    println!("system calls a round trip: {sum:.3}, of which {table:?}");
    assert!((sum - 3.0).abs() <= 0.03, "{sum:.3}: {table:?}");
    for name in ["epoll_wait", "recvfrom", "sendto"] {
        assert!((per_round(name) - 1.0).abs() <= 0.01, "{table:?}");
    }
}

/// Traces a server that echoes so many messages, one at a time; how often it made which system call.
/// `None` if tracing is forbidden.
fn system_calls(rounds: usize) -> Option<BTreeMap<String, u64>> {
    let file = env::temp_dir().join(format!("echo-{}-{rounds}.strace", process::id()));
    traced(ECHO, &file, |server| {
        let client = server.connect();
        for _ in 0..rounds {
            round_trip(&client, b"hello");
        }
        expect_end(&client);
    })
}
