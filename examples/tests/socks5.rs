//! `socks5` with curl, and with clients that say what they should not.

mod common;

use std::{
    io::{ErrorKind, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    process::{Command, Output},
    thread,
    time::Duration,
};

use common::{ECHO, LIMIT, Server, expect_end, is_missing, round_trip, run};

const SOCKS5: &str = env!("CARGO_BIN_EXE_socks5");

/// Answers every connection with one answer of HTTP, and ends it.
fn web(listener: TcpListener) -> SocketAddr {
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|n| n > 0) {
                head.push(byte[0]);
            }
            let _ = stream.write_all(ANSWER);
            let _ = stream.shutdown(Shutdown::Write);
        }
    });
    addr
}

const ANSWER: &[u8] = b"HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\nan answer";

fn any_web() -> SocketAddr {
    web(TcpListener::bind("127.0.0.1:0").unwrap())
}

fn with_login(user: &str) -> Server {
    Server::start_command(
        Command::new(SOCKS5)
            .args(["--user", user])
            .env("SOCKS5_PASSWORD", "secret"),
    )
}

#[track_caller]
fn curl(arguments: &[&str], url: &str) -> Output {
    let mut curl = Command::new("curl");
    let seconds = LIMIT.as_secs().to_string();
    curl.args([
        "--silent",
        "--show-error",
        "--max-time",
        &seconds,
        "--noproxy",
        "",
    ]);
    run(curl.args(arguments).arg(url), b"")
}

#[track_caller]
fn gets(arguments: &[&str], url: &str) {
    let output = curl(arguments, url);
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?} {url}: {log}");
    assert_eq!(output.stdout, b"an answer", "{log}");
}

#[test]
fn curl_goes_by_address_and_by_name() {
    if is_missing("curl") {
        return;
    }
    let proxy = Server::start(SOCKS5, &[]);
    let to = proxy.addr().to_string();
    let web = any_web();
    let by_name = format!("http://localhost:{}/", web.port());
    // curl looks the name up and asks for an address; or it leaves the name to the proxy.
    gets(&["--ipv4", "--socks5", &to], &by_name);
    gets(&["--socks5-hostname", &to], &by_name);
    gets(&["--socks5", &to], &format!("http://{web}/"));
    if let Ok(listener) = TcpListener::bind("[::1]:0") {
        let six = self::web(listener);
        gets(&["--socks5", &to], &format!("http://{six}/"));
        gets(&["--socks5-hostname", &to], &format!("http://{six}/"));
    }
    // A user that nobody asks for does not matter.
    gets(&["--socks5", &to, "--proxy-user", "me:secret"], &by_name);
    proxy.stop();
}

#[test]
fn with_a_user_curl_has_to_say_who_it_is() {
    if is_missing("curl") {
        return;
    }
    let proxy = with_login("me");
    let to = proxy.addr().to_string();
    let url = format!("http://{}/", any_web());
    gets(&["--socks5", &to, "--proxy-user", "me:secret"], &url);
    gets(&["--proxy", &format!("socks5h://me:secret@{to}")], &url);
    // 97: the proxy has refused.
    for wrong in ["me:wrong", "you:secret", "me:"] {
        let output = curl(&["--socks5", &to, "--proxy-user", wrong], &url);
        assert_eq!(output.status.code(), Some(97), "{wrong}");
    }
    assert_eq!(curl(&["--socks5", &to], &url).status.code(), Some(97));
    proxy.stop();
}

/// Says something, and hears the answer to the end.
#[track_caller]
fn hears(proxy: &Server, said: &[u8]) -> Vec<u8> {
    let mut client = proxy.connect();
    client.write_all(said).unwrap();
    // What is no request may have been ended already.
    if let Err(error) = client.shutdown(Shutdown::Write) {
        assert_eq!(error.kind(), ErrorKind::NotConnected);
    }
    let mut heard = Vec::new();
    match client.read_to_end(&mut heard) {
        Err(error) if error.kind() != ErrorKind::ConnectionReset => panic!("{error}"),
        _ => heard,
    }
}

/// Sends a request behind a greeting; returns the number of the reply.
#[track_caller]
fn refused(proxy: &Server, request: &[u8]) -> u8 {
    let heard = hears(proxy, &[b"\x05\x01\x00", request].concat());
    assert_eq!(heard[..3], [5, 0, 5], "{heard:?}");
    assert_eq!(heard.len(), 12);
    heard[3]
}

#[test]
fn what_cannot_be_done_is_said_by_its_number() {
    let proxy = Server::start(SOCKS5, &[]);
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = nobody.local_addr().unwrap().port().to_be_bytes();
    drop(nobody);
    let [high, low] = port;
    assert_eq!(refused(&proxy, &[5, 1, 0, 1, 127, 0, 0, 1, high, low]), 5);
    // Commands: BIND, UDP ASSOCIATE, none at all.
    for command in [2, 3, 0, 200] {
        assert_eq!(refused(&proxy, &[5, command, 0, 1, 127, 0, 0, 1, 0, 80]), 7);
    }
    for kind in [0, 2, 5, 255] {
        assert_eq!(refused(&proxy, &[5, 1, 0, kind, 1, 2, 3, 4, 0, 80]), 8);
    }
    for name in ["no.such.name.invalid", "a:80", "", "\u{fffd}", "[::1]"] {
        let length = u8::try_from(name.len()).unwrap();
        let request = [&[5, 1, 0, 3, length], name.as_bytes(), &[0, 80]].concat();
        assert_eq!(refused(&proxy, &request), 4, "{name:?}");
    }
    proxy.stop();
}

#[test]
fn what_is_no_socks5_is_ended_and_harms_nobody() {
    let proxy = Server::start(SOCKS5, &[]);
    // SOCKS4, HTTP, TLS, nothing, and parts.
    for said in [
        &b"\x04\x01\x00\x50\x7f\x00\x00\x01\x00"[..],
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x00\x05hello",
        b"",
        b"\x05",
        b"\x05\x02\x00",
    ] {
        assert_eq!(hears(&proxy, said), b"", "{said:?}");
    }
    // No method at all, and none that is known.
    assert_eq!(hears(&proxy, b"\x05\x00"), b"\x05\xff");
    assert_eq!(hears(&proxy, b"\x05\x02\x01\x80"), b"\x05\xff");
    // A request that ends early, or is of another version.
    assert_eq!(hears(&proxy, b"\x05\x01\x00\x05\x01\x00"), b"\x05\x00");
    assert_eq!(
        hears(&proxy, b"\x05\x01\x00\x05\x01\x00\x03\xffabc"),
        b"\x05\x00"
    );
    assert_eq!(
        hears(&proxy, b"\x05\x01\x00\x04\x01\x00\x01abcdef"),
        b"\x05\x00"
    );
    through(&proxy, &Server::start(ECHO, &[]));
    proxy.stop();

    let proxy = with_login("me");
    assert_eq!(hears(&proxy, b"\x05\x01\x00"), b"\x05\xff");
    assert_eq!(
        hears(&proxy, b"\x05\x01\x02\x02\x02me\x06secret"),
        b"\x05\x02"
    );
    assert_eq!(
        hears(&proxy, b"\x05\x01\x02\x01\x00\x00"),
        b"\x05\x02\x01\x01"
    );
    assert_eq!(
        hears(&proxy, b"\x05\x01\x02\x01\x02me\x05wrong"),
        b"\x05\x02\x01\x01"
    );
    proxy.stop();
}

/// The requests are sent without waiting for the answers, and the first bytes with them.
fn through(proxy: &Server, server: &Server) -> TcpStream {
    let mut client = proxy.connect();
    let [high, low] = server.addr().port().to_be_bytes();
    let request = [5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1, high, low, b'h', b'i'];
    client.write_all(&request).unwrap();
    let mut answer = [0; 14];
    client.read_exact(&mut answer).unwrap();
    assert_eq!(answer[..6], [5, 0, 5, 0, 0, 1]);
    assert_eq!(&answer[12..], b"hi");
    client
}

#[test]
fn bytes_go_through_and_then_the_ends() {
    let (proxy, echo) = (Server::start(SOCKS5, &[]), Server::start(ECHO, &[]));
    let client = through(&proxy, &echo);
    round_trip(&client, &vec![b'x'; 1 << 20]);
    expect_end(&client);
    proxy.stop();
}

/// They have connected and say nothing, or half of it.
#[test]
fn silent_clients_hold_nobody_up() {
    let (proxy, echo) = (Server::start(SOCKS5, &[]), Server::start(ECHO, &[]));
    let silent: Vec<_> = (0..50).map(|_| proxy.connect()).collect();
    for mut client in &silent[..25] {
        client.write_all(b"\x05\x01").unwrap();
    }
    expect_end(&through(&proxy, &echo));
    drop(silent);
    proxy.stop();
}

/// A byte now and then buys no time.
#[test]
fn clients_that_dawdle_are_ended() {
    let limits = ["--ask-limit", "1", "--idle-limit", "1"];
    let (proxy, echo) = (Server::start(SOCKS5, &limits), Server::start(ECHO, &[]));
    let mut idle = through(&proxy, &echo);
    let mut slow = proxy.connect();
    slow.set_read_timeout(Some(Duration::from_millis(20)))
        .unwrap();
    slow.write_all(b"\x05\xff").unwrap();
    let mut said = 0;
    // An end, or a reset behind what was not read any more.
    while slow
        .read(&mut [0])
        .is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    {
        let _ = slow.write_all(b"\x01");
        said += 1;
        assert!(said < 200, "it may go on for ever");
    }
    assert_eq!(idle.read(&mut [0]).unwrap(), 0);
    proxy.stop();
}

#[test]
fn a_user_without_a_password_is_an_error() {
    let output = run(
        Command::new(SOCKS5)
            .args(["--listen", "127.0.0.1:0", "--user", "me"])
            .env_remove("SOCKS5_PASSWORD"),
        b"",
    );
    assert!(!output.status.success());
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(log.contains("SOCKS5_PASSWORD"), "{log}");
}
