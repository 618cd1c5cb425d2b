//! The proxy, between std's own sockets and the echo server or none at all.

mod common;

use std::{
    io::{ErrorKind, Read, Write},
    net::{Shutdown, TcpListener},
    process::Command,
    thread,
};

use common::{ECHO, Server, round_trip, run};
use examples::Random;
use rustix::process::Signal;

const PROXY: &str = env!("CARGO_BIN_EXE_proxy");

#[test]
fn what_goes_through_comes_back_and_then_the_end() {
    let echo = Server::start(ECHO, &[]);
    let proxy = Server::start(PROXY, &["--to", &echo.addr().to_string()]);
    let clients: Vec<_> = (0..50)
        .map(|seed| {
            let mut stream = proxy.connect();
            thread::spawn(move || {
                let mut sent = vec![0; 1 << (seed % 20)];
                Random::new(seed).fill(&mut sent);
                let mut writer = stream.try_clone().unwrap();
                let bytes = sent.clone();
                let writer = thread::spawn(move || {
                    writer.write_all(&bytes).unwrap();
                    writer.shutdown(Shutdown::Write).unwrap();
                });
                let mut received = Vec::new();
                stream.read_to_end(&mut received).unwrap();
                writer.join().unwrap();
                assert!(received == sent, "client {seed}");
            })
        })
        .collect();
    for client in clients {
        client.join().unwrap();
    }
}

#[test]
fn the_end_of_one_direction_leaves_the_other_open() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = listener.local_addr().unwrap().to_string();
    let proxy = Server::start(PROXY, &["--to", &to]);
    let mut client = proxy.connect();
    let (mut server, _) = listener.accept().unwrap();
    // The server says all it has to say, and hears the client all the same.
    server.write_all(b"goodbye").unwrap();
    server.shutdown(Shutdown::Write).unwrap();
    let mut heard = String::new();
    client.read_to_string(&mut heard).unwrap();
    assert_eq!(heard, "goodbye");
    client.write_all(b"still here").unwrap();
    let mut heard = [0; 10];
    server.read_exact(&mut heard).unwrap();
    assert_eq!(&heard, b"still here");
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(server.read(&mut heard).unwrap(), 0);
}

#[test]
fn the_server_may_be_a_name_and_what_is_neither_is_said_at_once() {
    let echo = Server::start(ECHO, &[]);
    let to = format!("localhost:{}", echo.addr().port());
    let proxy = Server::start(PROXY, &["--to", &to]);
    round_trip(&proxy.connect(), b"by name");
    proxy.stop();
    let (host_and_port, brackets) = ("it is written host:port", "stands in brackets: [::1]:80");
    for (wrong, why) in [
        ("localhost", host_and_port),
        ("localhost:", host_and_port),
        (":80", host_and_port),
        ("localhost:65536", host_and_port),
        ("h:+80", host_and_port),
        ("a b:80", host_and_port),
        ("::1:80", brackets),
        ("[::1:80", brackets),
    ] {
        let output = run(
            Command::new(PROXY).args(["--listen", "127.0.0.1:0", "--to", wrong]),
            b"",
        );
        assert_eq!(output.status.code(), Some(2), "{wrong}");
        let log = String::from_utf8_lossy(&output.stderr);
        assert!(log.contains("HOST:PORT") && log.contains(why), "{log}");
    }
}

#[test]
fn a_connection_that_nothing_goes_through_is_ended() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = listener.local_addr().unwrap().to_string();
    let proxy = Server::start(PROXY, &["--idle-limit", "1", "--to", &to]);
    let mut client = proxy.connect();
    let (mut server, _) = listener.accept().unwrap();
    assert_eq!(client.read(&mut [0]).unwrap(), 0);
    assert_eq!(server.read(&mut [0]).unwrap(), 0);
    proxy.stop();
}

#[test]
fn a_server_that_is_not_there_ends_the_client_and_nobody_else() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = nobody.local_addr().unwrap().to_string();
    drop(nobody);
    let proxy = Server::start(PROXY, &["--to", &to]);
    for _ in 0..3 {
        let mut client = proxy.connect();
        // The end or a reset, but no wait until the limit.
        match client.read(&mut [0]) {
            Ok(n) => assert_eq!(n, 0),
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
        }
    }
    proxy.wait_for_log("no connection to the server");
    proxy.signal(Signal::TERM);
}
