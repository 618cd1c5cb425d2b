//! Options that are set before a socket listens or connects.

mod common;

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpListener as StdListener},
    time::Duration,
};

use common::{HANG, any_port, child, run, settle};
use futures::future::join_all;
use io_traits::{
    io::{read_exact, write_all},
    task,
};
use net::{TcpBuilder, TcpStream};
use reactor::Core;
use socket2::{Domain, SockRef, Socket, Type};

/// All options that listeners and streams have in common, each with a value that is not the default.
fn everything() -> TcpBuilder {
    TcpBuilder::new()
        .recv_buffer_size(20_000)
        .send_buffer_size(30_000)
        .nodelay(true)
        .keepalive(Duration::from_secs(77))
        .keepalive_retries(Duration::from_secs(7), 3)
        .ttl(33)
        .tos(0x10)
        .user_timeout(Duration::from_millis(4_321))
}

fn assert_everything(socket: &SockRef<'_>) {
    // Linux doubles what it is given.
    assert_eq!(socket.recv_buffer_size().unwrap(), 40_000);
    assert_eq!(socket.send_buffer_size().unwrap(), 60_000);
    assert!(socket.tcp_nodelay().unwrap());
    assert!(socket.keepalive().unwrap());
    assert_eq!(
        socket.tcp_keepalive_time().unwrap(),
        Duration::from_secs(77)
    );
    assert_eq!(
        socket.tcp_keepalive_interval().unwrap(),
        Duration::from_secs(7)
    );
    assert_eq!(socket.tcp_keepalive_retries().unwrap(), 3);
    assert_eq!(
        socket.tcp_user_timeout().unwrap(),
        Some(Duration::from_millis(4_321))
    );
}

#[test]
fn every_option_reaches_the_listener_its_connections_and_the_stream_that_connects() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let listener = everything().listen(&any_port(), &handle).unwrap();
    let addr = listener.local_addr().unwrap();
    let connect = everything().connect(&addr, &handle);
    let (stream, accepted) = run(&mut core, async {
        futures::join!(connect, task::io(|| listener.accept()))
    });
    let (stream, accepted) = (stream.unwrap(), accepted.unwrap().0);
    for socket in [
        SockRef::from(&listener),
        SockRef::from(&stream),
        SockRef::from(&accepted),
    ] {
        assert_everything(&socket);
    }
    for socket in [SockRef::from(&listener), SockRef::from(&stream)] {
        assert_eq!(socket.ttl_v4().unwrap(), 33);
        assert_eq!(socket.tos_v4().unwrap(), 0x10);
    }
    assert_eq!(listener.ttl().unwrap(), 33);
    listener.set_ttl(34).unwrap();
    assert_eq!(listener.ttl().unwrap(), 34);
}

/// 0 is no time to the system: it refuses it, or takes it for "as long as usual", which is many minutes.
#[test]
fn a_time_that_is_no_whole_number_of_units_is_rounded_up_and_never_none() {
    let core = Core::new().unwrap();
    for (given, seconds, milliseconds) in [
        (Duration::ZERO, 1, 1),
        (Duration::from_nanos(1), 1, 1),
        (Duration::from_micros(1_001), 1, 2),
        (Duration::from_millis(999), 1, 999),
        (Duration::from_millis(1_000), 1, 1_000),
        (Duration::from_millis(2_500), 3, 2_500),
    ] {
        let builder = TcpBuilder::new()
            .keepalive(given)
            .keepalive_retries(given, 3)
            .user_timeout(given);
        let listener = builder.listen(&any_port(), &core.handle()).unwrap();
        let socket = SockRef::from(&listener);
        let (seconds, milliseconds) = (
            Duration::from_secs(seconds),
            Duration::from_millis(milliseconds),
        );
        assert_eq!(socket.tcp_keepalive_time().unwrap(), seconds);
        assert_eq!(socket.tcp_keepalive_interval().unwrap(), seconds);
        assert_eq!(socket.tcp_user_timeout().unwrap(), Some(milliseconds));
    }
}

#[test]
fn without_options_a_socket_is_as_the_system_makes_it() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let plain = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let peer = StdListener::bind(any_port()).unwrap();
    let connect = TcpBuilder::new().connect(&peer.local_addr().unwrap(), &handle);
    let stream = run(&mut core, connect).unwrap();
    let socket = SockRef::from(&stream);
    assert!(!socket.reuse_address().unwrap());
    assert!(!socket.reuse_port().unwrap());
    assert!(!socket.keepalive().unwrap());
    assert!(!socket.tcp_nodelay().unwrap());
    assert_eq!(socket.linger().unwrap(), None);
    assert_eq!(socket.ttl_v4().unwrap(), plain.ttl_v4().unwrap());
    let listener = TcpBuilder::new().listen(&any_port(), &handle).unwrap();
    assert!(SockRef::from(&listener).reuse_address().unwrap());
    assert!(!SockRef::from(&listener).reuse_port().unwrap());
    let listener = TcpBuilder::new().reuse_address(false);
    let listener = listener.listen(&any_port(), &handle).unwrap();
    assert!(!SockRef::from(&listener).reuse_address().unwrap());
}

#[test]
fn ipv6_has_its_own_hops_and_traffic_class_and_may_refuse_ipv4() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let any: SocketAddr = "[::]:0".parse().unwrap();
    for only_v6 in [true, false] {
        let builder = TcpBuilder::new().only_v6(only_v6).ttl(33).tos(0x10);
        let Ok(listener) = builder.listen(&any, &handle) else {
            eprintln!("skipped, there is no IPv6 here");
            return;
        };
        let socket = SockRef::from(&listener);
        assert_eq!(socket.only_v6().unwrap(), only_v6);
        assert_eq!(socket.unicast_hops_v6().unwrap(), 33);
        assert_eq!(socket.tclass_v6().unwrap(), 0x10);
        let port = listener.local_addr().unwrap().port();
        let v4 = SocketAddr::from(([127, 0, 0, 1], port));
        let connected = run(&mut core, TcpStream::connect(&v4, &handle));
        assert_eq!(connected.is_err(), only_v6);
    }
}

#[test]
fn a_stream_connects_from_the_address_it_was_bound_to() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let listener = StdListener::bind(any_port()).unwrap();
    let to = listener.local_addr().unwrap();
    let here: SocketAddr = "127.0.0.9:0".parse().unwrap();
    let stream = run(
        &mut core,
        TcpBuilder::new().bind(here).connect(&to, &handle),
    )
    .unwrap();
    assert_eq!(stream.local_addr().unwrap().ip(), here.ip());
    assert_eq!(listener.accept().unwrap().1, stream.local_addr().unwrap());
    // What is wrong with the address comes from the future.
    let not_ours = TcpBuilder::new().bind("192.0.2.1:0".parse().unwrap());
    let error = run(&mut core, not_ours.connect(&to, &handle)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrNotAvailable);
}

#[test]
fn listeners_that_share_a_port_share_its_connections() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let builder = TcpBuilder::new().reuse_port(true);
    let one = builder.listen(&any_port(), &handle).unwrap();
    let addr = one.local_addr().unwrap();
    let error = TcpBuilder::new().listen(&addr, &handle).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
    let two = builder.listen(&addr, &handle).unwrap();
    let connects = join_all((0..100).map(|_| TcpStream::connect(&addr, &handle)));
    let connected = run(&mut core, connects);
    assert!(connected.iter().all(Result::is_ok));
    let accepted =
        [one, two].map(|listener| std::iter::from_fn(|| listener.try_accept().ok()).count());
    assert_eq!(accepted[0] + accepted[1], 100);
    assert!(!accepted.contains(&0), "{accepted:?}");
}

#[test]
fn no_more_connections_are_made_than_the_backlog_has_room_for() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let listener = TcpBuilder::new().backlog(3).listen(&any_port(), &handle);
    let listener = listener.unwrap();
    let addr = listener.local_addr().unwrap();
    let connects: Vec<_> = (0..10)
        .map(|_| core.spawner().spawn(TcpStream::connect(&addr, &handle)))
        .collect();
    // Linux has room for one more than it was asked for.
    common::turn_until(&mut core, || {
        connects.iter().filter(|it| it.is_finished()).count() >= 4
    });
    settle(&mut core);
    assert_eq!(connects.iter().filter(|it| it.is_finished()).count(), 4);
}

#[test]
fn a_stream_that_aborts_on_drop_resets_its_peer() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let listener = StdListener::bind(any_port()).unwrap();
    let to = listener.local_addr().unwrap();
    for abort in [true, false] {
        let builder = TcpBuilder::new().abort_on_drop(abort);
        let stream = run(&mut core, builder.connect(&to, &handle)).unwrap();
        let mut peer = listener.accept().unwrap().0;
        peer.set_read_timeout(Some(HANG)).unwrap();
        drop(stream);
        match peer.read(&mut [0; 4]) {
            Ok(n) => assert!(n == 0 && !abort),
            Err(error) => assert!(abort && error.kind() == ErrorKind::ConnectionReset),
        }
    }
}

#[test]
fn a_socket_that_somebody_else_has_set_up_is_connected() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let listener = StdListener::bind(any_port()).unwrap();
    let to = listener.local_addr().unwrap();
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket
        .bind(&"127.0.0.8:0".parse::<SocketAddr>().unwrap().into())
        .unwrap();
    let connect = TcpStream::connect_std(socket.into(), &to, &handle);
    let mut stream = run(&mut core, connect).unwrap();
    let (mut peer, from) = listener.accept().unwrap();
    assert_eq!(from.ip().to_string(), "127.0.0.8");
    run(&mut core, write_all(&mut stream, b"hello")).unwrap();
    let mut buf = [0; 5];
    peer.read_exact(&mut buf).unwrap();
    assert_eq!(&buf, b"hello");
    // A socket of the wrong family; and one that is connected already.
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let v6 = "[::1]:1".parse().unwrap();
    run(
        &mut core,
        TcpStream::connect_std(socket.into(), &v6, &handle),
    )
    .unwrap_err();
    let stream = std::net::TcpStream::connect(to).unwrap();
    let error = run(&mut core, TcpStream::connect_std(stream, &to, &handle)).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::EISCONN));
}

/// To a listener that has never been heard of it is an ordinary connection.
#[test]
fn with_fast_open_a_stream_connects_and_is_refused_as_without_it() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let builder = TcpBuilder::new().fast_open(true);
    let listener = builder.listen(&any_port(), &handle).unwrap();
    let addr = listener.local_addr().unwrap();
    for _ in 0..2 {
        let (sent, received) = run(&mut core, async {
            let send = async {
                let mut stream = builder.connect(&addr, &handle).await?;
                write_all(&mut stream, b"hello").await
            };
            let receive = async {
                let mut stream = task::io(|| listener.accept()).await?.0;
                let mut buf = [0; 5];
                read_exact(&mut stream, &mut buf).await.map(|()| buf)
            };
            futures::join!(send, receive)
        });
        sent.unwrap();
        assert_eq!(&received.unwrap(), b"hello");
    }
    drop(listener);
    let error = run(&mut core, async {
        let mut stream = builder.connect(&addr, &handle).await?;
        // If it connects with the first write, that is when it is refused.
        write_all(&mut stream, b"hello").await?;
        read_exact(&mut stream, &mut [0; 1]).await
    });
    assert_eq!(error.unwrap_err().kind(), ErrorKind::ConnectionRefused);
}

/// In a network of its own, where fast open may be switched on for both sides.
#[test]
fn with_fast_open_the_first_bytes_travel_with_the_request_to_connect() {
    let test = "with_fast_open_the_first_bytes_travel_with_the_request_to_connect";
    let both = "echo 3 > /proc/sys/net/ipv4/tcp_fastopen";
    child::in_namespaces(test, &[], both, || {
        let mut core = Core::new().unwrap();
        let handle = core.handle();
        let builder = TcpBuilder::new().fast_open(true);
        let listener = builder.listen(&any_port(), &handle).unwrap();
        let addr = listener.local_addr().unwrap();
        // The first connection makes the server known; it is an ordinary one.
        let first = run(&mut core, builder.connect(&addr, &handle)).unwrap();
        run(&mut core, task::io(|| listener.accept())).unwrap();
        drop(first);
        let mut second = run(&mut core, builder.connect(&addr, &handle)).unwrap();
        // Nothing has been sent yet: nobody knows of it.
        assert_eq!(
            second.peer_addr().unwrap_err().kind(),
            ErrorKind::NotConnected
        );
        assert_eq!(
            listener.try_accept().unwrap_err().kind(),
            ErrorKind::WouldBlock
        );
        run(&mut core, write_all(&mut second, b"hello")).unwrap();
        let (mut accepted, _) = run(&mut core, task::io(|| listener.accept())).unwrap();
        let mut buf = [0; 5];
        run(&mut core, read_exact(&mut accepted, &mut buf)).unwrap();
        assert_eq!(&buf, b"hello");
        run(&mut core, write_all(&mut accepted, b"world")).unwrap();
        run(&mut core, read_exact(&mut second, &mut buf)).unwrap();
        assert_eq!(&buf, b"world");
    });
}

#[test]
fn a_connection_accepted_for_use_elsewhere_is_a_blocking_one_of_std() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let (listener, addr) = common::listen(&handle);
    let before = handle.metrics().registered;
    let mut peer = std::net::TcpStream::connect(addr).unwrap();
    let (mut stream, from) = run(&mut core, task::io(|| listener.accept_std())).unwrap();
    assert_eq!(from, peer.local_addr().unwrap());
    assert_eq!(handle.metrics().registered, before);
    assert!(!SockRef::from(&stream).nonblocking().unwrap());
    peer.write_all(b"hello").unwrap();
    let mut buf = [0; 5];
    stream.read_exact(&mut buf).unwrap();
    assert_eq!(&buf, b"hello");
}

#[test]
fn a_listener_goes_to_std_and_comes_back_with_its_queue() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let (listener, addr) = common::listen(&handle);
    assert_eq!(
        listener.try_accept().unwrap_err().kind(),
        ErrorKind::WouldBlock
    );
    let peer = std::net::TcpStream::connect(addr).unwrap();
    run(&mut core, listener.readable()).unwrap();
    let listener = listener.into_std().unwrap();
    assert_eq!(handle.metrics().registered, 0);
    let listener = net::TcpListener::from_std(listener, &handle).unwrap();
    let (_, from) = run(&mut core, task::io(|| listener.accept())).unwrap();
    assert_eq!(from, peer.local_addr().unwrap());
}
