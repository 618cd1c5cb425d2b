//! `connect` is standard input and output of a socket.

mod common;

use std::{
    io::{Read, Write},
    net::TcpListener,
    process::{Command, Stdio},
    thread,
};

use common::*;
use examples::Random;

fn connect_to(addr: impl ToString) -> Command {
    let mut command = Command::new(CONNECT);
    command.arg(addr.to_string());
    command
}

#[test]
fn what_goes_to_echo_comes_back_until_both_have_ended() {
    let server = Server::start(ECHO, &[]);
    let mut data = vec![0; 3_000_001];
    Random::new(1).fill(&mut data);
    assert!(run_well(&mut connect_to(server.addr()), &data) == data);
    assert_eq!(run_well(&mut connect_to(server.addr()), b""), b"");
    server.stop();
}

#[test]
fn a_name_is_resolved() {
    let server = Server::start(ECHO, &[]);
    let addr = format!("localhost:{}", server.addr().port());
    assert_eq!(run_well(&mut connect_to(addr), b"hello"), b"hello");
    server.stop();
}

#[test]
fn the_end_of_input_is_a_half_close() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let peer = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut question = Vec::new();
        stream.read_to_end(&mut question).unwrap();
        stream.write_all(b"an answer to ").unwrap();
        stream.write_all(&question).unwrap();
    });
    let answer = run_well(&mut connect_to(addr), b"a question");
    assert_eq!(answer, b"an answer to a question");
    peer.join().unwrap();
}

#[test]
fn the_end_of_the_peer_is_the_end_although_input_goes_on() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let peer = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"bye").unwrap();
    });
    let mut child = connect_to(addr)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // Held open, and nothing comes of it.
    let stdin = child.stdin.take();
    let mut said = Vec::new();
    child.stdout.take().unwrap().read_to_end(&mut said).unwrap();
    assert_eq!(said, b"bye");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    drop(stdin);
    peer.join().unwrap();
}

#[test]
fn a_refused_connection_is_an_error_line_and_exit_code_1() {
    let addr = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let output = run(&mut connect_to(addr), b"");
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    let begin = format!("error: could not connect to \"{addr}\": {addr}: ");
    assert!(error.starts_with(&begin), "{error}");
    assert!(error.contains("refused"), "{error}");
}

#[test]
fn an_address_that_is_none_is_an_error_line_and_exit_code_1() {
    let output = run(&mut connect_to("no port"), b"");
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    let begin = "error: could not look up \"no port\": ";
    assert!(error.starts_with(begin), "{error}");
}
