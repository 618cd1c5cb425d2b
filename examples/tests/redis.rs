//! `redis` serves clients of other makers, and no client holds up or takes down the others.

mod common;

use std::{
    collections::BTreeMap,
    env,
    io::{self, Read, Write},
    net::{Shutdown, TcpStream},
    process::{self, Command},
};

use common::*;

const REDIS: &str = env!("CARGO_BIN_EXE_redis");

fn cli(server: &Server, args: &[&str]) -> Command {
    let mut cli = Command::new("redis-cli");
    cli.args(["-h", &server.addr().ip().to_string()])
        .args(["-p", &server.addr().port().to_string()])
        .args(args);
    cli
}

/// What `redis-cli` says to one command, without the line's end.
fn said(server: &Server, args: &[&str]) -> String {
    let said = run_well(&mut cli(server, args), b"");
    String::from_utf8(said).unwrap().trim_end().to_owned()
}

/// Sends bytes and checks that exactly these are the answer.
fn ask(mut stream: &TcpStream, request: &str, reply: &str) {
    stream.write_all(request.as_bytes()).unwrap();
    expect(stream, reply);
}

fn expect(mut stream: &TcpStream, reply: &str) {
    let mut bytes = vec![0; reply.len()];
    stream.read_exact(&mut bytes).unwrap();
    assert_eq!(String::from_utf8_lossy(&bytes), reply);
}

#[test]
fn redis_cli_gets_what_it_has_set() {
    if is_missing("redis-cli") {
        return;
    }
    let server = Server::start(REDIS, &[]);
    for (args, expected) in [
        (&["PING"][..], "PONG"),
        (&["SET", "greeting", "hello, world"], "OK"),
        (&["GET", "greeting"], "hello, world"),
        (&["GET", "nothing"], ""),
        (&["SET", "n", "41", "EX", "100"], "OK"),
        (&["INCR", "n"], "42"),
        (&["TTL", "n"], "100"),
        (&["LPUSH", "list", "b", "a"], "2"),
        (&["LRANGE", "list", "0", "-1"], "a\nb"),
        (&["HSET", "hash", "field", "value"], "1"),
        (&["HGETALL", "hash"], "field\nvalue"),
        (
            &["LPUSH", "n", "x"],
            "WRONGTYPE Operation against a key holding the wrong kind of value",
        ),
        (&["MISSING", "x"], "ERR unknown command 'MISSING'"),
        (&["DEL", "n", "list", "hash"], "3"),
    ] {
        assert_eq!(said(&server, args), expected, "{args:?}");
    }
    server.stop();
}

#[test]
fn redis_cli_speaks_either_version_of_the_protocol() {
    if is_missing("redis-cli") {
        return;
    }
    let server = Server::start(REDIS, &[]);
    said(&server, &["HSET", "hash", "field", "value"]);
    said(&server, &["SADD", "set", "member"]);
    // With --no-raw it shows the types.
    let typed =
        |version: &str, args: &[&str]| said(&server, &[&["--no-raw", version], args].concat());
    assert_eq!(
        typed("-2", &["HGETALL", "hash"]),
        "1) \"field\"\n2) \"value\""
    );
    assert_eq!(
        typed("-3", &["HGETALL", "hash"]),
        "1# \"field\" => \"value\""
    );
    assert_eq!(typed("-2", &["SMEMBERS", "set"]), "1) \"member\"");
    assert_eq!(typed("-3", &["SMEMBERS", "set"]), "1~ \"member\"");
    for version in ["-2", "-3"] {
        assert_eq!(typed(version, &["GET", "nothing"]), "(nil)");
        assert_eq!(typed(version, &["LPOP", "nothing", "1"]), "(nil)");
        assert_eq!(
            typed(version, &["STRLEN"]),
            "(error) ERR unknown command 'STRLEN'"
        );
    }
    server.stop();
}

#[test]
fn redis_cli_pipes_many_commands_through_one_connection() {
    if is_missing("redis-cli") {
        return;
    }
    let server = Server::start(REDIS, &[]);
    let commands: String = (0..100_000)
        .map(|i| format!("SET key{i} {i}\r\n"))
        .collect();
    let report = run_well(&mut cli(&server, &["--pipe"]), commands.as_bytes());
    let report = String::from_utf8(report).unwrap();
    assert!(report.contains("errors: 0, replies: 100000"), "{report}");
    assert_eq!(said(&server, &["DBSIZE"]), "100000");
    assert_eq!(said(&server, &["GET", "key99999"]), "99999");
    server.stop();
}

#[test]
fn redis_benchmark_finds_no_fault_at_any_depth() {
    if is_missing("redis-benchmark") {
        return;
    }
    for threads in ["1", "2"] {
        let server = Server::start(REDIS, &["--threads", threads]);
        for depth in ["1", "16"] {
            let mut benchmark = Command::new("redis-benchmark");
            benchmark
                .args(["-h", &server.addr().ip().to_string()])
                .args(["-p", &server.addr().port().to_string()])
                .args(["-n", "5000", "-c", "20", "-d", "100", "--csv", "-P", depth])
                .args([
                    "-t",
                    "ping,set,get,incr,lpush,rpush,lpop,rpop,sadd,hset,spop,lrange,mset",
                ]);
            let output = run(&mut benchmark, b"");
            let (report, log) = (
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr),
            );
            assert!(output.status.success(), "{report}{log}");
            // It warns when the server does not answer what it asks about itself.
            assert!(!log.contains("WARNING") && !log.contains("Error"), "{log}");
            let tests = report.lines().filter(|line| line.starts_with('"')).count();
            assert!(tests >= 17, "{report}");
        }
        server.stop();
    }
}

#[test]
fn the_python_package_finds_every_command_as_it_expects_it() {
    let Some(with_redis) = python_with("redis") else {
        return;
    };
    for threads in ["1", "2"] {
        let server = Server::start(REDIS, &["--threads", threads]);
        let said = run_well(
            &mut python(with_redis, "redis_commands.py", &server, &[]),
            b"",
        );
        assert_eq!(
            String::from_utf8_lossy(&said),
            "every command says what it should\n"
        );
        server.stop();
    }
}

#[test]
fn malformed_input_is_told_and_ends_its_connection_and_others_go_on() {
    let server = Server::start(REDIS, &["--max-request", "100000"]);
    let other = server.connect();
    ask(&other, "SET key value\r\n", "+OK\r\n");
    for (bytes, message) in [
        (&b"*x\r\n"[..], "invalid multibulk length"),
        (b"*1000000000\r\n", "invalid multibulk length"),
        (b"*1\r\nPING\r\n", "expected '$', got 'P'"),
        (b"*1\r\n$-5\r\n", "invalid bulk length"),
        (b"*1\r\n$100001\r\n", "invalid bulk length"),
        (
            b"*1\r\n$4\r\nPINGPONG",
            "expected a line ending behind an argument",
        ),
        (b"SET key \"a value\r\n", "unbalanced quotes in request"),
        (&[b'x'; 70_000], "too big inline request"),
    ] {
        let mut stream = server.connect();
        // What came before is answered, what comes after is not, and it is not in the way of the error.
        stream.write_all(b"PING\r\n").unwrap();
        stream.write_all(bytes).unwrap();
        stream.write_all(&b"PING\r\n".repeat(1_000)).unwrap();
        let mut replies = String::new();
        stream.read_to_string(&mut replies).unwrap();
        let expected = format!("+PONG\r\n-ERR Protocol error: {message}\r\n");
        assert_eq!(replies, expected);
        drop(stream);
        ask(&other, "GET key\r\n", "$5\r\nvalue\r\n");
    }
    server.stop();
}

#[test]
fn a_connection_that_ends_inside_a_request_takes_nobody_with_it() {
    let server = Server::start(REDIS, &[]);
    let other = server.connect();
    for bytes in ["*", "*2\r\n", "*1\r\n$4\r\nPI", "PING"] {
        let mut stream = server.connect();
        stream.write_all(bytes.as_bytes()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        assert_eq!(stream.read(&mut [0; 1]).unwrap(), 0);
        ask(&other, "PING\r\n", "+PONG\r\n");
    }
    server.stop();
}

#[test]
fn a_client_that_never_reads_its_replies_holds_up_nobody_and_is_not_read_for_ever() {
    let server = Server::start(REDIS, &[]);
    let other = server.connect();
    let value = "x".repeat(10_000);
    ask(&other, &format!("SET key {value}\r\n"), "+OK\r\n");
    let deaf = server.connect();
    deaf.set_write_timeout(Some(std::time::Duration::from_millis(500)))
        .unwrap();
    // Replies of 10 kB to requests of 9 bytes: were they queued without limit, this would be 10 GB.
    let requests = b"GET key\r\n".repeat(10_000);
    let mut taken = 0;
    while taken < 9_000_000 {
        match (&deaf).write(&requests) {
            Ok(n) => taken += n,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) => panic!("{error}"),
        }
    }
    assert!(taken < 9_000_000, "the server reads and reads");
    ask(&other, "GET key\r\n", &format!("$10000\r\n{value}\r\n"));
    drop(deaf);
    server.stop();
}

#[test]
fn a_subscriber_that_never_reads_is_dropped_and_the_others_hear_every_message() {
    let server = Server::start(REDIS, &[]);
    let slow = server.connect();
    ask(
        &slow,
        "SUBSCRIBE news\r\n",
        "*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n",
    );
    let quick = server.connect();
    ask(
        &quick,
        "SUBSCRIBE news\r\n",
        "*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n",
    );
    let publisher = server.connect();
    let text = "x".repeat(10_000);
    let publish = format!("PUBLISH news {text}\r\n");
    let message = format!("*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$10000\r\n{text}\r\n");
    let mut published = 0;
    loop {
        (&publisher).write_all(publish.as_bytes()).unwrap();
        let mut reply = [0; 4];
        (&publisher).read_exact(&mut reply).unwrap();
        expect(&quick, &message);
        published += 1;
        match &reply {
            b":2\r\n" => assert!(published < 10_000, "100 MB are queued for a subscriber"),
            b":1\r\n" => break,
            other => panic!("{}", other.escape_ascii()),
        }
    }
    server.wait_for_log("a subscriber reads too slowly");
    ask(&publisher, &publish, ":1\r\n");
    expect(&quick, &message);
    // Its connection ends, behind what the sockets had taken.
    let mut heard = Vec::new();
    match (&slow).read_to_end(&mut heard) {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), io::ErrorKind::ConnectionReset),
    }
    assert!(heard.len() < published * message.len());
    server.stop();
}

#[test]
fn a_subscriber_of_version_two_takes_messages_only_and_one_of_version_three_may_go_on_asking() {
    let server = Server::start(REDIS, &[]);
    let two = server.connect();
    ask(
        &two,
        "SUBSCRIBE news\r\n",
        "*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n",
    );
    ask(&two, "PING\r\n", "*2\r\n$4\r\npong\r\n$0\r\n\r\n");
    ask(&two, "GET key\r\n", "-ERR Can't execute 'get'");
    let three = server.connect();
    ask(
        &three,
        "HELLO 3\r\n",
        "%7\r\n$6\r\nserver\r\n$5\r\nredis\r\n",
    );
    let mut rest = [0; 4096];
    assert!((&three).read(&mut rest).unwrap() > 0);
    ask(
        &three,
        "SUBSCRIBE news\r\n",
        ">3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n",
    );
    ask(&three, "GET key\r\n", "_\r\n");
    ask(
        &three,
        "UNSUBSCRIBE\r\n",
        ">3\r\n$11\r\nunsubscribe\r\n$4\r\nnews\r\n:0\r\n",
    );
    server.stop();
}

#[test]
fn quit_is_answered_and_ends_the_connection() {
    let server = Server::start(REDIS, &[]);
    let stream = server.connect();
    ask(&stream, "QUIT\r\nPING\r\n", "+OK\r\n");
    let mut rest = Vec::new();
    match (&stream).read_to_end(&mut rest) {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), io::ErrorKind::ConnectionReset),
    }
    assert!(rest.is_empty());
    server.stop();
}

/// The natural loop of one `feed` a reply: a burst of sixteen requests costs the calls of one.
#[cfg(target_os = "linux")]
#[test]
fn sixteen_pipelined_requests_are_three_system_calls() {
    if is_missing("strace") {
        return;
    }
    let (Some(fewer), Some(more)) = (system_calls(200), system_calls(1_200)) else {
        assert!(env::var_os("CI").is_none(), "strace cannot trace on CI");
        eprintln!("skipped: strace cannot trace here");
        return;
    };
    let per_burst = |name: &str| {
        let count = |calls: &BTreeMap<_, _>| calls.get(name).copied().unwrap_or(0) as f64;
        (count(&more) - count(&fewer)) / 1_000.0
    };
    let sum: f64 = more.keys().map(|name| per_burst(name)).sum();
    println!("system calls a burst of sixteen: {sum:.3}");
    assert!((sum - 3.0).abs() <= 0.06, "{sum:.3}: {more:?}");
}

/// How often a server makes which system call for so many bursts of sixteen requests.
#[cfg(target_os = "linux")]
fn system_calls(bursts: usize) -> Option<BTreeMap<String, u64>> {
    let file = env::temp_dir().join(format!("redis-{}-{bursts}.strace", process::id()));
    traced(REDIS, &file, |server| {
        let client = server.connect();
        let requests = "INCR counter\r\n".repeat(8) + &"PING\r\n".repeat(8);
        for burst in 0..bursts {
            let first = 8 * burst + 1;
            let numbers: String = (first..first + 8).map(|n| format!(":{n}\r\n")).collect();
            ask(&client, &requests, &(numbers + &"+PONG\r\n".repeat(8)));
        }
        expect_end(&client);
    })
}
