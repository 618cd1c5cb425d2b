//! `poll-loop` and `foreign`: a core in somebody else's loop, and sockets under somebody else's executor.

mod common;

use std::{
    io::{Read, Write},
    net::TcpStream,
    process::{ChildStdin, Command, Stdio},
};

use common::{LIMIT, Program, run_well};

fn status(program: &Program, stdin: &mut ChildStdin) -> String {
    // In two pieces: a line is a line however it comes.
    stdin.write_all(b"sta").unwrap();
    stdin.write_all(b"tus\n").unwrap();
    program.line()
}

#[test]
fn a_core_in_a_poll_loop_serves_while_the_loop_obeys_commands() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_poll-loop"));
    command.args(["--listen", "127.0.0.1:0"]);
    let mut program = Program::start(command.stdin(Stdio::piped()));
    let mut stdin = program.stdin();
    let line = program.line();
    let addr = line.strip_prefix("listening on ").unwrap();
    assert_eq!(status(&program, &mut stdin), "0 connections, 0 open");
    let mut clients: Vec<_> = (0..3_u8)
        .map(|n| {
            let mut client = TcpStream::connect(addr).unwrap();
            client.set_read_timeout(Some(LIMIT)).unwrap();
            for round in 0..50 {
                let mut answer = [0; 2];
                client.write_all(&[n, round]).unwrap();
                client.read_exact(&mut answer).unwrap();
                assert_eq!(answer, [n, round]);
            }
            client
        })
        .collect();
    assert_eq!(status(&program, &mut stdin), "3 connections, 3 open");
    drop(clients.pop());
    // The loop hears of it in its own time.
    while status(&program, &mut stdin) != "3 connections, 2 open" {}
    stdin.write_all(b"what\n").unwrap();
    assert_eq!(program.line(), "no such command: what");
    stdin.write_all(b"quit\n").unwrap();
    assert!(program.wait().success());
}

#[test]
fn sockets_work_under_the_executors_of_others() {
    for executor in ["tokio", "smol"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_foreign"));
        command.args([executor, "--clients", "20", "--messages", "50"]);
        let said = String::from_utf8(run_well(&mut command, b"")).unwrap();
        assert!(
            said.contains("20 clients have got all of 50 messages each; "),
            "{said}"
        );
    }
}
