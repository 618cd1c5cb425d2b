//! `echo` returns every byte, to any client.

mod common;

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    process::{Command, Stdio},
    thread,
};

use common::*;
use examples::{Random, raise_descriptor_limit};

#[test]
fn netcat_gets_everything_back_and_then_the_end() {
    if is_missing("nc") {
        return;
    }
    let server = Server::start(ECHO, &[]);
    let mut data = vec![0; 1_000_001];
    Random::new(1).fill(&mut data);
    let (ip, port) = (server.addr().ip(), server.addr().port());
    let mut nc = Command::new("nc");
    nc.args(["-N", &ip.to_string(), &port.to_string()]);
    assert!(run_well(&mut nc, &data) == data);
    server.stop();
}

#[test]
fn curl_speaks_telnet_with_it() {
    if is_missing("curl") {
        return;
    }
    let server = Server::start(ECHO, &[]);
    let mut curl = Command::new("curl")
        .args(["--silent", "--max-time", "50", "--no-buffer"])
        .arg(format!("telnet://{}", server.addr()))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = curl.stdin.take().unwrap();
    let mut stdout = BufReader::new(curl.stdout.take().unwrap());
    for line in ["hello\n", "and once more\n"] {
        stdin.write_all(line.as_bytes()).unwrap();
        let mut echo = String::new();
        stdout.read_line(&mut echo).unwrap();
        assert_eq!(echo, line);
    }
    // curl goes on until the server ends the connection, which it looks at when its input moves.
    server.stop();
    drop(stdin);
    assert!(curl.wait().unwrap().success());
}

#[test]
fn five_hundred_asyncio_connections_at_once_get_every_byte_back() {
    let Some(with_asyncio) = python_with("asyncio") else {
        return;
    };
    for threads in ["1", "2"] {
        let server = Server::start(ECHO, &["--threads", threads]);
        let mut client = python(with_asyncio, "asyncio_echo.py", &server, &["500"]);
        let said = String::from_utf8(run_well(&mut client, b"")).unwrap();
        assert!(said.starts_with("500 connections"), "{said}");
        server.stop();
    }
}

#[test]
fn two_thousand_std_clients_at_once_get_every_byte_back_and_then_the_end() {
    const THREADS: usize = 4;
    const CLIENTS: usize = 500;
    assert!(raise_descriptor_limit().unwrap() > (THREADS * CLIENTS + 100) as u64);
    let server = Server::start(ECHO, &[]);
    let addr = server.addr();
    let threads: Vec<_> = (0..THREADS)
        .map(|thread| thread::spawn(move || run_std_clients(addr, thread * CLIENTS, CLIENTS)))
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    server.stop();
}

/// Takes turns with a crowd of connections until all of them are done.
fn run_std_clients(addr: SocketAddr, first: usize, count: usize) {
    let mut clients: Vec<_> = (first..first + count)
        .map(|number| StdClient::new(addr, number))
        .collect();
    while !clients.is_empty() {
        clients.retain_mut(|client| !client.take_turn());
    }
}

struct StdClient {
    stream: TcpStream,
    random: Random,
    data: Vec<u8>,
    sent: usize,
    received: usize,
}

impl StdClient {
    fn new(addr: SocketAddr, number: usize) -> Self {
        let mut random = Random::new(number as u64);
        // From nothing to 300 KB, most of them small, and each size next to an even one.
        let scale = [0, 10, 100, 1_000, 1_000, 10_000, 10_000, 300_000][random.below(8)];
        let mut data = vec![0; random.below(scale + 1)];
        random.fill(&mut data);
        Self {
            stream: connect(addr),
            random,
            data,
            sent: 0,
            received: 0,
        }
    }

    /// Sends a piece, or receives what is under way; true after the end.
    fn take_turn(&mut self) -> bool {
        if self.sent == self.data.len() {
            self.stream.shutdown(Shutdown::Write).unwrap();
            let mut rest = Vec::new();
            self.stream.read_to_end(&mut rest).unwrap();
            assert!(rest == self.data[self.received..]);
            return true;
        }
        // Few enough to fit into the buffers of the sockets: nobody reads while this thread writes.
        const UNDER_WAY: usize = 60_000;
        let piece = (1 + self.random.below(20_000)).min(self.data.len() - self.sent);
        self.stream
            .write_all(&self.data[self.sent..self.sent + piece])
            .unwrap();
        self.sent += piece;
        if self.sent - self.received > UNDER_WAY || self.random.below(3) == 0 {
            let mut echo = vec![0; self.sent - self.received];
            self.stream.read_exact(&mut echo).unwrap();
            assert!(echo == self.data[self.received..self.sent]);
            self.received = self.sent;
        }
        false
    }
}

#[test]
fn a_client_that_writes_without_reading_is_waited_for_and_delays_nobody() {
    let server = Server::start(ECHO, &[]);
    let stuck = server.connect();
    let sent = fill(&stuck);
    round_trip(&server.connect(), b"meanwhile");
    stuck.shutdown(Shutdown::Write).unwrap();
    let mut echo = Vec::new();
    (&stuck).read_to_end(&mut echo).unwrap();
    assert!(echo == sent);
    server.stop();
}
