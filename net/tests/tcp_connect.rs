//! Making connections, and failing to.

mod common;

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpListener as StdListener},
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use common::{
    CountWakes, any_port, assert_gone, child, listen, open_descriptors, poll_with, run, settle,
};
use futures::{FutureExt, future::join_all};
use io_traits::{io as async_io, task};
use net::{TcpListener, TcpStream};
use reactor::Core;
use socket2::{Domain, Socket, Type};

/// A port that nobody listens on; it is ours as long as the socket lives.
fn nobody() -> (Socket, SocketAddr) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&any_port().into()).unwrap();
    let addr = socket.local_addr().unwrap().as_socket().unwrap();
    (socket, addr)
}

/// A listener that accepts nothing and whose queue holds one connection at most.
fn deaf() -> Socket {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&any_port().into()).unwrap();
    socket.listen(1).unwrap();
    socket
}

#[test]
fn a_connection_that_is_made_is_connected_and_can_be_used_at_once() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let listener = StdListener::bind(any_port()).unwrap();
    let addr = listener.local_addr().unwrap();
    let mut stream = run(&mut core, TcpStream::connect(&addr, &handle)).unwrap();
    let (mut peer, from) = listener.accept().unwrap();
    assert_eq!(stream.peer_addr().unwrap(), addr);
    assert_eq!(stream.local_addr().unwrap(), from);
    assert!(stream.take_error().unwrap().is_none());
    peer.write_all(b"hello").unwrap();
    let mut buf = [0; 5];
    run(&mut core, async_io::read_exact(&mut stream, &mut buf)).unwrap();
    run(&mut core, async_io::write_all(&mut stream, &buf)).unwrap();
    peer.read_exact(&mut buf).unwrap();
    assert_eq!(&buf, b"hello");
}

/// What the peer sends and its close may all have come before the first read.
#[test]
fn a_greeting_and_a_close_before_the_first_read_both_arrive() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let listener = StdListener::bind(any_port()).unwrap();
    let addr = listener.local_addr().unwrap();
    for _ in 0..50 {
        let mut stream = run(&mut core, TcpStream::connect(&addr, &handle)).unwrap();
        listener.accept().unwrap().0.write_all(b"bye").unwrap();
        let mut all = Vec::new();
        run(&mut core, async_io::copy(&mut stream, &mut all)).unwrap();
        assert_eq!(all, b"bye");
    }
}

#[test]
fn a_refused_connection_is_connection_refused_with_its_code_and_leaves_nothing() {
    child::alone(
        "a_refused_connection_is_connection_refused_with_its_code_and_leaves_nothing",
        || {
            let mut core = Core::new().unwrap();
            let handle = core.handle();
            let (_socket, nobody) = nobody();
            let descriptors = open_descriptors();
            for _ in 0..20 {
                let error = run(&mut core, TcpStream::connect(&nobody, &handle)).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
                assert_eq!(error.raw_os_error(), Some(libc::ECONNREFUSED));
            }
            assert_eq!(handle.metrics().registered, 0);
            assert_eq!(open_descriptors(), descriptors);
        },
    );
}

#[test]
fn an_error_before_the_socket_is_even_made_comes_from_the_future_too() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let broadcast: SocketAddr = "255.255.255.255:1".parse().unwrap();
    let connect = TcpStream::connect(&broadcast, &handle);
    run(&mut core, connect).unwrap_err();
    assert_eq!(handle.metrics().registered, 0);
}

#[test]
fn a_connection_that_never_completes_ends_with_its_time_limit_and_is_given_up() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let listener = deaf();
    let addr = listener.local_addr().unwrap().as_socket().unwrap();
    let mut made = Vec::new();
    let error = loop {
        let connect = TcpStream::connect(&addr, &handle);
        // The queue is full when one does not complete; that one would take minutes to fail.
        match run(
            &mut core,
            handle.timeout(Duration::from_millis(100), connect),
        ) {
            Ok(stream) => made.push(stream.unwrap()),
            Err(error) => break error,
        }
        assert!(made.len() < 100, "the queue never gets full");
    };
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert_eq!(handle.metrics().registered, made.len() as u64);
    // What was made works, once somebody accepts it.
    let peer = listener.accept().unwrap().0;
    run(&mut core, async_io::write_all(&mut &made[0], b"x")).unwrap();
    assert_eq!(Read::read(&mut &peer, &mut [0; 4]).unwrap(), 1);
}

#[test]
fn a_connection_that_is_dropped_half_made_closes_its_socket() {
    child::alone(
        "a_connection_that_is_dropped_half_made_closes_its_socket",
        || {
            let mut core = Core::new().unwrap();
            let handle = core.handle();
            let listener = deaf();
            let addr = listener.local_addr().unwrap().as_socket().unwrap();
            let descriptors = open_descriptors();
            for _ in 0..20 {
                let mut connect = TcpStream::connect(&addr, &handle);
                let _ = (&mut connect).now_or_never();
                core.turn(Some(Duration::ZERO)).unwrap();
                drop(connect);
            }
            assert_eq!(handle.metrics().registered, 0);
            assert_eq!(open_descriptors(), descriptors);
        },
    );
}

#[test]
fn whoever_waits_for_a_connection_is_woken_when_the_core_goes() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    // One that has been made by then, which nobody has looked at.
    let (_ours, addr) = listen(&handle);
    let made = TcpStream::connect(&addr, &handle);
    settle(&mut core);
    let listener = deaf();
    let addr = listener.local_addr().unwrap().as_socket().unwrap();
    let mut connects: Vec<_> = (0..4)
        .map(|_| (TcpStream::connect(&addr, &handle), CountWakes::new()))
        .collect();
    let mut never_polled = TcpStream::connect(&addr, &handle);
    // Nothing is known of those that are made already before the core turns.
    for (connect, (_, waker)) in &mut connects {
        assert!(poll_with(connect, waker).is_pending());
    }
    drop(core);
    for (connect, (count, _)) in &mut connects {
        assert!(count.get() > 0);
        assert_gone(connect.now_or_never().expect("a hang"));
    }
    assert_gone((&mut never_polled).now_or_never().expect("a hang"));
    assert_gone(made.now_or_never().expect("a hang"));
}

#[test]
fn a_connection_is_not_made_before_the_peer_has_answered() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let listener = deaf();
    let addr = listener.local_addr().unwrap().as_socket().unwrap();
    // More than the queue takes: the rest waits, and is made as the queue gets room.
    let connects: Vec<_> = (0..6)
        .map(|_| core.spawner().spawn(TcpStream::connect(&addr, &handle)))
        .collect();
    common::turn_until(&mut core, || {
        connects.iter().any(|connect| connect.is_finished())
    });
    assert!(connects.iter().any(|connect| !connect.is_finished()));
    for connect in &connects {
        connect.abort();
    }
    for connected in run(&mut core, join_all(connects)).into_iter().flatten() {
        connected.unwrap().peer_addr().unwrap();
    }
}

#[test]
fn many_connections_at_once_are_all_made() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let (listener, addr) = listen(&handle);
    let connects = join_all((0..200).map(|_| TcpStream::connect(&addr, &handle)));
    let accepts = async {
        let mut accepted = Vec::new();
        for _ in 0..200 {
            accepted.push(task::io(|| listener.accept()).await.unwrap().1);
        }
        accepted
    };
    let (connected, mut accepted) = run(&mut core, async { futures::join!(connects, accepts) });
    let mut ours: Vec<_> = connected
        .into_iter()
        .map(|stream| stream.unwrap().local_addr().unwrap())
        .collect();
    ours.sort_unstable();
    accepted.sort_unstable();
    assert_eq!(ours, accepted);
}

#[test]
fn a_connect_polled_again_after_its_end_says_so() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let (_socket, nobody) = nobody();
    let mut connect = TcpStream::connect(&nobody, &handle);
    run(&mut core, &mut connect).unwrap_err();
    let again = catch_unwind(AssertUnwindSafe(|| (&mut connect).now_or_never()));
    assert!(
        again
            .unwrap_err()
            .downcast::<&str>()
            .unwrap()
            .contains("Connect")
    );
}

#[test]
fn an_address_in_use_is_addr_in_use_and_can_be_bound_again_when_it_is_free() {
    // Alone: a process that another test is starting has our descriptors for a moment.
    let test = "an_address_in_use_is_addr_in_use_and_can_be_bound_again_when_it_is_free";
    child::alone(test, bind_twice);
}

fn bind_twice() {
    let core = Core::new().unwrap();
    let handle = core.handle();
    let (listener, addr) = listen(&handle);
    let error = TcpListener::bind(&addr, &handle).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
    drop(listener);
    drop(TcpListener::bind(&addr, &handle).unwrap());
    let not_ours: SocketAddr = "192.0.2.1:0".parse().unwrap();
    let error = TcpListener::bind(&not_ours, &handle).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrNotAvailable);
    assert_eq!(handle.metrics().registered, 0);
}

#[test]
fn ipv6_works_where_there_is_ipv6() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let Ok(listener) = TcpListener::bind(&"[::1]:0".parse().unwrap(), &handle) else {
        eprintln!("skipped, there is no IPv6 here");
        return;
    };
    let addr = listener.local_addr().unwrap();
    let connect = TcpStream::connect(&addr, &handle);
    let accept = task::io(|| listener.accept());
    let (connected, accepted) = run(&mut core, async { futures::join!(connect, accept) });
    assert_eq!(
        connected.unwrap().local_addr().unwrap(),
        accepted.unwrap().1
    );
}
