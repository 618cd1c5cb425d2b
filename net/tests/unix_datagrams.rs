//! Unix datagrams: whole, in order, never lost.

mod common;

use std::{
    future::poll_fn,
    io::ErrorKind,
    net::Shutdown,
    os::{
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixDatagram as StdDatagram},
    },
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread,
};

use common::{
    CountWakes, Elsewhere, HANG, SocketPath, assert_gone, block_on, poll_with, run, settle,
    turn_until,
};
use io_traits::{AsyncDatagram, ReadCursor, task};
use net::UnixDatagram;
use reactor::{Core, Handle};

fn address(path: &SocketPath) -> SocketAddr {
    SocketAddr::from_pathname(path).unwrap()
}

fn abstract_address(name: &str) -> SocketAddr {
    let name = format!("net-test-{name}-{}", std::process::id());
    SocketAddr::from_abstract_name(name).unwrap()
}

/// A socket of ours and one of std, blocking, connected to each other.
fn sockets(handle: &Handle) -> (UnixDatagram, StdDatagram) {
    let (ours, theirs) = StdDatagram::pair().unwrap();
    theirs.set_read_timeout(Some(HANG)).unwrap();
    (UnixDatagram::from_std(ours, handle).unwrap(), theirs)
}

#[test]
fn datagrams_of_any_length_come_whole_and_in_order() {
    let mut core = Core::new().unwrap();
    let (ours, theirs) = sockets(&core.handle());
    let mut buf = [7; 16];
    for bytes in [&b"one"[..], b"", b"three"] {
        theirs.send(bytes).unwrap();
        let n = run(&mut core, task::io(|| ours.peek(&mut buf))).unwrap();
        assert_eq!(&buf[..n], bytes);
        assert_eq!(ours.try_peek(&mut buf).unwrap(), bytes.len());
        let n = run(&mut core, task::io(|| ours.recv(&mut buf))).unwrap();
        assert_eq!(&buf[..n], bytes);
        assert_eq!(run(&mut core, task::io(|| ours.send(bytes))).unwrap(), n);
        assert_eq!(theirs.recv(&mut buf).unwrap(), n);
    }
    // Cut off; the next one is whole.
    theirs.send(b"too long").unwrap();
    theirs.send(b"ok").unwrap();
    assert_eq!(ours.try_recv(&mut buf[..3]).unwrap(), 3);
    assert_eq!(ours.try_recv(&mut buf).unwrap(), 2);
    assert_eq!(
        ours.try_recv(&mut buf).unwrap_err().kind(),
        ErrorKind::WouldBlock
    );
    // What is tried without a task is waited for afterwards.
    let (woken, ()) = run(&mut core, async {
        futures::join!(ours.readable(), async {
            theirs.send(b"x").map(drop).unwrap()
        })
    });
    woken.unwrap();
    assert_eq!(ours.try_recv(&mut buf).unwrap(), 1);
}

#[test]
fn a_datagram_tells_who_sent_it_by_path_or_abstract_name_and_can_be_answered() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let (path, hidden) = (SocketPath::new(), abstract_address("answered"));
    let named = UnixDatagram::bind(&path, &handle).unwrap();
    let hidden_one = UnixDatagram::bind_addr(&hidden, &handle).unwrap();
    assert_eq!(
        named.local_addr().unwrap().as_pathname(),
        Some(path.as_ref())
    );
    let mut buf = [0; 16];
    run(&mut core, task::io(|| named.send_to(b"question", &hidden))).unwrap();
    let (n, from) = run(&mut core, task::io(|| hidden_one.recv_from(&mut buf))).unwrap();
    assert_eq!(
        (&buf[..n], from.as_pathname()),
        (&b"question"[..], Some(path.as_ref()))
    );
    assert_eq!(hidden_one.try_send_to(b"answer", &from).unwrap(), 6);
    let (n, from) = named.try_recv_from(&mut buf).unwrap();
    assert_eq!(&buf[..n], b"answer");
    assert_eq!(from.as_abstract_name(), hidden.as_abstract_name());
    // A name as long as the system takes; the last byte of it is no zero.
    let long = SocketAddr::from_abstract_name([b'n'; 107]).unwrap();
    let long_one = UnixDatagram::bind_addr(&long, &handle).unwrap();
    long_one.try_send_to(b"x", &hidden).unwrap();
    let (_, from) = hidden_one.try_recv_from(&mut buf).unwrap();
    assert_eq!(from.as_abstract_name(), long.as_abstract_name());
    // One without a name.
    let nobody = UnixDatagram::unbound(&handle).unwrap();
    nobody.connect_addr(&hidden).unwrap();
    assert_eq!(
        nobody.peer_addr().unwrap().as_abstract_name(),
        hidden.as_abstract_name()
    );
    nobody.try_send(b"x").unwrap();
    assert!(hidden_one.try_recv_from(&mut buf).unwrap().1.is_unnamed());
}

#[test]
fn what_goes_wrong_with_addresses_is_an_error_of_the_right_kind() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let path = SocketPath::new();
    let socket = UnixDatagram::unbound(&handle).unwrap();
    let kind = |error: std::io::Error| error.kind();
    let missing = run(
        &mut core,
        task::io(|| socket.send_to(b"x", &address(&path))),
    );
    assert_eq!(kind(missing.unwrap_err()), ErrorKind::NotFound);
    assert_eq!(
        kind(socket.connect(&path).unwrap_err()),
        ErrorKind::NotFound
    );
    assert_eq!(
        kind(socket.try_send(b"x").unwrap_err()),
        ErrorKind::NotConnected
    );
    assert_eq!(
        kind(socket.peer_addr().unwrap_err()),
        ErrorKind::NotConnected
    );
    let bound = UnixDatagram::bind(&path, &handle).unwrap();
    assert_eq!(
        kind(UnixDatagram::bind(&path, &handle).unwrap_err()),
        ErrorKind::AddrInUse
    );
    socket.connect(&path).unwrap();
    // Its file stays, and nobody is there.
    drop(bound);
    let refused = run(&mut core, task::io(|| socket.send(b"x")));
    assert_eq!(kind(refused.unwrap_err()), ErrorKind::ConnectionRefused);
    let unnamed = StdDatagram::unbound().unwrap().local_addr().unwrap();
    socket.try_send_to(b"x", &unnamed).unwrap_err();
    for path in ["a\0b".to_string(), "x".repeat(200)] {
        let error = UnixDatagram::bind(&path, &handle).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }
}

/// Sends until the queue of the receiver is full; returns how many that took.
fn fill(mut send: impl FnMut() -> std::io::Result<usize>) -> usize {
    let mut sent = 0;
    loop {
        match send() {
            Ok(_) => sent += 1,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return sent,
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn a_send_to_a_full_peer_waits_and_none_is_lost() {
    let mut core = Core::new().unwrap();
    let (ours, theirs) = sockets(&core.handle());
    let sent = fill(|| ours.try_send(b"x"));
    let (count, waker) = CountWakes::new();
    let mut send = task::io(|| ours.send(b"last"));
    assert!(poll_with(&mut send, &waker).is_pending());
    settle(&mut core);
    assert_eq!(count.get(), 0);
    let mut buf = [0; 16];
    for _ in 0..sent {
        assert_eq!(theirs.recv(&mut buf).unwrap(), 1);
    }
    turn_until(&mut core, || count.get() > 0);
    assert_eq!(run(&mut core, send).unwrap(), 4);
    assert_eq!(theirs.recv(&mut buf).unwrap(), 4);
}

/// The queue is full of the datagrams of others: no event tells who is not connected that there is room.
#[test]
fn a_send_to_a_receiver_that_others_have_filled_is_made_when_there_is_room() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let to = abstract_address("filled");
    let receiver = StdDatagram::bind_addr(&to).unwrap();
    let other = StdDatagram::unbound().unwrap();
    other.set_nonblocking(true).unwrap();
    let others = fill(|| other.send_to_addr(b"other", &to));
    let ours = UnixDatagram::unbound(&handle).unwrap();
    let two = [b"one", b"two"].map(|bytes| {
        let to = to.clone();
        let ours = &ours;
        async move { task::io(|| ours.send_to(bytes, &to)).await }
    });
    let mut sends = futures::future::join_all(two);
    let (_, waker) = CountWakes::new();
    assert!(poll_with(&mut sends, &waker).is_pending());
    for _ in 0..3 {
        // It tries, and waits again.
        run(&mut core, handle.sleep(std::time::Duration::from_millis(6))).unwrap();
        assert!(poll_with(&mut sends, &waker).is_pending());
    }
    let drain = thread::spawn(move || {
        let mut buf = [0; 16];
        let mut lengths = Vec::new();
        for _ in 0..others + 2 {
            lengths.push(receiver.recv(&mut buf).unwrap());
        }
        lengths
    });
    for sent in run(&mut core, sends) {
        assert_eq!(sent.unwrap(), 3);
    }
    let lengths = drain.join().unwrap();
    assert_eq!(lengths[others..], [3, 3]);
}

/// A try that fails makes the system report that the socket itself can be written to, so a task that
/// waited for that as well tried again a hundred thousand times a second.
#[test]
fn a_send_to_a_receiver_that_is_full_tries_again_now_and_then_and_not_all_the_time() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let to = abstract_address("busy");
    let _receiver = StdDatagram::bind_addr(&to).unwrap();
    let ours = UnixDatagram::unbound(&handle).unwrap();
    fill(|| ours.try_send_to(b"x", &to));
    let send = task::io(|| ours.send_to(b"x", &to));
    let before = handle.metrics();
    let limited = handle.timeout(std::time::Duration::from_millis(200), send);
    core.run(limited).unwrap().unwrap_err();
    let after = handle.metrics();
    // Each pause is a task.
    let (turns, pauses) = (after.turns - before.turns, after.spawned - before.spawned);
    assert!(pauses > 0);
    assert!(
        turns <= 10 * pauses + 20,
        "{turns} turns in {pauses} pauses"
    );
}

#[test]
fn a_send_that_waits_for_room_hears_that_the_core_is_gone() {
    let mut reactor = Elsewhere::new();
    let to = abstract_address("gone");
    let _receiver = StdDatagram::bind_addr(&to).unwrap();
    let ours = UnixDatagram::unbound(&reactor.handle).unwrap();
    fill(|| ours.try_send_to(b"x", &to));
    let (count, waker) = CountWakes::new();
    let mut cx = Context::from_waker(&waker);
    assert!(ours.poll_send_to(&mut cx, b"x", &to).is_pending());
    reactor.stop();
    count.wait_for(1);
    for _ in 0..3 {
        match ours.poll_send_to(&mut cx, b"x", &to) {
            Poll::Ready(result) => assert_gone(result),
            Poll::Pending => panic!("it waits for a core that is gone"),
        }
    }
}

/// All who wait for room are woken together; the panic of one left the others without a wakeup.
#[test]
fn a_waker_that_panics_keeps_no_other_sender_waiting_for_room() {
    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("on purpose");
        }
    }
    let mut core = Core::new().unwrap();
    let to = abstract_address("panics");
    let _receiver = StdDatagram::bind_addr(&to).unwrap();
    let ours = UnixDatagram::unbound(&core.handle()).unwrap();
    fill(|| ours.try_send_to(b"x", &to));
    let panics = Waker::from(Arc::new(Panics));
    let (count, waker) = CountWakes::new();
    for _ in 0..3 {
        let before = count.get();
        for waker in [&panics, &waker] {
            let mut cx = Context::from_waker(waker);
            assert!(ours.poll_send_to(&mut cx, b"x", &to).is_pending());
        }
        turn_until(&mut core, || count.get() > before);
        settle(&mut core);
    }
}

#[test]
fn a_send_that_waits_for_another_core_is_woken_under_any_executor() {
    let reactor = Elsewhere::new();
    let to = abstract_address("elsewhere");
    let receiver = StdDatagram::bind_addr(&to).unwrap();
    let ours = UnixDatagram::unbound(&reactor.handle).unwrap();
    let filled = fill(|| ours.try_send_to(b"x", &to));
    let drain = thread::spawn(move || {
        for _ in 0..filled + 1 {
            receiver.recv(&mut [0; 4]).unwrap();
        }
    });
    block_on(async move { task::io(|| ours.send_to(b"y", &to)).await }).unwrap();
    drain.join().unwrap();
}

#[test]
fn outside_of_a_task_and_without_a_core_each_operation_says_so() {
    let core = Core::new().unwrap();
    let (ours, theirs) = sockets(&core.handle());
    theirs.send(b"data").unwrap();
    let to = abstract_address("nobody");
    let mut fds = net::FdBuffer::new(0);
    for error in [
        ours.recv(&mut [0; 4]).unwrap_err(),
        ours.recv_from(&mut [0; 4]).unwrap_err(),
        ours.peek(&mut [0; 4]).unwrap_err(),
        ours.send(b"x").unwrap_err(),
        ours.send_to(b"x", &to).unwrap_err(),
        ours.recv_with_fds(&mut [0; 4], &mut fds).unwrap_err(),
        ours.send_with_fds(b"x", &[]).unwrap_err(),
    ] {
        assert!(task::NotInTask::is_source_of(&error), "{error}");
    }
    let handle = core.handle();
    drop(core);
    assert_gone(ours.try_recv(&mut [0; 4]));
    assert_gone(ours.try_send_to(b"x", &to));
    assert_gone(block_on(async move {
        task::io(|| ours.recv(&mut [0; 4])).await
    }));
    assert_gone(UnixDatagram::unbound(&handle));
}

#[test]
fn a_receive_that_waits_is_woken_and_one_that_is_cancelled_loses_nothing() {
    let mut core = Core::new().unwrap();
    let (ours, theirs) = sockets(&core.handle());
    let mut buf = [0; 16];
    let (count, waker) = CountWakes::new();
    {
        let mut cancelled = task::io(|| ours.recv(&mut buf));
        assert!(poll_with(&mut cancelled, &waker).is_pending());
        theirs.send(b"data").unwrap();
        turn_until(&mut core, || count.get() > 0);
    }
    assert_eq!(run(&mut core, task::io(|| ours.recv(&mut buf))).unwrap(), 4);
    // What is sent in an ended direction is an error at either end.
    ours.shutdown(Shutdown::Read).unwrap();
    assert_eq!(theirs.send(b"x").unwrap_err().kind(), ErrorKind::BrokenPipe);
    ours.shutdown(Shutdown::Write).unwrap();
    let error = run(&mut core, task::io(|| ours.send(b"x"))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    assert!(ours.take_error().unwrap().is_none());
}

#[test]
fn a_socket_of_ours_goes_to_std_and_a_pair_is_connected() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let (one, two) = UnixDatagram::pair(&handle).unwrap();
    run(&mut core, one.writable()).unwrap();
    run(&mut core, task::io(|| one.send(b"pair"))).unwrap();
    let two = two.into_std().unwrap();
    assert_eq!(two.recv(&mut [0; 16]).unwrap(), 4);
    assert_eq!(handle.metrics().registered, 1);
    assert_eq!(
        two.recv(&mut [0; 16]).unwrap_err().kind(),
        ErrorKind::WouldBlock
    );
}

#[test]
fn as_the_trait_of_datagrams_it_reads_into_a_cursor_and_sends_to_an_address() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let (here, there) = (abstract_address("here"), abstract_address("there"));
    let one = UnixDatagram::bind_addr(&here, &handle).unwrap();
    let two = UnixDatagram::bind_addr(&there, &handle).unwrap();
    let mut sender: Box<dyn AsyncDatagram<Addr = SocketAddr>> = Box::new(one);
    let mut receiver = &two;
    let mut memory = [7; 8];
    run(&mut core, async {
        poll_fn(|cx| sender.poll_send_datagram(cx, b"hello", &there))
            .await
            .unwrap();
        let (from, filled) = poll_fn(|cx| {
            let (polled, filled) = ReadCursor::with_initialized(&mut memory, |buf| {
                receiver.poll_recv_datagram(cx, buf)
            });
            polled.map_ok(|from| (from, filled))
        })
        .await
        .unwrap();
        assert_eq!(from.as_abstract_name(), here.as_abstract_name());
        assert_eq!(filled, 5);
    });
    assert_eq!(&memory[..5], b"hello");
}

#[test]
fn ours_and_tokios_exchange_datagrams() {
    let to = abstract_address("tokio");
    let theirs = StdDatagram::bind_addr(&to).unwrap();
    theirs.set_nonblocking(true).unwrap();
    let echo = thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let socket = tokio::net::UnixDatagram::from_std(theirs).unwrap();
            let mut buf = [0; 2048];
            for _ in 0..500 {
                let n = socket.recv(&mut buf).await.unwrap();
                assert_eq!(n, 1 + buf[0] as usize);
            }
        });
    });
    let mut core = Core::new().unwrap();
    let ours = UnixDatagram::unbound(&core.handle()).unwrap();
    run(&mut core, async {
        for n in 0..500 {
            let length = n % 256;
            let bytes = vec![length as u8; 1 + length];
            task::io(|| ours.send_to(&bytes, &to)).await.unwrap();
        }
    });
    echo.join().unwrap();
}
