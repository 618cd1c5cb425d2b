//! Datagrams through a `UdpSocket`: each of them whole, by every way in.

mod common;

use std::{
    cell::Cell,
    future::poll_fn,
    io::{self, ErrorKind},
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket as StdUdp},
    rc::Rc,
    task::{Context, Poll},
};

use common::{CountWakes, any_port, child, datagrams, run, settle, turn_until, with_cx};
use io_traits::task;
use net::UdpSocket;
use reactor::Core;

/// An operation in one of its forms; what is on the current task or needs none is wrapped.
type Operation = fn(&UdpSocket, &mut Context<'_>, &mut [u8]) -> Poll<io::Result<usize>>;

fn polled<T>(result: io::Result<T>) -> Poll<io::Result<T>> {
    match result {
        Err(error) if error.kind() == ErrorKind::WouldBlock => Poll::Pending,
        result => Poll::Ready(result),
    }
}

fn length(received: (usize, SocketAddr)) -> usize {
    received.0
}

/// All that wait when there is nothing, and have the task woken.
const RECEIVES: [Operation; 4] = [
    |socket, cx, buf| polled(task::enter(cx, || socket.recv(buf))),
    |socket, cx, buf| socket.poll_recv(cx, buf),
    |socket, cx, buf| polled(task::enter(cx, || socket.recv_from(buf)).map(length)),
    |socket, cx, buf| socket.poll_recv_from(cx, buf).map_ok(length),
];

const TRY_RECEIVES: [Operation; 2] = [
    |socket, _, buf| polled(socket.try_recv(buf)),
    |socket, _, buf| polled(socket.try_recv_from(buf).map(length)),
];

const PEEKS: [Operation; 4] = [
    |socket, cx, buf| polled(task::enter(cx, || socket.peek(buf))),
    |socket, cx, buf| socket.poll_peek(cx, buf),
    |socket, cx, buf| polled(task::enter(cx, || socket.peek_from(buf)).map(length)),
    |socket, cx, buf| socket.poll_peek_from(cx, buf).map_ok(length),
];

const TRY_PEEKS: [Operation; 2] = [
    |socket, _, buf| polled(socket.try_peek(buf)),
    |socket, _, buf| polled(socket.try_peek_from(buf).map(length)),
];

const SENDS: [Operation; 3] = [
    |socket, cx, buf| polled(task::enter(cx, || socket.send(buf))),
    |socket, cx, buf| socket.poll_send(cx, buf),
    |socket, _, buf| polled(socket.try_send(buf)),
];

const SENDS_TO: [Operation; 3] = [
    |socket, cx, buf| {
        let peer = socket.peer_addr().unwrap();
        polled(task::enter(cx, || socket.send_to(buf, &peer)))
    },
    |socket, cx, buf| socket.poll_send_to(cx, buf, &socket.peer_addr().unwrap()),
    |socket, _, buf| polled(socket.try_send_to(buf, &socket.peer_addr().unwrap())),
];

fn noop<R>(f: impl FnOnce(&mut Context<'_>) -> R) -> R {
    with_cx(std::task::Waker::noop(), f)
}

#[track_caller]
fn ok(polled: Poll<io::Result<usize>>) -> usize {
    match polled {
        Poll::Ready(Ok(n)) => n,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_way_of_receiving_gives_the_datagram_and_every_way_of_sending_sends_it() {
    let mut core = Core::new().unwrap();
    let (socket, peer) = datagrams(&core.handle());
    for receive in RECEIVES.into_iter().chain(TRY_RECEIVES) {
        for message in [b"one".as_slice(), b"", &[7; 9_000]] {
            assert_eq!(peer.send(message).unwrap(), message.len());
            settle(&mut core);
            let mut buf = [0; 10_000];
            let n = noop(|cx| ok(receive(&socket, cx, &mut buf)));
            assert_eq!(&buf[..n], message);
            assert!(noop(|cx| receive(&socket, cx, &mut buf)).is_pending());
        }
    }
    for send in SENDS.into_iter().chain(SENDS_TO) {
        for message in [b"one".as_slice(), b"", &[7; 9_000]] {
            let mut message = message.to_vec();
            assert_eq!(
                noop(|cx| ok(send(&socket, cx, &mut message))),
                message.len()
            );
            let mut buf = [0; 10_000];
            let n = peer.recv(&mut buf).unwrap();
            assert_eq!(buf[..n], message);
        }
    }
}

#[test]
fn every_way_of_waiting_is_woken_by_a_datagram() {
    let mut core = Core::new().unwrap();
    let (socket, peer) = datagrams(&core.handle());
    for wait in RECEIVES.into_iter().chain(PEEKS) {
        let (count, waker) = CountWakes::new();
        let mut buf = [0; 16];
        assert!(with_cx(&waker, |cx| wait(&socket, cx, &mut buf)).is_pending());
        settle(&mut core);
        assert_eq!(count.get(), 0);
        peer.send(b"wake").unwrap();
        turn_until(&mut core, || count.get() > 0);
        assert_eq!(ok(with_cx(&waker, |cx| wait(&socket, cx, &mut buf))), 4);
        while socket.try_recv(&mut buf).is_ok() {}
    }
}

#[test]
fn the_sender_is_told_and_each_gets_its_own_answer() {
    let mut core = Core::new().unwrap();
    let server = UdpSocket::bind(&any_port(), &core.handle()).unwrap();
    let addr = server.local_addr().unwrap();
    let clients: Vec<_> = (0..20_u8)
        .map(|n| {
            let client = StdUdp::bind(any_port()).unwrap();
            client.set_read_timeout(Some(common::HANG)).unwrap();
            client.send_to(&[n], addr).unwrap();
            client
        })
        .collect();
    run(&mut core, async {
        for _ in &clients {
            let mut buf = [0; 16];
            let look = task::io(|| server.peek_from(&mut buf)).await.unwrap();
            let (n, from) = task::io(|| server.recv_from(&mut buf)).await.unwrap();
            assert_eq!((n, from), look);
            task::io(|| server.send_to(&[buf[0], 100], &from))
                .await
                .unwrap();
        }
    });
    for (n, client) in clients.iter().enumerate() {
        let mut buf = [0; 16];
        assert_eq!(client.recv_from(&mut buf).unwrap(), (2, addr));
        assert_eq!(buf[..2], [n as u8, 100]);
    }
}

#[test]
fn a_datagram_of_no_bytes_is_one_and_not_the_end() {
    let mut core = Core::new().unwrap();
    let (socket, peer) = datagrams(&core.handle());
    for message in [b"".as_slice(), b"", b"after", b""] {
        peer.send(message).unwrap();
        let mut buf = [0; 16];
        let n = run(&mut core, task::io(|| socket.peek(&mut buf))).unwrap();
        assert_eq!(n, message.len());
        let (n, from) = run(&mut core, task::io(|| socket.recv_from(&mut buf))).unwrap();
        assert_eq!((&buf[..n], from), (message, peer.local_addr().unwrap()));
    }
    assert_eq!(
        socket.try_recv(&mut [0; 16]).unwrap_err().kind(),
        ErrorKind::WouldBlock
    );
}

#[test]
fn a_short_buffer_cuts_the_datagram_off_and_the_next_one_is_whole() {
    let mut core = Core::new().unwrap();
    let (socket, peer) = datagrams(&core.handle());
    for receive in RECEIVES.into_iter().chain(TRY_RECEIVES) {
        for room in [4, 0] {
            peer.send(b"0123456789").unwrap();
            peer.send(b"next").unwrap();
            settle(&mut core);
            let mut buf = [0; 16];
            for look in PEEKS.into_iter().chain(TRY_PEEKS) {
                assert_eq!(noop(|cx| ok(look(&socket, cx, &mut buf[..room]))), room);
            }
            let n = noop(|cx| ok(receive(&socket, cx, &mut buf[..room])));
            assert_eq!(&buf[..n], &b"0123456789"[..room]);
            let n = noop(|cx| ok(receive(&socket, cx, &mut buf)));
            assert_eq!(&buf[..n], b"next");
        }
        // An empty buffer waits for a datagram, as any other does.
        assert!(noop(|cx| receive(&socket, cx, &mut [])).is_pending());
    }
}

#[test]
fn a_peek_takes_nothing_and_says_would_block_without_losing_what_comes() {
    let mut core = Core::new().unwrap();
    let (socket, peer) = datagrams(&core.handle());
    for look in PEEKS.into_iter().chain(TRY_PEEKS) {
        let mut buf = [0; 16];
        assert!(noop(|cx| look(&socket, cx, &mut buf)).is_pending());
        peer.send(b"look").unwrap();
        run(&mut core, socket.readable()).unwrap();
        for room in [16, 2, 4] {
            let n = noop(|cx| ok(look(&socket, cx, &mut buf[..room])));
            assert_eq!(&buf[..n], &b"look"[..room.min(4)]);
        }
        assert_eq!(socket.try_recv(&mut buf).unwrap(), 4);
    }
}

/// Fills the receive queue before the loop has ever looked; 500 small ones fit.
fn five_hundred(core: &Core) -> UdpSocket {
    let (socket, peer) = datagrams(&core.handle());
    let queue = socket2::SockRef::from(&socket);
    queue.set_recv_buffer_size(1 << 20).unwrap();
    for n in 0..500_u16 {
        peer.send(&n.to_be_bytes()).unwrap();
    }
    socket
}

#[test]
fn five_hundred_datagrams_behind_one_edge_are_all_received_in_order() {
    let mut core = Core::new().unwrap();
    for receive in RECEIVES {
        let socket = five_hundred(&core);
        let before = core.handle().metrics().events;
        run(&mut core, async {
            for n in 0..500_u16 {
                let mut buf = [0; 16];
                let len = poll_fn(|cx| receive(&socket, cx, &mut buf)).await.unwrap();
                assert_eq!(buf[..len], n.to_be_bytes());
            }
        });
        let events = core.handle().metrics().events - before;
        assert!(events <= 1, "{events} events");
    }
    let socket = five_hundred(&core);
    run(&mut core, socket.readable()).unwrap();
    let mut received = 0;
    while socket.try_recv(&mut [0; 16]).is_ok() {
        received += 1;
    }
    assert_eq!(received, 500);
}

#[test]
fn a_flood_of_datagrams_leaves_others_their_turn() {
    let mut core = Core::new().unwrap();
    let socket = five_hundred(&core);
    let received = Rc::new(Cell::new(0));
    let counted = received.clone();
    drop(core.spawner().spawn(async move {
        while task::io(|| socket.recv(&mut [0; 16])).await.is_ok() {
            counted.set(counted.get() + 1);
        }
    }));
    let (mut last, mut most) = (0, 0);
    run(
        &mut core,
        poll_fn(|cx| {
            most = most.max(received.get() - last);
            last = received.get();
            if last == 500 {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        }),
    );
    assert!(most <= 128, "{most} datagrams in one poll");
}

#[test]
fn a_datagram_that_is_too_long_is_an_error_of_its_own_and_the_next_one_is_sent() {
    let mut core = Core::new().unwrap();
    let (socket, peer) = datagrams(&core.handle());
    let mut long = vec![0; 70_000];
    for send in SENDS.into_iter().chain(SENDS_TO) {
        for _ in 0..3 {
            let error = common::ready_err(noop(|cx| send(&socket, cx, &mut long)));
            assert_eq!(error.raw_os_error(), Some(libc::EMSGSIZE));
        }
        assert_eq!(noop(|cx| ok(send(&socket, cx, &mut [1, 2, 3]))), 3);
        assert_eq!(peer.recv(&mut [0; 16]).unwrap(), 3);
    }
    settle(&mut core);
    assert!(socket.take_error().unwrap().is_none());
}

#[test]
fn a_send_without_an_address_is_an_error_and_a_connected_socket_hears_its_peer_alone() {
    let mut core = Core::new().unwrap();
    let socket = UdpSocket::bind(&any_port(), &core.handle()).unwrap();
    let addr = socket.local_addr().unwrap();
    assert_eq!(
        socket.try_send(b"x").unwrap_err().raw_os_error(),
        Some(libc::EDESTADDRREQ)
    );
    assert_eq!(
        socket.peer_addr().unwrap_err().kind(),
        ErrorKind::NotConnected
    );
    let peers = [(); 2].map(|()| StdUdp::bind(any_port()).unwrap());
    for peer in &peers {
        socket.connect(&peer.local_addr().unwrap()).unwrap();
        assert_eq!(socket.peer_addr().unwrap(), peer.local_addr().unwrap());
        for from in &peers {
            from.send_to(&from.local_addr().unwrap().port().to_be_bytes(), addr)
                .unwrap();
        }
        let mut buf = [0; 2];
        run(&mut core, task::io(|| socket.recv(&mut buf))).unwrap();
        assert_eq!(u16::from_be_bytes(buf), peer.local_addr().unwrap().port());
        assert!(
            socket.try_recv(&mut buf).is_err(),
            "the other one was heard"
        );
    }
}

/// An error that stays is told each time: whoever goes on although it does is not our loop.
#[test]
fn an_error_that_stays_is_returned_at_once_and_every_time() {
    let test = "an_error_that_stays_is_returned_at_once_and_every_time";
    let inject = ["-e", "inject=recvfrom:error=ENETDOWN:when=2+"];
    let trace = child::traced(test, &inject, || {
        let mut core = Core::new().unwrap();
        let (socket, peer) = datagrams(&core.handle());
        peer.send(b"x").unwrap();
        child::watched(|| {
            run(&mut core, task::io(|| socket.recv(&mut [0; 4]))).unwrap();
            for _ in 0..3 {
                let error = run(&mut core, task::io(|| socket.recv(&mut [0; 4]))).unwrap_err();
                assert_eq!(error.raw_os_error(), Some(libc::ENETDOWN));
            }
        });
    });
    assert!(trace.is_none_or(|trace| trace.calls("recvfrom") == 4));
}

/// EPERM: a firewall rule; ENOBUFS: the queue of the interface is full, on some systems.
#[test]
fn a_send_that_fails_is_an_error_and_the_next_one_is_sent() {
    let test = "a_send_that_fails_is_an_error_and_the_next_one_is_sent";
    for name in ["EPERM", "ENOBUFS"] {
        let inject = format!("inject=sendto:error={name}:when=1");
        let trace = child::traced(test, &["-e", &inject], || {
            let mut core = Core::new().unwrap();
            let (socket, peer) = datagrams(&core.handle());
            let error = run(&mut core, task::io(|| socket.send(b"lost"))).unwrap_err();
            // The child is the same for both errors and does not know which.
            assert!([libc::EPERM, libc::ENOBUFS].contains(&error.raw_os_error().unwrap()));
            run(&mut core, task::io(|| socket.send(b"next"))).unwrap();
            let mut buf = [0; 16];
            assert_eq!(peer.recv(&mut buf).unwrap(), 4);
            assert_eq!(&buf[..4], b"next");
        });
        assert!(trace.is_none_or(|trace| trace.lines("INJECTED") == 1));
    }
}

#[test]
fn a_socket_comes_from_std_and_goes_back_as_it_was() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let (socket, peer) = datagrams(&handle);
    let addr = socket.local_addr().unwrap();
    let std = socket.into_std().unwrap();
    assert_eq!(handle.metrics().registered, 0);
    assert_eq!(
        std.recv(&mut [0; 4]).unwrap_err().kind(),
        ErrorKind::WouldBlock
    );
    std.set_nonblocking(false).unwrap();
    peer.send(b"waits").unwrap();
    let socket = UdpSocket::from_std(std, &handle).unwrap();
    assert_eq!(socket.local_addr().unwrap(), addr);
    let n = run(&mut core, task::io(|| socket.recv(&mut [0; 16]))).unwrap();
    assert_eq!(n, 5);
    assert!(noop(|cx| socket.poll_recv(cx, &mut [0; 16])).is_pending());
}

#[test]
fn options_are_what_they_were_set_to() {
    let core = Core::new().unwrap();
    let socket = UdpSocket::bind(&any_port(), &core.handle()).unwrap();
    for on in [true, false, true] {
        socket.set_broadcast(on).unwrap();
        assert_eq!(socket.broadcast().unwrap(), on);
        socket.set_multicast_loop_v4(on).unwrap();
        assert_eq!(socket.multicast_loop_v4().unwrap(), on);
    }
    for hops in [1, 64] {
        socket.set_ttl(hops).unwrap();
        assert_eq!(socket.ttl().unwrap(), hops);
        socket.set_multicast_ttl_v4(hops + 1).unwrap();
        assert_eq!(socket.multicast_ttl_v4().unwrap(), hops + 1);
    }
    let group = Ipv4Addr::new(239, 1, 2, 3);
    let localhost = Ipv4Addr::LOCALHOST;
    socket.join_multicast_v4(&group, &localhost).unwrap();
    let error = socket.join_multicast_v4(&group, &localhost).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
    socket.leave_multicast_v4(&group, &localhost).unwrap();
    let error = socket.leave_multicast_v4(&group, &localhost).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrNotAvailable);
    assert!(socket.take_error().unwrap().is_none());
}

#[test]
fn options_of_version_six_are_what_they_were_set_to() {
    let core = Core::new().unwrap();
    let Ok(socket) = UdpSocket::bind(&"[::1]:0".parse().unwrap(), &core.handle()) else {
        eprintln!("skipped, there is no IPv6 here");
        return;
    };
    for on in [false, true] {
        socket.set_multicast_loop_v6(on).unwrap();
        assert_eq!(socket.multicast_loop_v6().unwrap(), on);
    }
    let v6 = socket2::Socket::new(socket2::Domain::IPV6, socket2::Type::DGRAM, None).unwrap();
    v6.set_only_v6(true).unwrap();
    v6.bind(&"[::1]:0".parse::<SocketAddr>().unwrap().into())
        .unwrap();
    let only = UdpSocket::from_std(v6.into(), &core.handle()).unwrap();
    assert!(only.only_v6().unwrap());
    let group = Ipv6Addr::new(0xff01, 0, 0, 0, 0, 0, 0, 0x1234);
    // The loopback interface is the first one, and may not know groups.
    if socket.join_multicast_v6(&group, 1).is_ok() {
        socket.leave_multicast_v6(&group, 1).unwrap();
    }
    assert!(socket.leave_multicast_v6(&group, 1).is_err());
}

#[test]
fn sockets_and_senders_may_be_sent_and_shared_and_are_printed() {
    fn both<T: Send + Sync + std::fmt::Debug>(_: &T) {}
    let core = Core::new().unwrap();
    let socket = std::sync::Arc::new(datagrams(&core.handle()).0);
    both(&*socket);
    both(&socket.sender());
    both(&net::RecvBatch::new(1, 1));
    both(&net::Transmit::new(b"x"));
    assert!(format!("{socket:?}").starts_with("UdpSocket"), "{socket:?}");
}
