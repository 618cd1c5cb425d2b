//! The forwarder of DNS: `dig` asks it, and it asks `dnsmasq`, or a name server that misbehaves.

mod common;

use std::{
    collections::HashSet,
    io::ErrorKind,
    net::{SocketAddr, UdpSocket},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use common::{LIMIT, Program, Server, is_missing, run_well};
use rustix::process::Signal;
use simple_dns::{
    CLASS, Name, OPCODE, Packet, PacketFlag, Question, RCODE, ResourceRecord, TYPE,
    rdata::{A, RData, SOA},
};

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

/// A socket for either end of the forwarder.
fn socket() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    socket
}

fn query(id: u16, name: &str) -> Packet<'_> {
    let mut packet = Packet::new_query(id);
    packet.set_flags(PacketFlag::RECURSION_DESIRED);
    let name = Name::new(name).unwrap();
    packet
        .questions
        .push(Question::new(name, TYPE::A.into(), CLASS::IN.into(), false));
    packet
}

fn client(server: &Server) -> UdpSocket {
    let client = socket();
    client.connect(server.addr()).unwrap();
    client
}

fn send(socket: &UdpSocket, packet: &Packet<'_>, to: SocketAddr) {
    socket
        .send_to(&packet.build_bytes_vec().unwrap(), to)
        .unwrap();
}

/// What a socket receives next, and from where.
fn next<'a>(socket: &UdpSocket, buf: &'a mut [u8]) -> (Packet<'a>, SocketAddr) {
    let (n, from) = socket.recv_from(buf).unwrap();
    (Packet::parse(&buf[..n]).unwrap(), from)
}

/// To a question for an address.
fn answer(mut packet: Packet<'_>, address: u32) -> Packet<'_> {
    packet = packet.into_reply();
    let name = packet.questions[0].qname.clone();
    packet.answers.push(ResourceRecord::new(
        name,
        CLASS::IN,
        60,
        RData::A(A { address }),
    ));
    packet
}

#[track_caller]
fn assert_answers(packet: &Packet<'_>, id: u16, address: u32) {
    assert_eq!((packet.id(), packet.rcode()), (id, RCODE::NoError));
    let [record] = &packet.answers[..] else {
        panic!("{packet:?}");
    };
    assert!(
        matches!(record.rdata, RData::A(A { address: a }) if a == address),
        "{record:?}"
    );
}

#[test]
fn only_the_answer_of_the_name_server_to_this_very_question_counts() {
    let upstream = socket();
    let server = forwarder(upstream.local_addr().unwrap(), &[]);
    let client = client(&server);
    let (mut ids, mut ports) = (HashSet::new(), HashSet::new());
    for number in 0..40_u16 {
        let name = format!("n{number}.test");
        send(&client, &query(number, &name), server.addr());
        let mut buf = [0; 4096];
        let (asked, from) = next(&upstream, &mut buf);
        ids.insert(asked.id());
        ports.insert(from.port());
        // From elsewhere; to another question; with another number; no answer at all.
        send(&socket(), &answer(asked.clone(), 1), from);
        let other = query(asked.id(), "other.test");
        send(&upstream, &answer(other, 2), from);
        let mut wrong = answer(asked.clone(), 3);
        wrong.set_id(asked.id().wrapping_add(1));
        send(&upstream, &wrong, from);
        send(&upstream, &asked, from);
        upstream.send_to(b"nonsense", from).unwrap();
        send(&upstream, &answer(asked.clone(), 4), from);
        let mut buf = [0; 4096];
        assert_answers(&next(&client, &mut buf).0, number, 4);
    }
    // Neither number nor port can be told from the last one. Some may come twice.
    assert!(ids.len() > 35 && ports.len() > 30, "{ids:?} {ports:?}");
    let neighbours = ids.iter().filter(|id| ids.contains(&id.wrapping_add(1)));
    assert!(neighbours.count() < 5, "{ids:?}");
}

#[test]
fn a_name_server_that_is_silent_is_asked_twice_and_one_that_is_not_there_once() {
    let upstream = socket();
    let server = forwarder(upstream.local_addr().unwrap(), &["--timeout", "50"]);
    let client = client(&server);
    send(&client, &query(7, "silent.test"), server.addr());
    let mut buf = [0; 4096];
    let (failure, _) = next(&client, &mut buf);
    assert_eq!((failure.id(), failure.rcode()), (7, RCODE::ServerFailure));
    assert!(failure.has_flags(PacketFlag::RESPONSE | PacketFlag::RECURSION_DESIRED));
    assert_eq!(failure.questions.len(), 1);
    let (mut one, mut two) = ([0; 4096], [0; 4096]);
    let (one, two) = (next(&upstream, &mut one), next(&upstream, &mut two));
    assert_ne!((one.0.id(), one.1), (two.0.id(), two.1));
    upstream.set_nonblocking(true).unwrap();
    let error = upstream.recv(&mut [0; 1]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldBlock);

    // A failure is not remembered, and a refusal is heard at once.
    drop(upstream);
    send(&client, &query(8, "silent.test"), server.addr());
    assert_eq!(next(&client, &mut buf).0.rcode(), RCODE::ServerFailure);
}

#[test]
fn that_there_is_nothing_is_remembered_if_the_zone_says_for_how_long() {
    let upstream = socket();
    let server = forwarder(upstream.local_addr().unwrap(), &[]);
    let client = client(&server);
    let mut asked = 0;
    for (round, (name, minimum, asks)) in [
        ("kept.test", Some(60), true),
        ("kept.test", Some(60), false),
        ("brief.test", Some(0), true),
        ("brief.test", Some(0), true),
        ("unsaid.test", None, true),
        ("unsaid.test", None, true),
    ]
    .into_iter()
    .enumerate()
    {
        let id = round as u16;
        send(&client, &query(id, name), server.addr());
        if asks {
            let mut buf = [0; 4096];
            let (question, from) = next(&upstream, &mut buf);
            assert_eq!(question.questions[0].qname.to_string(), name);
            asked += 1;
            let mut nothing = question.into_reply();
            *nothing.rcode_mut() = RCODE::NameError;
            if let Some(minimum) = minimum {
                let zone = SOA {
                    mname: Name::new("ns.test").unwrap(),
                    rname: Name::new("root.test").unwrap(),
                    serial: 1,
                    refresh: 1,
                    retry: 1,
                    expire: 1,
                    minimum,
                };
                let test = Name::new("test").unwrap();
                nothing.name_servers.push(ResourceRecord::new(
                    test,
                    CLASS::IN,
                    3600,
                    RData::SOA(zone),
                ));
            }
            send(&upstream, &nothing, from);
        }
        let mut buf = [0; 4096];
        let (said, _) = next(&client, &mut buf);
        assert_eq!(
            (said.id(), said.rcode()),
            (id, RCODE::NameError),
            "round {round}"
        );
    }
    assert_eq!(asked, 5);
}

#[test]
fn what_is_no_question_is_told_so_or_not_answered() {
    let upstream = socket();
    let server = forwarder(upstream.local_addr().unwrap(), &[]);
    let client = client(&server);
    let send_bytes = |bytes: &[u8]| client.send(bytes).unwrap();
    let mut buf = [0; 4096];

    // Too short for a header; an answer.
    send_bytes(b"");
    send_bytes(&[0; 11]);
    send(&client, &answer(query(1, "a.test"), 1), server.addr());
    // The header of a question that is not there.
    let mut headless = query(2, "a.test").build_bytes_vec().unwrap();
    headless.truncate(12);
    send_bytes(&headless);
    let (said, _) = next(&client, &mut buf);
    assert_eq!((said.id(), said.rcode()), (2, RCODE::FormatError));

    let mut two = query(3, "a.test");
    two.questions.push(two.questions[0].clone());
    send(&client, &two, server.addr());
    let (said, _) = next(&client, &mut buf);
    assert_eq!((said.id(), said.rcode()), (3, RCODE::FormatError));

    let mut update = query(4, "a.test");
    *update.opcode_mut() = OPCODE::Update;
    send(&client, &update, server.addr());
    let (said, _) = next(&client, &mut buf);
    assert_eq!((said.id(), said.rcode()), (4, RCODE::NotImplemented));

    // Nothing of this was passed on.
    upstream
        .set_read_timeout(Some(Duration::from_millis(1)))
        .unwrap();
    assert!(upstream.recv(&mut [0; 1]).is_err());
}

#[test]
fn a_signal_ends_it_with_exit_code_0() {
    let mut server = forwarder("127.0.0.1:9".parse().unwrap(), &[]);
    server.signal(Signal::TERM);
    assert_eq!(server.wait().code(), Some(0));
}
