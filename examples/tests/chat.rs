//! `chat` brings each line to all others, and nobody delays anybody.

mod common;

use std::{
    io::{BufRead, BufReader, ErrorKind, Read, Write},
    net::{Shutdown, TcpStream},
    process::{Command, Stdio},
};

use common::*;

/// A client that the server knows.
struct Client {
    lines: BufReader<TcpStream>,
}

impl Client {
    /// A line that is not UTF-8 goes to nobody and is answered: then the server knows the client.
    fn enter(server: &Server) -> Self {
        let lines = BufReader::new(server.connect());
        let mut client = Self { lines };
        client.say(b"\xff\n");
        assert_eq!(client.hear(), "error: a line is not UTF-8\n");
        client
    }

    fn say(&mut self, bytes: &[u8]) {
        self.lines.get_mut().write_all(bytes).unwrap();
    }

    /// The next line, with its ending; empty at the end.
    fn hear(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        line
    }
}

#[test]
fn a_line_goes_to_all_others_and_not_to_its_sender() {
    let server = Server::start(CHAT, &[]);
    let mut clients = [(); 3].map(|()| Client::enter(&server));
    clients[0].say(b"one\r\ntw");
    clients[0].say("o, größer\n\n".as_bytes());
    for client in &mut clients[1..] {
        assert_eq!(client.hear(), "one\n");
        assert_eq!(client.hear(), "two, größer\n");
        assert_eq!(client.hear(), "\n");
    }
    clients[1].say(b"answer\n");
    // The first that the sender hears: nothing of its own came before.
    assert_eq!(clients[0].hear(), "answer\n");
    server.stop();
}

#[test]
fn a_line_that_is_too_long_is_told_to_its_sender_who_goes_on() {
    let server = Server::start(CHAT, &["--max-line", "10"]);
    let (mut sender, mut other) = (Client::enter(&server), Client::enter(&server));
    sender.say(b"0123456789\n0123456789A\n");
    assert_eq!(sender.hear(), "error: a line is longer than the maximum\n");
    sender.say(&vec![b'x'; 1_000_000]);
    assert_eq!(sender.hear(), "error: a line is longer than the maximum\n");
    sender.say(b"\nshort\n");
    assert_eq!(other.hear(), "0123456789\n");
    assert_eq!(other.hear(), "short\n");
    server.stop();
}

#[test]
fn invalid_utf8_is_told_to_its_sender_who_goes_on() {
    let server = Server::start(CHAT, &[]);
    let (mut sender, mut other) = (Client::enter(&server), Client::enter(&server));
    sender.say(b"valid\n\xc3\x28\nvalid again\n");
    assert_eq!(sender.hear(), "error: a line is not UTF-8\n");
    assert_eq!(other.hear(), "valid\n");
    assert_eq!(other.hear(), "valid again\n");
    server.stop();
}

#[test]
fn the_end_inside_of_a_line_ends_the_line_and_the_client() {
    let server = Server::start(CHAT, &[]);
    let (mut leaving, mut other) = (Client::enter(&server), Client::enter(&server));
    leaving.say(b"without an ending");
    expect_end(leaving.lines.get_ref());
    assert_eq!(other.hear(), "without an ending\n");

    let mut third = Client::enter(&server);
    third.say(b"still there?\n");
    assert_eq!(other.hear(), "still there?\n");
    server.stop();
}

#[test]
fn a_client_that_vanishes_is_forgotten() {
    let server = Server::start(CHAT, &[]);
    let (mut one, mut other) = (Client::enter(&server), Client::enter(&server));
    for _ in 0..100 {
        drop(Client::enter(&server));
        one.say(b"line\n");
        assert_eq!(other.hear(), "line\n");
    }
    server.stop();
}

#[test]
fn a_slow_reader_is_dropped_and_the_others_go_on() {
    for threads in ["1", "2"] {
        let server = Server::start(CHAT, &["--threads", threads, "--max-queue", "65536"]);
        let mut slow = Client::enter(&server);
        let (mut talker, mut listener) = (Client::enter(&server), Client::enter(&server));
        let line = format!("{}\n", "x".repeat(999));
        let batch = line.repeat(100);
        let mut batches = 0;
        loop {
            // Step by step, so that the listener is never slow.
            talker.say(batch.as_bytes());
            for _ in 0..100 {
                assert_eq!(listener.hear(), line);
            }
            batches += 1;
            match server.try_log() {
                Some(log) if log.contains("reads too slowly") => {
                    let addr = slow.lines.get_ref().local_addr().unwrap();
                    assert!(log.contains(&addr.to_string()), "{log}");
                    break;
                }
                _ => assert!(batches < 1_000, "100 MB are queued for a client"),
            }
        }
        // What the sockets had taken before is still there; then it ends.
        let mut heard = Vec::new();
        match slow.lines.read_to_end(&mut heard) {
            Ok(_) => {}
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
        }
        assert!(heard.len() < batches * batch.len());

        talker.say(b"after all\n");
        assert_eq!(listener.hear(), "after all\n");
        server.stop();
    }
}

#[test]
fn a_flood_of_many_talkers_drops_nobody_who_reads() {
    const TALKERS: usize = 8;
    // Few enough for the sockets to take, should a listener get no turn for long.
    const LINES: usize = 2_000;
    let server = Server::start(CHAT, &["--threads", "2", "--max-queue", "65536"]);
    let clients: Vec<_> = (0..TALKERS).map(|_| Client::enter(&server)).collect();
    let flood = format!("{}\n", "x".repeat(99)).repeat(LINES);
    std::thread::scope(|scope| {
        for mut client in clients {
            let mut writer = client.lines.get_ref().try_clone().unwrap();
            let flood = &flood;
            scope.spawn(move || writer.write_all(flood.as_bytes()).unwrap());
            scope.spawn(move || {
                for _ in 0..LINES * (TALKERS - 1) {
                    assert_eq!(client.hear().len(), 100);
                }
            });
        }
    });
    server.stop();
}

#[test]
fn at_the_end_of_the_server_every_client_sees_the_end() {
    let mut server = Server::start(CHAT, &[]);
    let (mut one, mut other) = (Client::enter(&server), Client::enter(&server));
    one.say(b"last words\n");
    assert_eq!(other.hear(), "last words\n");
    server.signal(rustix::process::Signal::TERM);
    assert_eq!(one.hear(), "");
    assert_eq!(other.hear(), "");
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn curl_takes_part_by_telnet() {
    if is_missing("curl") {
        return;
    }
    let server = Server::start(CHAT, &[]);
    let mut other = Client::enter(&server);
    let mut curl = Command::new("curl")
        .args(["--silent", "--max-time", "50", "--no-buffer"])
        .arg(format!("telnet://{}", server.addr()))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = curl.stdin.take().unwrap();
    let mut stdout = BufReader::new(curl.stdout.take().unwrap());
    stdin.write_all(b"from curl\n").unwrap();
    assert_eq!(other.hear(), "from curl\n");
    other.say(b"to curl\n");
    let mut heard = String::new();
    stdout.read_line(&mut heard).unwrap();
    assert_eq!(heard, "to curl\n");
    // curl goes on until the server ends the connection, which it looks at when its input moves.
    server.stop();
    drop(stdin);
    assert!(curl.wait().unwrap().success());
}

#[test]
fn netcat_takes_part() {
    if is_missing("nc") {
        return;
    }
    let server = Server::start(CHAT, &[]);
    let mut other = Client::enter(&server);
    let (ip, port) = (server.addr().ip(), server.addr().port());
    let mut nc = Command::new("nc");
    nc.args(["-N", &ip.to_string(), &port.to_string()]);
    assert_eq!(run_well(&mut nc, b"from netcat\n"), b"");
    assert_eq!(other.hear(), "from netcat\n");
    other.lines.get_ref().shutdown(Shutdown::Both).unwrap();
    server.stop();
}

#[test]
fn five_hundred_asyncio_connections_hear_every_line_in_order() {
    let Some(with_asyncio) = python_with("asyncio") else {
        return;
    };
    for threads in ["1", "2"] {
        let server = Server::start(CHAT, &["--threads", threads]);
        let mut clients = python(
            with_asyncio,
            "asyncio_chat.py",
            &server,
            &["500", "10", "20"],
        );
        let said = String::from_utf8(run_well(&mut clients, b"")).unwrap();
        assert_eq!(said, "500 connections, 200 lines to each\n");
        server.stop();
    }
}
