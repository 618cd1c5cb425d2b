//! The forwarder of DNS between programs that others have written: `dig` asks it, and it asks `dnsmasq`.

mod common;

use std::{
    collections::HashSet,
    net::{SocketAddr, UdpSocket},
    process::{Command, Stdio},
    time::Instant,
};

use common::{LIMIT, Program, Server, is_missing, run_well};
use rustix::process::Signal;

const DNS: &str = env!("CARGO_BIN_EXE_dns");

fn forwarder(upstream: SocketAddr, args: &[&str]) -> Server {
    let upstream = upstream.to_string();
    Server::start(DNS, &[&["--upstream", &upstream], args].concat())
}

/// What dig prints.
fn dig(server: &Server, args: &[&str]) -> String {
    let mut dig = Command::new("dig");
    dig.arg(format!("@{}", server.addr().ip()))
        .args([
            "-p",
            &server.addr().port().to_string(),
            "+time=20",
            "+tries=1",
        ])
        .args(args);
    String::from_utf8(run_well(&mut dig, b"")).unwrap()
}

/// A name server that others have written, and its log.
struct Dnsmasq {
    program: Program,
    addr: SocketAddr,
}

impl Dnsmasq {
    fn start() -> Option<Self> {
        if is_missing("dnsmasq") || is_missing("dig") {
            return None;
        }
        // Long enough that it does not fit into a datagram.
        let long: Vec<_> = (0..10).map(|n| n.to_string().repeat(250)).collect();
        let long = format!("--txt-record=long.test,{}", long.join(","));
        // Somebody else may take the port before it does.
        for _ in 0..10 {
            let addr = UdpSocket::bind("127.0.0.1:0")
                .unwrap()
                .local_addr()
                .unwrap();
            let mut command = Command::new("sh");
            command
                .args(["-c", "exec dnsmasq \"$@\" 2>&1", "sh"])
                .args([
                    "--no-daemon",
                    "--conf-file=/dev/null",
                    "--no-resolv",
                    "--no-hosts",
                ])
                .args([
                    "--listen-address=127.0.0.1",
                    "--bind-interfaces",
                    "--log-queries",
                ])
                .arg(format!("--port={}", addr.port()))
                .args(["--local=/test/", "--local-ttl=600", &long])
                .arg("--host-record=a.test,192.0.2.1,2001:db8::1,3600")
                .arg("--host-record=short.test,192.0.2.2,1")
                .stdin(Stdio::null());
            let program = Program::start(&mut command);
            loop {
                let line = program.line();
                if line.contains("started, version") {
                    return Some(Self { program, addr });
                }
                if line.contains("failed to") {
                    break;
                }
            }
        }
        panic!("dnsmasq does not start");
    }

    /// The next question that it is asked, as it logs it.
    fn asked(&self) -> String {
        loop {
            let line = self.program.line();
            if let Some((_, question)) = line.split_once("query[") {
                let (question, _) = question.split_once(" from").unwrap();
                return question.to_lowercase();
            }
        }
    }
}

#[test]
fn dig_gets_what_the_name_server_says_and_the_next_time_out_of_memory() {
    let Some(upstream) = Dnsmasq::start() else {
        return;
    };
    let server = forwarder(upstream.addr, &[]);
    assert_eq!(dig(&server, &["+short", "a.test", "A"]), "192.0.2.1\n");
    assert_eq!(dig(&server, &["+short", "a.test", "AAAA"]), "2001:db8::1\n");
    for args in [
        &["A.tEsT", "A"][..],
        &["+tcp", "a.TEST", "A"],
        &["+noedns", "a.test", "A"],
    ] {
        let said = dig(&server, args);
        assert!(
            said.contains("status: NOERROR") && said.contains("192.0.2.1"),
            "{said}"
        );
        // As it was asked, which some clients check.
        let asked = args.iter().rev().nth(1).unwrap();
        assert!(said.contains(&format!(";{asked}.")), "{said}");
    }
    // What it does not say it does not know: a name that is not there.
    let said = dig(&server, &["missing.test", "A"]);
    assert!(said.contains("status: NXDOMAIN"), "{said}");
    for question in ["a] a.test", "aaaa] a.test", "a] missing.test"] {
        assert_eq!(upstream.asked(), question);
    }
    server.stop();
}

#[test]
fn when_the_time_of_an_answer_is_over_the_name_server_is_asked_again() {
    let Some(upstream) = Dnsmasq::start() else {
        return;
    };
    let server = forwarder(upstream.addr, &["--threads", "2"]);
    let deadline = Instant::now() + LIMIT;
    let mut ttls = HashSet::new();
    // Two threads with a memory each, of which one answers twice.
    for _ in 0..3 {
        while upstream
            .program
            .try_line()
            .is_none_or(|line| !line.contains("query[A]"))
        {
            assert!(
                Instant::now() < deadline,
                "the name server is not asked again"
            );
            let said = dig(&server, &["+noall", "+answer", "short.test", "A"]);
            ttls.insert(said.split_whitespace().nth(1).unwrap().to_owned());
        }
    }
    assert_eq!(ttls, HashSet::from(["1".to_owned()]));
}

#[test]
fn what_does_not_fit_into_a_datagram_is_had_by_tcp() {
    let Some(upstream) = Dnsmasq::start() else {
        return;
    };
    let server = forwarder(upstream.addr, &[]);
    let long = (0..10).map(|n| format!("\"{}\"", n.to_string().repeat(250)));
    let long = long.collect::<Vec<_>>().join(" ");
    // Truncated by the name server, then by ours, which has all of it by then.
    for _ in 0..2 {
        let said = dig(&server, &["+ignore", "long.test", "TXT"]);
        assert!(
            said.contains(" tc ") && said.contains("ANSWER: 0"),
            "{said}"
        );
        // Without +ignore dig asks again by TCP.
        let said = dig(&server, &["long.test", "TXT"]);
        assert!(
            said.contains("retrying in TCP mode") && said.contains(&long),
            "{said}"
        );
    }
    // By UDP three times, as what is truncated is not kept, and once by TCP.
    for _ in 0..4 {
        assert_eq!(upstream.asked(), "txt] long.test");
    }
    assert_eq!(dig(&server, &["+short", "a.test"]), "192.0.2.1\n");
    assert_eq!(upstream.asked(), "a] a.test");
}

#[test]
fn a_signal_ends_it_with_exit_code_0() {
    let mut server = forwarder("127.0.0.1:9".parse().unwrap(), &[]);
    server.signal(Signal::TERM);
    assert_eq!(server.wait().code(), Some(0));
}
