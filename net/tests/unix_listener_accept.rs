//! Unix connections: made, waited for, accepted; and what can go wrong there.

mod common;

use std::{
    cell::Cell,
    future::poll_fn,
    io::{ErrorKind, Write},
    os::{
        fd::{AsFd, AsRawFd},
        unix::net::{SocketAddr, UnixListener as StdListener, UnixStream as StdUnix},
    },
    pin::pin,
    time::Duration,
};

use common::{CountWakes, SocketPath, assert_gone, child, poll_with, run, unix_streams};
use futures::{FutureExt, StreamExt, future::join_all};
use io_traits::{io as async_io, task};
use net::{UnixListener, UnixStream};
use reactor::{Core, Handle};

fn listen(handle: &Handle) -> (UnixListener, SocketPath) {
    let path = SocketPath::new();
    (UnixListener::bind(&path, handle).unwrap(), path)
}

/// A listener of std with room for a connection or two, and a queue that is full.
fn full(path: &SocketPath) -> (StdListener, Vec<StdUnix>) {
    let socket = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None).unwrap();
    socket
        .bind(&socket2::SockAddr::unix(path).unwrap())
        .unwrap();
    socket.listen(1).unwrap();
    let mut queued = Vec::new();
    loop {
        let one = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None).unwrap();
        one.set_nonblocking(true).unwrap();
        match one.connect(&socket2::SockAddr::unix(path).unwrap()) {
            Ok(()) => queued.push(one.into()),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                return (socket.into(), queued);
            }
        }
    }
}

#[test]
fn a_connection_is_made_and_accepted_and_echoes() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let (listener, path) = listen(&handle);
    assert_eq!(
        listener.local_addr().unwrap().as_pathname(),
        Some(path.as_ref())
    );
    run(&mut core, async {
        for _ in 0..10 {
            let mut client = UnixStream::connect(&path, &handle).await.unwrap();
            let (mut server, from) = task::io(|| listener.accept()).await.unwrap();
            assert!(from.is_unnamed());
            assert_eq!(
                client.peer_addr().unwrap().as_pathname(),
                Some(path.as_ref())
            );
            async_io::write_all(&mut client, b"hello").await.unwrap();
            let mut buf = [0; 5];
            async_io::read_exact(&mut server, &mut buf).await.unwrap();
            assert_eq!(&buf, b"hello");
        }
    });
    assert_eq!(handle.metrics().registered, 1);
}

#[test]
fn what_cannot_be_connected_is_an_error_of_the_future() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let path = SocketPath::new();
    let mut connect = |path: &std::path::Path| {
        let connect = UnixStream::connect(path, &handle);
        run(&mut core, connect).unwrap_err().kind()
    };
    assert_eq!(connect(path.as_ref()), ErrorKind::NotFound);
    assert_eq!(connect("x".repeat(200).as_ref()), ErrorKind::InvalidInput);
    assert_eq!(connect("a\0b".as_ref()), ErrorKind::InvalidInput);
    drop(StdListener::bind(&path).unwrap());
    assert_eq!(connect(path.as_ref()), ErrorKind::ConnectionRefused);
    // And the file that was left behind is in the way of the next listener.
    let error = UnixListener::bind(&path, &handle).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
    assert_eq!(handle.metrics().registered, 0);
}

#[test]
fn a_name_without_a_file_can_be_bound_and_connected_to() {
    use std::os::linux::net::SocketAddrExt;

    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let name = format!("net-test-abstract-{}", std::process::id());
    let addr = SocketAddr::from_abstract_name(&name).unwrap();
    let listener = UnixListener::bind_addr(&addr, &handle).unwrap();
    run(&mut core, async {
        let client = UnixStream::connect_addr(&addr, &handle).await.unwrap();
        task::io(|| listener.accept()).await.unwrap();
        let peer = client.peer_addr().unwrap();
        assert_eq!(peer.as_abstract_name(), Some(name.as_bytes()));
    });
}

#[test]
fn a_full_queue_is_waited_for_and_no_error() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let path = SocketPath::new();
    let (listener, queued) = full(&path);
    let mut connect = UnixStream::connect(&path, &handle);
    let polls = Cell::new(0);
    let limit = Duration::from_millis(150);
    let waited = core.run(handle.timeout(
        limit,
        poll_fn(|cx| {
            polls.set(polls.get() + 1);
            connect.poll_unpin(cx)
        }),
    ));
    assert_eq!(waited.unwrap().unwrap_err().kind(), ErrorKind::TimedOut);
    // 1, 2, 4, 8, 16, 32, 50, 50 ms.
    assert!((4..12).contains(&polls.get()), "{} polls", polls.get());
    for _ in 0..queued.len() {
        listener.accept().unwrap();
    }
    let mut stream = run(&mut core, connect).unwrap();
    let (mut accepted, _) = listener.accept().unwrap();
    accepted.write_all(b"x").unwrap();
    run(&mut core, async_io::read_exact(&mut stream, &mut [0; 1])).unwrap();
}

#[test]
fn all_who_wait_for_a_full_queue_come_through() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let path = SocketPath::new();
    let (listener, queued) = full(&path);
    let listener = UnixListener::from_std(listener, &handle).unwrap();
    let connects = (0..20).map(|_| UnixStream::connect(&path, &handle));
    run(&mut core, async {
        let accept = async {
            let mut incoming = listener.incoming();
            for _ in 0..20 + queued.len() {
                incoming.next().await.unwrap().unwrap();
            }
        };
        let (streams, ()) = futures::join!(join_all(connects), accept);
        assert!(streams.iter().all(Result::is_ok));
    });
}

#[test]
fn who_waits_for_a_full_queue_hears_when_the_listener_or_the_core_goes() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let path = SocketPath::new();
    let (listener, _queued) = full(&path);
    let mut one = UnixStream::connect(&path, &handle);
    let (_, waker) = CountWakes::new();
    assert!(poll_with(&mut one, &waker).is_pending());
    drop(listener);
    let error = run(&mut core, one).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);

    let path = SocketPath::new();
    let (_listener, _queued) = full(&path);
    let (count, waker) = CountWakes::new();
    let mut two = UnixStream::connect(&path, &handle);
    assert!(poll_with(&mut two, &waker).is_pending());
    drop(core);
    assert!(count.get() > 0);
    assert_gone(two.now_or_never().expect("a hang"));
}

#[test]
#[should_panic = "polled after it was ready"]
fn a_connect_that_is_polled_after_it_was_ready_panics() {
    let core = Core::new().unwrap();
    let (_listener, path) = listen(&core.handle());
    let mut connect = pin!(UnixStream::connect(&path, &core.handle()));
    assert!(connect.as_mut().now_or_never().unwrap().is_ok());
    let _ = connect.now_or_never();
}

/// The longest name that bind(2) takes leaves no room for the NUL behind it, and the length that
/// accept(2) reports is then greater than that of the whole address.
#[test]
fn a_peer_with_a_name_of_any_kind_is_accepted() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let (listener, path) = listen(&handle);
    let mut incoming = listener.incoming();
    let base = std::env::temp_dir().join(format!("net-test-peer-{}-", std::process::id()));
    let base = base.to_str().unwrap();
    let abstract_name = format!("\0net-test-peer-{}", std::process::id());
    let names = [
        format!("{base}short"),
        format!("{base}{}", "x".repeat(107 - base.len())),
        format!("{base}{}", "y".repeat(108 - base.len())),
        format!("{abstract_name}{}", "z".repeat(108 - abstract_name.len())),
        abstract_name,
    ];
    for name in names {
        let peer =
            socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None).unwrap();
        // SAFETY: all zeroes are a valid address.
        let mut addr: libc::sockaddr_un = unsafe { std::mem::zeroed() };
        addr.sun_family = libc::AF_UNIX as libc::sa_family_t;
        for (to, from) in addr.sun_path.iter_mut().zip(name.as_bytes()) {
            *to = *from as libc::c_char;
        }
        let len = std::mem::offset_of!(libc::sockaddr_un, sun_path) + name.len();
        // SAFETY: the address is that long.
        let bound = unsafe {
            let addr = std::ptr::from_ref(&addr).cast();
            libc::bind(peer.as_raw_fd(), addr, len as libc::socklen_t)
        };
        assert_eq!(bound, 0);
        peer.connect(&socket2::SockAddr::unix(&path).unwrap())
            .unwrap();
        let (stream, from) = run(&mut core, incoming.next()).unwrap().unwrap();
        if name.starts_with('\0') {
            use std::os::linux::net::SocketAddrExt;
            assert_eq!(from.as_abstract_name(), Some(&name.as_bytes()[1..]));
        } else {
            assert_eq!(from.as_pathname(), Some(name.as_ref()));
            std::fs::remove_file(name).unwrap();
        }
        assert!(!stream.peer_addr().unwrap().is_unnamed());
    }
    assert_eq!((incoming.skipped(), incoming.pauses()), (0, 0));
}

/// On some systems nobody knows the name of a peer that has gone; strace has it so here. A client that connects
/// and goes must not be the end of a server.
#[test]
fn a_peer_that_has_gone_before_its_name_was_asked_for_is_accepted_without_one() {
    let test = "a_peer_that_has_gone_before_its_name_was_asked_for_is_accepted_without_one";
    let options = ["-e", "inject=getpeername:error=ENOTCONN"];
    let trace = child::traced(test, &options, || {
        let mut core = Core::new().unwrap();
        let (listener, path) = listen(&core.handle());
        let peer = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None);
        let (peer, named) = (peer.unwrap(), SocketPath::new());
        peer.bind(&socket2::SockAddr::unix(&named).unwrap())
            .unwrap();
        peer.connect(&socket2::SockAddr::unix(&path).unwrap())
            .unwrap();
        let mut incoming = listener.incoming();
        let (_, from) = run(&mut core, incoming.next()).unwrap().unwrap();
        assert!(from.is_unnamed());
    });
    assert!(trace.is_none_or(|trace| trace.lines("INJECTED") == 1));
}

#[test]
fn an_accepted_connection_does_not_block_and_is_not_inherited() {
    let mut core = Core::new().unwrap();
    let (listener, path) = listen(&core.handle());
    let _peer = StdUnix::connect(&path).unwrap();
    let (stream, _) = run(&mut core, task::io(|| listener.accept())).unwrap();
    let flag = |get| {
        // SAFETY: it only asks.
        unsafe { libc::fcntl(stream.as_fd().as_raw_fd(), get) }
    };
    assert_ne!(flag(libc::F_GETFL) & libc::O_NONBLOCK, 0);
    assert_ne!(flag(libc::F_GETFD) & libc::FD_CLOEXEC, 0);
}

#[test]
fn a_pair_is_two_ends_of_one_connection() {
    let mut core = Core::new().unwrap();
    let (mut one, mut two) = UnixStream::pair(&core.handle()).unwrap();
    run(&mut core, async {
        async_io::write_all(&mut one, b"x").await.unwrap();
        async_io::read_exact(&mut two, &mut [0; 1]).await.unwrap();
        drop(one);
        assert_eq!(async_io::read(&mut two, &mut [0; 1]).await.unwrap(), 0);
    });
    let (mut ours, mut std) = unix_streams(&core.handle());
    std.write_all(b"x").unwrap();
    run(&mut core, async_io::read_exact(&mut ours, &mut [0; 1])).unwrap();
}
