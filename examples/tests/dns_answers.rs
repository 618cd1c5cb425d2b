//! The forwarder of DNS and a name server that misbehaves, or says nothing.

mod common;

use std::{
    collections::HashSet,
    io::ErrorKind,
    net::{SocketAddr, UdpSocket},
    process::Command,
    time::Duration,
};

use common::{LIMIT, Server, may_trace};
use simple_dns::{
    CLASS, Name, OPCODE, Packet, PacketFlag, Question, RCODE, ResourceRecord, TYPE,
    rdata::{A, RData, SOA},
};

const DNS: &str = env!("CARGO_BIN_EXE_dns");

/// One that asks this name server.
fn forwarder(upstream: &UdpSocket, args: &[&str]) -> Server {
    let upstream = upstream.local_addr().unwrap().to_string();
    let args = [&["--upstream", &upstream], args].concat();
    Server::start(DNS, &args)
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
    let server = forwarder(&upstream, &[]);
    let client = client(&server);
    let (mut ids, mut ports) = (HashSet::new(), HashSet::new());
    for number in 0..40_u16 {
        let name = format!("n{number}.test");
        send(&client, &query(number, &name), server.addr());
        let mut buf = [0; 4096];
        let (asked, from) = next(&upstream, &mut buf);
        ids.insert(asked.id());
        ports.insert(from.port());
        // From elsewhere; to another question; with another number; of another class; no answer at all.
        send(&socket(), &answer(asked.clone(), 1), from);
        let other = query(asked.id(), "other.test");
        send(&upstream, &answer(other, 2), from);
        let mut wrong = answer(asked.clone(), 3);
        wrong.set_id(asked.id().wrapping_add(1));
        send(&upstream, &wrong, from);
        let mut of_another_class = answer(asked.clone(), 5);
        of_another_class.questions[0].unicast_response = true;
        send(&upstream, &of_another_class, from);
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
    let server = forwarder(&upstream, &["--timeout", "50"]);
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
    let server = forwarder(&upstream, &[]);
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
            let test = Name::new("test").unwrap();
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
                let zone = ResourceRecord::new(test, CLASS::IN, 3600, RData::SOA(zone));
                nothing.name_servers.push(zone);
            } else {
                // That this one lives on says nothing of the name.
                let other = ResourceRecord::new(test, CLASS::IN, 3600, RData::A(A { address: 1 }));
                nothing.additional_records.push(other);
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
    let server = forwarder(&upstream, &[]);
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

    // A class of its own, which the library takes for that of the Internet: the two must not share an answer.
    let mut other_class = query(5, "a.test");
    other_class.questions[0].unicast_response = true;
    send(&client, &other_class, server.addr());
    let (said, _) = next(&client, &mut buf);
    assert_eq!((said.id(), said.rcode()), (5, RCODE::FormatError));

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

/// There would be a program that looks well and answers nobody.
#[test]
fn a_socket_that_fails_for_good_ends_the_program_and_is_its_error() {
    if !may_trace() {
        return;
    }
    let mut strace = Command::new("strace");
    // With -D the server itself is our child, and strace its grandchild.
    strace.args(["-D", "-f", "-qq", "-o", "/dev/null"]);
    let inject = ["-e", "inject=recvmmsg:error=ENOTSOCK"];
    strace.args(inject).args(["--", DNS]);
    let mut server = Server::start_command(strace.args(["--upstream", "127.0.0.1:9"]));
    server.wait_for_log("error: no datagrams any more");
    assert_eq!(server.wait().code(), Some(1));
}
