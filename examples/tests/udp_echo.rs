//! The UDP echo server, with std's own sockets.

mod common;

use std::{net::UdpSocket, time::Duration};

use common::Server;
use examples::Random;
use rustix::process::Signal;

const UDP_ECHO: &str = env!("CARGO_BIN_EXE_udp-echo");

fn socket() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let limit = Some(Duration::from_secs(20));
    socket.set_read_timeout(limit).unwrap();
    socket
}

#[test]
fn each_datagram_comes_back_whole_to_its_sender() {
    let server = Server::start(UDP_ECHO, &["--threads", "2"]);
    let mut random = Random::new(1);
    for len in [1, 0, 64, 1_200, 65_507] {
        let peers = [socket(), socket(), socket()];
        let datagrams = peers.each_ref().map(|peer| {
            let mut datagram = vec![0; len];
            random.fill(&mut datagram);
            peer.send_to(&datagram, server.addr()).unwrap();
            datagram
        });
        for (peer, datagram) in peers.iter().zip(datagrams) {
            let mut received = vec![0; 70_000];
            let (n, from) = peer.recv_from(&mut received).unwrap();
            assert_eq!(from, server.addr());
            assert!(received[..n] == datagram, "{len} bytes");
        }
    }
}

#[test]
fn a_peer_that_has_gone_harms_nobody() {
    let server = Server::start(UDP_ECHO, &[]);
    for _ in 0..100 {
        socket().send_to(b"to nobody", server.addr()).unwrap();
    }
    let peer = socket();
    peer.send_to(b"to me", server.addr()).unwrap();
    let mut received = [0; 16];
    let (n, _) = peer.recv_from(&mut received).unwrap();
    assert_eq!(&received[..n], b"to me");
}

#[test]
fn a_signal_ends_it_with_exit_code_0() {
    let mut server = Server::start(UDP_ECHO, &[]);
    server.signal(Signal::TERM);
    assert!(server.wait().success());
}
