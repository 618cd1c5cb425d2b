//! Nobody listens at the other end: an error that is told once, in all forms and orders.

mod common;

use std::{
    cell::Cell,
    io::{self, ErrorKind},
    net::{SocketAddr, UdpSocket as StdUdp},
    os::fd::AsFd,
    rc::Rc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use common::{
    CountWakes, HANG, any_port, child, datagrams, is_readable, run, settle, turn_until, with_cx,
};
use io_traits::task;
use net::{RecvBatch, Transmit, UdpSocket, is_transient};
use reactor::{Core, Handle};

type Operation = fn(&UdpSocket, &mut Context<'_>) -> Poll<io::Result<usize>>;

fn polled(result: io::Result<usize>) -> Poll<io::Result<usize>> {
    match result {
        Err(error) if error.kind() == ErrorKind::WouldBlock => Poll::Pending,
        result => Poll::Ready(result),
    }
}

const WAITING_READS: [Operation; 12] = [
    |socket, cx| polled(task::enter(cx, || socket.recv(&mut [0; 4]))),
    |socket, cx| polled(task::enter(cx, || socket.recv_from(&mut [0; 4])).map(|it| it.0)),
    |socket, cx| polled(task::enter(cx, || socket.peek(&mut [0; 4]))),
    |socket, cx| polled(task::enter(cx, || socket.peek_from(&mut [0; 4])).map(|it| it.0)),
    |socket, cx| socket.poll_recv(cx, &mut [0; 4]),
    |socket, cx| socket.poll_recv_from(cx, &mut [0; 4]).map_ok(|it| it.0),
    |socket, cx| socket.poll_peek(cx, &mut [0; 4]),
    |socket, cx| socket.poll_peek_from(cx, &mut [0; 4]).map_ok(|it| it.0),
    |socket, cx| polled(task::enter(cx, || socket.recv_msg(&mut [0; 4])).map(|it| it.len)),
    |socket, cx| socket.poll_recv_msg(cx, &mut [0; 4]).map_ok(|it| it.len),
    |socket, cx| {
        polled(task::enter(cx, || {
            socket.recv_batch(&mut RecvBatch::new(4, 4))
        }))
    },
    |socket, cx| socket.poll_recv_batch(cx, &mut RecvBatch::new(4, 4)),
];

const TRY_READS: [Operation; 6] = [
    |socket, _| polled(socket.try_recv(&mut [0; 4])),
    |socket, _| polled(socket.try_recv_from(&mut [0; 4]).map(|it| it.0)),
    |socket, _| polled(socket.try_peek(&mut [0; 4])),
    |socket, _| polled(socket.try_peek_from(&mut [0; 4]).map(|it| it.0)),
    |socket, _| polled(socket.try_recv_msg(&mut [0; 4]).map(|it| it.len)),
    |socket, _| polled(socket.try_recv_batch(&mut RecvBatch::new(4, 4))),
];

const WRITES: [Operation; 9] = [
    |socket, cx| polled(task::enter(cx, || socket.send(b"x"))),
    |socket, cx| socket.poll_send(cx, b"x"),
    |socket, _| polled(socket.try_send(b"x")),
    |socket, cx| {
        let peer = socket.peer_addr().unwrap();
        polled(task::enter(cx, || socket.send_to(b"x", &peer)))
    },
    |socket, cx| socket.poll_send_to(cx, b"x", &socket.peer_addr().unwrap()),
    |socket, _| polled(socket.try_send_to(b"x", &socket.peer_addr().unwrap())),
    |socket, cx| {
        polled(task::enter(cx, || {
            socket.send_msg(&mut Transmit::new(b"x")).map(|()| 1)
        }))
    },
    |socket, cx| socket.poll_send_batch(cx, &mut [Transmit::new(b"x")]),
    |socket, _| polled(socket.try_send_batch(&mut [Transmit::new(b"x")])),
];

/// A socket that is connected to where nobody listens: an address that no other test uses.
fn to_nobody(handle: &Handle) -> (UdpSocket, SocketAddr) {
    let nobody = StdUdp::bind("127.0.0.2:0").unwrap().local_addr().unwrap();
    let socket = UdpSocket::bind(&any_port(), handle).unwrap();
    socket.connect(&nobody).unwrap();
    (socket, nobody)
}

/// Sends, and waits until the answer is there.
fn be_refused(socket: &UdpSocket) {
    socket.try_send(b"x").unwrap();
    assert!(is_readable(socket.as_fd(), HANG.as_millis() as i64));
}

#[track_caller]
fn assert_refused(polled: Poll<io::Result<usize>>) {
    let error = common::ready_err(polled);
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    assert!(is_transient(&error));
}

/// Somebody listens there now, and all is well.
fn goes_on(core: &mut Core, socket: &UdpSocket, addr: SocketAddr) {
    let peer = StdUdp::bind(addr).unwrap();
    peer.set_read_timeout(Some(HANG)).unwrap();
    run(core, async {
        let mut buf = [0; 16];
        task::io(|| socket.send(b"hello")).await.unwrap();
        let (n, from) = peer.recv_from(&mut buf).unwrap();
        assert_eq!(&buf[..n], b"hello");
        peer.send_to(b"answer", from).unwrap();
        assert_eq!(task::io(|| socket.recv(&mut buf)).await.unwrap(), 6);
    });
}

#[test]
fn whatever_operation_comes_next_reports_the_refusal_once_and_the_socket_goes_on() {
    let mut core = Core::new().unwrap();
    let reads = WAITING_READS.into_iter().chain(TRY_READS);
    for (operation, is_read) in reads
        .map(|read| (read, true))
        .chain(WRITES.map(|write| (write, false)))
    {
        // The loop has seen it, or has not; the socket had been found empty before, or had not.
        for order in 0..4 {
            let (socket, nobody) = to_nobody(&core.handle());
            if order & 1 != 0 {
                assert!(socket.try_recv(&mut [0; 4]).is_err());
                settle(&mut core);
            }
            be_refused(&socket);
            if order & 2 != 0 || order & 1 != 0 && is_read {
                settle(&mut core);
            }
            with_cx(Waker::noop(), |cx| {
                assert_refused(operation(&socket, cx));
                if is_read {
                    assert!(operation(&socket, cx).is_pending());
                } else {
                    assert!(operation(&socket, cx).is_ready());
                    assert!(is_readable(socket.as_fd(), HANG.as_millis() as i64));
                    assert_refused(operation(&socket, cx));
                }
            });
            goes_on(&mut core, &socket, nobody);
        }
    }
}

#[test]
fn who_waits_for_a_datagram_is_woken_and_hears_of_the_refusal() {
    let mut core = Core::new().unwrap();
    for read in WAITING_READS {
        let (socket, nobody) = to_nobody(&core.handle());
        let (count, waker) = CountWakes::new();
        assert!(with_cx(&waker, |cx| read(&socket, cx)).is_pending());
        settle(&mut core);
        assert_eq!(count.get(), 0);
        be_refused(&socket);
        turn_until(&mut core, || count.get() > 0);
        assert_refused(with_cx(&waker, |cx| read(&socket, cx)));
        assert!(with_cx(&waker, |cx| read(&socket, cx)).is_pending());
        goes_on(&mut core, &socket, nobody);
    }
}

#[test]
fn who_waits_in_readable_is_woken_by_the_refusal_and_by_nothing_after_it() {
    let mut core = Core::new().unwrap();
    for read in TRY_READS {
        let (socket, nobody) = to_nobody(&core.handle());
        assert!(with_cx(Waker::noop(), |cx| read(&socket, cx)).is_pending());
        let socket = Rc::new(socket);
        let waiting = socket.clone();
        let task = core
            .spawner()
            .spawn(async move { waiting.readable().await });
        settle(&mut core);
        assert!(!task.is_finished());
        be_refused(&socket);
        run(&mut core, task).unwrap().unwrap();
        with_cx(Waker::noop(), |cx| {
            assert_refused(read(&socket, cx));
            assert!(read(&socket, cx).is_pending());
        });
        let limit = Duration::from_millis(20);
        let again = core.handle().timeout(limit, socket.readable());
        let error = core.run(again).unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        goes_on(&mut core, &socket, nobody);
    }
}

#[test]
fn of_many_who_wait_one_hears_of_the_refusal_and_the_others_wait_on() {
    let mut core = Core::new().unwrap();
    let (socket, nobody) = to_nobody(&core.handle());
    let socket = Rc::new(socket);
    let (refused, received) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    for _ in 0..10 {
        let (socket, refused, received) = (socket.clone(), refused.clone(), received.clone());
        drop(core.spawner().spawn(async move {
            match task::io(|| socket.recv(&mut [0; 4])).await {
                Ok(_) => received.set(received.get() + 1),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
                    refused.set(refused.get() + 1);
                }
            }
        }));
    }
    settle(&mut core);
    be_refused(&socket);
    turn_until(&mut core, || refused.get() > 0);
    settle(&mut core);
    assert_eq!((refused.get(), received.get()), (1, 0));
    let peer = StdUdp::bind(nobody).unwrap();
    for _ in 0..9 {
        peer.send_to(b"x", socket.local_addr().unwrap()).unwrap();
    }
    turn_until(&mut core, || received.get() == 9);
    assert_eq!(refused.get(), 1);
}

#[test]
fn a_refusal_that_somebody_else_takes_is_a_wake_for_nothing_and_no_spin() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let (socket, nobody) = to_nobody(&handle);
    let socket = Rc::new(socket);
    let polls = Rc::new(Cell::new(0));
    let (reading, counted) = (socket.clone(), polls.clone());
    let task = core.spawner().spawn(std::future::poll_fn(move |cx| {
        counted.set(counted.get() + 1);
        reading.poll_recv(cx, &mut [0; 4])
    }));
    settle(&mut core);
    be_refused(&socket);
    let error = socket.take_error().unwrap().unwrap();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    let before = handle.metrics().turns;
    run(&mut core, handle.sleep(Duration::from_millis(50))).unwrap();
    assert!(polls.get() <= 3, "{} polls", polls.get());
    assert!(handle.metrics().turns - before < 20, "the loop spins");
    let peer = StdUdp::bind(nobody).unwrap();
    peer.send_to(b"x", socket.local_addr().unwrap()).unwrap();
    assert_eq!(run(&mut core, task).unwrap().unwrap(), 1);
}

/// The error event says "writable" as well, for ever if one lets it. A send that would block then has
/// to park like any other.
#[test]
fn a_blocked_send_after_a_refusal_does_not_spin() {
    let test = "a_blocked_send_after_a_refusal_does_not_spin";
    let inject = ["-e", "inject=sendto:error=EAGAIN:when=2+"];
    let trace = child::traced(test, &inject, || {
        let mut core = Core::new().unwrap();
        let handle = core.handle();
        let (socket, _) = to_nobody(&handle);
        let polls = Cell::new(0);
        child::watched(|| {
            run(&mut core, async {
                // By the time of the answer somebody waits for each direction.
                let limit = Duration::from_millis(200);
                let receive = async {
                    let error = task::io(|| socket.recv(&mut [0; 4])).await.unwrap_err();
                    // Without strace nothing blocks, and this is a test of nothing.
                    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
                };
                let send = async {
                    handle.sleep(Duration::from_millis(10)).await.unwrap();
                    task::io(|| socket.send(b"x")).await.unwrap();
                };
                futures::join!(receive, send);
                let blocked = handle.timeout(
                    limit,
                    std::future::poll_fn(|cx| {
                        polls.set(polls.get() + 1);
                        socket.poll_send(cx, b"x")
                    }),
                );
                let error = blocked.await.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::TimedOut);
            });
        });
        assert!(polls.get() < 6, "{} polls", polls.get());
    });
    if let Some(trace) = trace {
        let attempts = trace.calls("sendto");
        assert!((3..8).contains(&attempts), "{attempts} attempts");
        assert!(trace.calls("epoll_wait") < 12);
    }
}

#[test]
fn a_server_that_answers_the_dead_serves_the_living() {
    let mut core = Core::new().unwrap();
    let server = UdpSocket::bind(&any_port(), &core.handle()).unwrap();
    let addr = server.local_addr().unwrap();
    let (client, _) = datagrams(&core.handle());
    client.connect(&addr).unwrap();
    run(&mut core, async {
        for _ in 0..50 {
            StdUdp::bind("127.0.0.2:0")
                .unwrap()
                .send_to(b"dead", addr)
                .unwrap();
            task::io(|| client.send(b"live")).await.unwrap();
            for _ in 0..2 {
                let mut buf = [0; 4];
                let (n, from) = task::io(|| server.recv_from(&mut buf)).await.unwrap();
                task::io(|| server.send_to(&buf[..n], &from)).await.unwrap();
            }
            let mut buf = [0; 16];
            assert_eq!(task::io(|| client.recv(&mut buf)).await.unwrap(), 4);
        }
    });
    assert!(server.take_error().unwrap().is_none());
}
