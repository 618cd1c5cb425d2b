//! Groups: who hears them, and the interface by which they are sent to.

mod common;

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket as StdUdp};

use common::{any_port, child, datagrams, run};
use io_traits::task;
use net::UdpSocket;
use nix::net::if_::if_nametoindex;
use reactor::Core;

const FOUR: Ipv4Addr = Ipv4Addr::new(239, 1, 2, 4);
const SIX: Ipv6Addr = Ipv6Addr::new(0xff12, 0, 0, 0, 0, 0, 0, 0x1234);

#[test]
fn a_group_hears_what_is_sent_to_it() {
    let mut core = Core::new().unwrap();
    let member = UdpSocket::bind(&"0.0.0.0:0".parse().unwrap(), &core.handle()).unwrap();
    member
        .join_multicast_v4(&FOUR, &Ipv4Addr::LOCALHOST)
        .unwrap();
    let (sender, _peer) = datagrams(&core.handle());
    sender.set_multicast_if_v4(&Ipv4Addr::LOCALHOST).unwrap();
    assert_eq!(sender.multicast_if_v4().unwrap(), Ipv4Addr::LOCALHOST);
    let target = SocketAddr::from((FOUR, member.local_addr().unwrap().port()));
    let mut buf = [0; 16];
    let (n, from) = run(&mut core, async {
        task::io(|| sender.send_to(b"all", &target)).await.unwrap();
        task::io(|| member.recv_from(&mut buf)).await.unwrap()
    });
    assert_eq!(
        (&buf[..n], from),
        (&b"all"[..], sender.local_addr().unwrap())
    );
}

#[test]
fn a_member_for_one_source_hears_that_alone_until_it_leaves() {
    let mut core = Core::new().unwrap();
    let group = Ipv4Addr::new(232, 1, 2, 5);
    let [wanted, other] = [[127, 0, 0, 2], [127, 0, 0, 3]].map(|addr| {
        let socket = StdUdp::bind((Ipv4Addr::from(addr), 0)).unwrap();
        let raw = socket2::SockRef::from(&socket);
        raw.set_multicast_if_v4(&Ipv4Addr::LOCALHOST).unwrap();
        socket
    });
    let member = UdpSocket::bind(&"0.0.0.0:0".parse().unwrap(), &core.handle()).unwrap();
    // Or it would hear of groups that others on this machine have joined.
    socket2::SockRef::from(&member)
        .set_multicast_all_v4(false)
        .unwrap();
    let source = Ipv4Addr::new(127, 0, 0, 2);
    let target = SocketAddr::from((group, member.local_addr().unwrap().port()));
    member
        .join_ssm_v4(&source, &group, &Ipv4Addr::LOCALHOST)
        .unwrap();
    for _ in 0..3 {
        other.send_to(b"other", target).unwrap();
        wanted.send_to(b"wanted", target).unwrap();
        let (n, from) = run(&mut core, task::io(|| member.recv_from(&mut [0; 16]))).unwrap();
        assert_eq!((n, from), (6, wanted.local_addr().unwrap()));
    }
    member
        .leave_ssm_v4(&source, &group, &Ipv4Addr::LOCALHOST)
        .unwrap();
    wanted.send_to(b"unheard", target).unwrap();
    let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, target.port()));
    other.send_to(b"the end", addr).unwrap();
    let (_, from) = run(&mut core, task::io(|| member.recv_from(&mut [0; 16]))).unwrap();
    assert_eq!(from, other.local_addr().unwrap());
    assert!(member.try_recv(&mut [0; 16]).is_err());
}

#[test]
fn interface_and_hops_of_version_six_are_what_they_were_set_to() {
    let core = Core::new().unwrap();
    let Ok(socket) = UdpSocket::bind(&"[::1]:0".parse().unwrap(), &core.handle()) else {
        eprintln!("skipped, there is no IPv6 here");
        return;
    };
    for hops in [1, 64] {
        socket.set_hops_v6(hops).unwrap();
        assert_eq!(socket.hops_v6().unwrap(), hops);
        socket.set_multicast_hops_v6(hops + 1).unwrap();
        assert_eq!(socket.multicast_hops_v6().unwrap(), hops + 1);
    }
    // The loopback interface is the first one, and no machine has that many.
    socket.set_multicast_if_v6(1).unwrap();
    assert_eq!(socket.multicast_if_v6().unwrap(), 1);
    assert!(socket.set_multicast_if_v6(1 << 30).is_err());
    assert!(
        UdpSocket::bind(&any_port(), &core.handle())
            .unwrap()
            .hops_v6()
            .is_err()
    );
}

/// Two interfaces with a cable between them, and a member of the groups at both. What may take no hop does
/// not leave by the cable, and is heard at the interface that it was sent by alone.
#[test]
fn what_is_sent_to_a_group_goes_by_the_interface_that_was_chosen() {
    let test = "what_is_sent_to_a_group_goes_by_the_interface_that_was_chosen";
    let setup = "ip link add left type veth peer name right
for side in left right; do ip link set $side addrgenmode none; done
ip addr add 10.78.0.1/24 dev left
ip addr add 10.78.1.1/24 dev right
for side in left right; do ip link set $side up; done
ip addr add fe80::1/64 dev left nodad
ip addr add fe80::2/64 dev right nodad";
    child::in_namespaces(test, &[], setup, || {
        let mut core = Core::new().unwrap();
        let bind = |addr: &str| UdpSocket::bind(&addr.parse().unwrap(), &core.handle()).unwrap();
        let sides = [("left", [10, 78, 0, 1]), ("right", [10, 78, 1, 1])]
            .map(|(name, addr)| (if_nametoindex(name).unwrap(), Ipv4Addr::from(addr)));
        let (member, sender) = (bind("0.0.0.0:0"), bind("0.0.0.0:0"));
        let (member6, sender6) = (bind("[::]:0"), bind("[::]:0"));
        for (index, addr) in &sides {
            member.join_multicast_v4(&FOUR, addr).unwrap();
            member6.join_multicast_v6(&SIX, *index).unwrap();
        }
        let to = |socket: &UdpSocket, ip| SocketAddr::new(ip, socket.local_addr().unwrap().port());
        let (four, six) = (to(&member, FOUR.into()), to(&member6, SIX.into()));
        member.set_recv_destination(true).unwrap();
        member6.set_recv_destination(true).unwrap();
        sender.set_multicast_ttl_v4(0).unwrap();
        sender6.set_multicast_hops_v6(0).unwrap();
        for (index, addr) in sides {
            sender.set_multicast_if_v4(&addr).unwrap();
            sender6.set_multicast_if_v6(index).unwrap();
            sender.try_send_to(b"x", &four).unwrap();
            sender6.try_send_to(b"x", &six).unwrap();
            for (socket, group) in [(&member, four.ip()), (&member6, six.ip())] {
                let meta = run(&mut core, task::io(|| socket.recv_msg(&mut [0; 4]))).unwrap();
                assert_eq!((meta.to, meta.interface), (Some(group), Some(index)));
                assert!(socket.try_recv(&mut [0; 4]).is_err());
            }
        }
        // With a hop it is heard at both ends of the cable.
        sender6.set_multicast_hops_v6(1).unwrap();
        sender6.try_send_to(b"x", &six).unwrap();
        let mut heard_at = [0; 2].map(|_| {
            let meta = run(&mut core, task::io(|| member6.recv_msg(&mut [0; 4]))).unwrap();
            meta.interface.unwrap()
        });
        let mut both = sides.map(|(index, _)| index);
        heard_at.sort_unstable();
        both.sort_unstable();
        assert_eq!(heard_at, both);
    });
}
