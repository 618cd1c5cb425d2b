//! A socket of IPv6 that speaks IPv4 as well: what is beside the datagrams of both.

mod common;

use std::{
    io::IoSliceMut,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket as StdUdp},
    os::fd::AsRawFd,
};

use common::{HANG, run};
use io_traits::task;
use net::{Ecn, RecvBatch, Transmit, UdpSocket};
use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt,
    sockopt::{Ipv4RecvTtl, Ipv6RecvHopLimit},
};
use reactor::Core;

/// A socket of both families, which hears all addresses of this machine; nothing where there is no IPv6.
fn dual(core: &Core) -> Option<(UdpSocket, u16)> {
    let socket = socket2::Socket::new(socket2::Domain::IPV6, socket2::Type::DGRAM, None).ok()?;
    socket.set_only_v6(false).unwrap();
    let any = SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0));
    let bound = StdUdp::bind("[::1]:0").and_then(|_| socket.bind(&any.into()));
    if bound.is_err() {
        eprintln!("skipped, there is no IPv6 here");
        return None;
    }
    let socket = UdpSocket::from_std(socket.into(), &core.handle()).unwrap();
    assert!(!socket.only_v6().unwrap());
    let port = socket.local_addr().unwrap().port();
    Some((socket, port))
}

/// A peer of each family, with the address by which it calls the other end.
fn peers() -> [(StdUdp, IpAddr); 2] {
    ["127.0.0.2", "::1"].map(|addr| {
        let addr: IpAddr = addr.parse().unwrap();
        let peer = StdUdp::bind((addr, 0)).unwrap();
        peer.set_read_timeout(Some(HANG)).unwrap();
        (peer, addr)
    })
}

/// As a socket of IPv6 calls it.
fn mapped(addr: SocketAddr) -> SocketAddr {
    match addr.ip() {
        IpAddr::V4(ip) => SocketAddr::from((ip.to_ipv6_mapped(), addr.port())),
        IpAddr::V6(_) => addr,
    }
}

#[test]
fn a_datagram_of_either_family_tells_where_it_went_and_its_answer_comes_from_there() {
    let mut core = Core::new().unwrap();
    let Some((socket, port)) = dual(&core) else {
        return;
    };
    socket.set_recv_destination(true).unwrap();
    socket.set_recv_timestamp(true).unwrap();
    for (peer, addr) in peers() {
        peer.send_to(b"question", (addr, port)).unwrap();
        let mut buf = [0; 16];
        let meta = run(&mut core, task::io(|| socket.recv_msg(&mut buf))).unwrap();
        assert_eq!(meta.from, mapped(peer.local_addr().unwrap()));
        assert_eq!(meta.to, Some(mapped((addr, 0).into()).ip()));
        assert!(meta.interface.is_some() && meta.timestamp.is_some());

        let mut answer = Transmit::new(b"answer")
            .to(meta.from)
            .from(meta.to.unwrap());
        socket.try_send_msg(&mut answer).unwrap();
        assert_eq!(peer.recv_from(&mut buf).unwrap(), (6, (addr, port).into()));
        // The plain address of IPv4 will do as well.
        let plain = SocketAddr::new(meta.from.ip().to_canonical(), meta.from.port());
        let mut answer = Transmit::new(b"plain").to(plain).from(addr);
        socket.try_send_msg(&mut answer).unwrap();
        assert_eq!(peer.recv_from(&mut buf).unwrap(), (5, (addr, port).into()));
        // And by the interface that the question has come in by.
        let interface = meta.interface.unwrap();
        let mut answer = Transmit::new(b"again").to(meta.from).interface(interface);
        socket.try_send_msg(&mut answer).unwrap();
        assert_eq!(peer.recv(&mut buf).unwrap(), 5);
    }
}

#[test]
fn marks_of_both_families_are_sent_and_received() {
    let mut core = Core::new().unwrap();
    let Some((socket, port)) = dual(&core) else {
        return;
    };
    for on in [true, false] {
        socket.set_recv_ecn(on).unwrap();
        assert_eq!(socket.recv_ecn().unwrap(), on);
        for target in [IpAddr::V4(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()] {
            let to = mapped((target, port).into());
            let (other, _) = dual(&core).unwrap();
            for (connected, ecn) in [(false, Ecn::Ect0), (false, Ecn::Ce), (true, Ecn::Ect1)] {
                // Connected, the transmit does not say which family it is of.
                let mut transmit = Transmit::new(b"x").ecn(ecn);
                if connected {
                    other.connect(&to).unwrap();
                } else {
                    transmit = transmit.to(to);
                }
                other.try_send_msg(&mut transmit).unwrap();
                let meta = run(&mut core, task::io(|| socket.recv_msg(&mut [0; 4]))).unwrap();
                assert_eq!(meta.ecn, on.then_some(ecn), "{to}, connected: {connected}");
            }
        }
    }
}

#[test]
fn segments_go_to_either_family_and_a_short_buffer_is_told() {
    let mut core = Core::new().unwrap();
    let Some((socket, port)) = dual(&core) else {
        return;
    };
    let payload: Vec<_> = (0..2500).map(|n| (n / 100) as u8).collect();
    for (peer, addr) in peers() {
        let to = mapped(peer.local_addr().unwrap());
        let mut transmit = Transmit::new(&payload).to(to).segments(100);
        socket.try_send_msg(&mut transmit).unwrap();
        for expected in payload.chunks(100) {
            let mut buf = [0; 200];
            let n = peer.recv(&mut buf).unwrap();
            assert_eq!(&buf[..n], expected);
        }
        peer.send_to(b"0123456789", (addr, port)).unwrap();
        peer.send_to(b"0123", (addr, port)).unwrap();
        let mut batch = RecvBatch::new(2, 4);
        let mut told = Vec::new();
        while told.len() < 2 {
            run(&mut core, task::io(|| socket.recv_batch(&mut batch))).unwrap();
            told.extend(
                batch
                    .iter()
                    .map(|it| (it.payload.to_vec(), it.meta.truncated)),
            );
        }
        assert_eq!(told, [(b"0123".to_vec(), true), (b"0123".to_vec(), false)]);
    }
    assert_eq!(socket.max_segments(), 64);
}

/// How many hops the datagram that comes next may take.
fn hops(socket: &StdUdp) -> i32 {
    let (mut buf, mut space) = ([0; 16], nix::cmsg_space!(i32));
    let mut bufs = [IoSliceMut::new(&mut buf)];
    let (fd, none) = (socket.as_raw_fd(), MsgFlags::empty());
    let message = recvmsg::<SockaddrStorage>(fd, &mut bufs, Some(&mut space), none).unwrap();
    match message.cmsgs().unwrap().next() {
        Some(ControlMessageOwned::Ipv4Ttl(hops) | ControlMessageOwned::Ipv6HopLimit(hops)) => hops,
        other => panic!("{other:?}"),
    }
}

#[test]
fn hops_are_limited_for_each_family_on_its_own() {
    let core = Core::new().unwrap();
    let Some((socket, _)) = dual(&core) else {
        return;
    };
    let [(four, _), (six, _)] = peers();
    setsockopt(&four, Ipv4RecvTtl, &true).unwrap();
    setsockopt(&six, Ipv6RecvHopLimit, &true).unwrap();
    for (ttl, limit) in [(9, 7), (3, 200)] {
        socket.set_ttl(ttl).unwrap();
        socket.set_hops_v6(limit).unwrap();
        assert_eq!(
            (socket.ttl().unwrap(), socket.hops_v6().unwrap()),
            (ttl, limit)
        );
        for (peer, expected) in [(&four, ttl), (&six, limit)] {
            let to = mapped(peer.local_addr().unwrap());
            socket.try_send_to(b"x", &to).unwrap();
            assert_eq!(hops(peer), expected as i32);
        }
    }
}
