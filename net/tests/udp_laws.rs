//! The laws, on UDP sockets.

mod common;

use std::{
    io::{self, ErrorKind, IoSliceMut},
    net::UdpSocket as StdUdp,
    sync::Arc,
    task::Waker,
    thread,
};

use common::{
    CountWakes, Elsewhere, any_port, assert_gone, block_on, child, datagrams, drive_in_thread,
    poll_with, run, settle, sum_beside_others, turn_until, with_cx, within_reason,
};
use futures::{FutureExt, executor::ThreadPool, future::join_all};
use io_traits::task::{self, NotInTask};
use net::{RecvBatch, RecvMeta, Transmit, UdpSocket};
use reactor::{Core, ReactorGone};

type Operation = fn(&UdpSocket) -> io::Result<usize>;

/// The bytes that an operation on a batch received.
fn batched(receive: impl FnOnce(&mut RecvBatch) -> io::Result<usize>) -> io::Result<usize> {
    let mut batch = RecvBatch::new(4, 8);
    let messages = receive(&mut batch)?;
    assert_eq!(messages, batch.len());
    Ok(batch.iter().map(|datagram| datagram.payload.len()).sum())
}

/// The same with buffers of the caller.
fn scattered(
    receive: impl FnOnce(&mut [IoSliceMut<'_>], &mut [RecvMeta]) -> io::Result<usize>,
) -> io::Result<usize> {
    let mut bufs = [[0; 8]; 2];
    let mut metas = [RecvMeta::default(); 2];
    let mut slices = bufs.each_mut().map(|buf| IoSliceMut::new(buf));
    let messages = receive(&mut slices, &mut metas)?;
    Ok(metas[..messages].iter().map(|meta| meta.len).sum())
}

/// Those on the current task that find nothing when nothing was sent.
const WAITING: [Operation; 7] = [
    |socket| socket.recv(&mut [0; 8]),
    |socket| socket.recv_from(&mut [0; 8]).map(|it| it.0),
    |socket| socket.peek(&mut [0; 8]),
    |socket| socket.peek_from(&mut [0; 8]).map(|it| it.0),
    |socket| socket.recv_msg(&mut [0; 8]).map(|meta| meta.len),
    |socket| batched(|batch| socket.recv_batch(batch)),
    |socket| scattered(|bufs, metas| socket.recv_msgs(bufs, metas)),
];

const SENDING: [Operation; 4] = [
    |socket| socket.send(b"x"),
    |socket| socket.send_to(b"x", &socket.peer_addr().unwrap()),
    |socket| socket.send_msg(&mut Transmit::new(b"x")).map(|()| 1),
    |socket| socket.send_batch(&mut [Transmit::new(b"x")]),
];

const TRYING: [Operation; 7] = [
    |socket| socket.try_recv(&mut [0; 8]),
    |socket| socket.try_recv_from(&mut [0; 8]).map(|it| it.0),
    |socket| socket.try_peek(&mut [0; 8]),
    |socket| socket.try_peek_from(&mut [0; 8]).map(|it| it.0),
    |socket| socket.try_recv_msg(&mut [0; 8]).map(|meta| meta.len),
    |socket| batched(|batch| socket.try_recv_batch(batch)),
    |socket| scattered(|bufs, metas| socket.try_recv_msgs(bufs, metas)),
];

#[test]
fn law_1_non_blocking_receives_say_would_block_at_once() {
    within_reason(|| {
        let core = Core::new().unwrap();
        // That of std is blocking when it is handed over.
        let std = StdUdp::bind(any_port()).unwrap();
        let of_std = UdpSocket::from_std(std, &core.handle()).unwrap();
        for socket in [datagrams(&core.handle()).0, of_std] {
            with_cx(Waker::noop(), |cx| {
                for operation in WAITING {
                    let error = task::enter(cx, || operation(&socket)).unwrap_err();
                    assert_eq!(error.kind(), ErrorKind::WouldBlock);
                }
                assert!(socket.poll_recv(cx, &mut [0; 4]).is_pending());
                assert!(socket.poll_recv_from(cx, &mut [0; 4]).is_pending());
                assert!(socket.poll_peek(cx, &mut [0; 4]).is_pending());
                assert!(socket.poll_peek_from(cx, &mut [0; 4]).is_pending());
                assert!(socket.poll_recv_msg(cx, &mut [0; 4]).is_pending());
                let (mut batch, mut metas) = (RecvBatch::new(1, 4), [RecvMeta::default()]);
                assert!(socket.poll_recv_batch(cx, &mut batch).is_pending());
                let (mut memory, mut bufs) = ([0; 4], []);
                assert!(
                    socket
                        .poll_recv_msgs(cx, &mut [IoSliceMut::new(&mut memory)], &mut metas)
                        .is_pending()
                );
                let none = common::ready_err(socket.poll_recv_msgs(cx, &mut bufs, &mut metas));
                assert_eq!(none.kind(), ErrorKind::InvalidInput);
            });
            for operation in TRYING {
                let error = operation(&socket).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
            }
        }
    });
}

#[test]
fn law_2_would_block_registers_each_operation_and_its_retry_goes_through() {
    let mut core = Core::new().unwrap();
    for operation in WAITING {
        let (socket, peer) = datagrams(&core.handle());
        let (count, waker) = CountWakes::new();
        let try_it = || with_cx(&waker, |cx| task::enter(cx, || operation(&socket)));
        assert_eq!(try_it().unwrap_err().kind(), ErrorKind::WouldBlock);
        settle(&mut core);
        assert_eq!(count.get(), 0);
        peer.send(b"data").unwrap();
        turn_until(&mut core, || count.get() > 0);
        assert_eq!(try_it().unwrap(), 4);
    }
}

#[test]
fn law_2_would_block_without_a_task_makes_readable_wait_for_what_is_new() {
    let mut core = Core::new().unwrap();
    for operation in TRYING {
        let (socket, peer) = datagrams(&core.handle());
        for _ in 0..3 {
            while socket.try_recv(&mut [0; 4]).is_ok() {}
            assert!(operation(&socket).is_err());
            let (count, waker) = CountWakes::new();
            let mut readable = socket.readable();
            assert!(poll_with(&mut readable, &waker).is_pending());
            peer.send(b"x").unwrap();
            turn_until(&mut core, || count.get() > 0);
            run(&mut core, readable).unwrap();
            assert_eq!(operation(&socket).unwrap(), 1);
        }
    }
}

/// Only strace makes a UDP socket of this machine block on writing.
#[test]
fn law_2_would_block_registers_a_send() {
    let test = "law_2_would_block_registers_a_send";
    let inject = ["-e", "inject=sendto,sendmsg:error=EAGAIN:when=1+2"];
    let trace = child::traced(test, &inject, || {
        let mut core = Core::new().unwrap();
        let (socket, peer) = datagrams(&core.handle());
        for operation in SENDING {
            run(&mut core, task::io(|| operation(&socket))).unwrap();
            assert_eq!(peer.recv(&mut [0; 4]).unwrap(), 1);
        }
        // The same without a task: the readiness that was taken back comes again.
        for _ in 0..3 {
            assert_eq!(
                socket.try_send(b"x").unwrap_err().kind(),
                ErrorKind::WouldBlock
            );
            run(&mut core, socket.writable()).unwrap();
            assert_eq!(socket.try_send(b"x").unwrap(), 1);
        }
    });
    assert!(trace.is_none_or(|trace| trace.lines("INJECTED") == 7));
}

#[test]
fn law_3_twenty_tasks_on_one_socket_receive_each_its_datagram() {
    let mut core = Core::new().unwrap();
    let (socket, peer) = datagrams(&core.handle());
    let socket = Arc::new(socket);
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let socket = socket.clone();
            core.spawner().spawn(async move {
                let mut byte = [0; 1];
                task::io(|| socket.recv(&mut byte)).await.unwrap();
                byte[0]
            })
        })
        .collect();
    settle(&mut core);
    (0..20_u8).for_each(|n| assert_eq!(peer.send(&[n]).unwrap(), 1));
    let mut bytes: Vec<_> = run(&mut core, join_all(tasks))
        .into_iter()
        .map(Result::unwrap)
        .collect();
    bytes.sort_unstable();
    assert_eq!(bytes, (0..20).collect::<Vec<u8>>());
}

async fn recv_byte(socket: &UdpSocket) -> io::Result<usize> {
    task::io(|| socket.recv(&mut [0])).await
}

#[test]
fn law_3_under_futures_unordered_and_select_the_inner_waker_is_the_one_that_is_woken() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let (sockets, peers): (Vec<_>, Vec<_>) = (0..10).map(|_| datagrams(&handle)).unzip();
    let (never, _never_peer) = datagrams(&handle);
    let writer = thread::spawn(move || {
        for peer in peers.iter().rev() {
            peer.send(b"x").unwrap();
            thread::yield_now();
        }
        peers
    });
    let pairs = sockets
        .iter()
        .map(|socket| (recv_byte(&never), recv_byte(socket)));
    assert_eq!(run(&mut core, sum_beside_others(pairs)), 10);
    writer.join().unwrap();
}

#[test]
fn law_3_under_a_foreign_executor_an_echo_goes_on_while_a_core_turns_elsewhere() {
    let core = Elsewhere::new();
    let pool = ThreadPool::builder().pool_size(2).create().unwrap();
    let server = UdpSocket::bind(&any_port(), &core.handle).unwrap();
    let addr = server.local_addr().unwrap();
    pool.spawn_ok(async move {
        let mut buf = [0; 16];
        while let Ok((n, from)) = task::io(|| server.recv_from(&mut buf)).await {
            task::io(|| server.send_to(&buf[..n], &from)).await.unwrap();
        }
    });
    let clients: Vec<_> = (0..8_u8)
        .map(|n| {
            let client = UdpSocket::bind(&any_port(), &core.handle).unwrap();
            client.connect(&addr).unwrap();
            thread::spawn(move || {
                block_on(async move {
                    for round in 0..50 {
                        let mut answer = [0; 2];
                        task::io(|| client.send(&[n, round])).await.unwrap();
                        task::io(|| client.recv(&mut answer)).await.unwrap();
                        assert_eq!(answer, [n, round]);
                    }
                });
            })
        })
        .collect();
    clients
        .into_iter()
        .for_each(|client| client.join().unwrap());
}

#[test]
fn law_3_wakers_that_change_between_polls_are_woken() {
    let mut core = Core::new().unwrap();
    let (socket, peer) = datagrams(&core.handle());
    let wakers: Vec<_> = (0..10).map(|_| CountWakes::new()).collect();
    for (_, waker) in &wakers {
        assert!(with_cx(waker, |cx| socket.poll_recv(cx, &mut [0; 4])).is_pending());
    }
    peer.send(b"x").unwrap();
    let (last, last_waker) = &wakers[9];
    turn_until(&mut core, || last.get() > 0);
    assert!(with_cx(last_waker, |cx| socket.poll_recv(cx, &mut [0; 4])).is_ready());
}

#[test]
fn law_4_a_receive_writes_the_datagram_and_nothing_else() {
    let mut core = Core::new().unwrap();
    let (socket, peer) = datagrams(&core.handle());
    for operation in [UdpSocket::peek, UdpSocket::recv] {
        if socket.try_peek(&mut [0; 1]).is_err() {
            peer.send(b"ab").unwrap();
        }
        let mut memory = [0xAA; 4];
        let n = run(&mut core, task::io(|| operation(&socket, &mut memory))).unwrap();
        assert_eq!((n, &memory), (2, b"ab\xAA\xAA"));
    }
}

#[test]
fn law_5_poll_functions_never_return_interrupted_or_would_block() {
    let test = "law_5_poll_functions_never_return_interrupted_or_would_block";
    let inject = [
        "-e",
        "inject=recvfrom,recvmsg,recvmmsg,sendto,sendmsg:error=EINTR:when=1+2",
    ];
    let trace = child::traced(test, &inject, || {
        let mut core = Core::new().unwrap();
        let (socket, _peer) = datagrams(&core.handle());
        let ours = socket.local_addr().unwrap();
        socket.connect(&ours).unwrap();
        run(&mut core, async {
            let mut buf = [0; 4];
            for _ in 0..5 {
                task::io(|| socket.send(b"x")).await.unwrap();
                task::io(|| socket.peek(&mut buf)).await.unwrap();
                task::io(|| socket.peek_from(&mut buf)).await.unwrap();
                task::io(|| socket.recv(&mut buf)).await.unwrap();
                task::io(|| socket.send_to(b"x", &ours)).await.unwrap();
                task::io(|| socket.recv_from(&mut buf)).await.unwrap();
                let mut transmit = Transmit::new(b"xy").segments(1);
                task::io(|| socket.send_msg(&mut transmit)).await.unwrap();
                task::io(|| socket.recv_msg(&mut buf)).await.unwrap();
                let mut batch = RecvBatch::new(2, 4);
                assert_eq!(task::io(|| socket.recv_batch(&mut batch)).await.unwrap(), 1);
            }
        });
    });
    assert!(trace.is_none_or(|trace| trace.lines("EINTR") > 40));
}

#[test]
fn law_6_no_silent_hang_outside_of_a_task_the_answer_is_the_same_with_and_without_data() {
    let mut core = Core::new().unwrap();
    let (socket, peer) = datagrams(&core.handle());
    for round in 0..3 {
        for operation in WAITING.into_iter().chain(SENDING) {
            let error = operation(&socket).unwrap_err();
            assert!(NotInTask::is_source_of(&error), "round {round}");
        }
        assert!(NotInTask::is_source_of(&socket.recv(&mut []).unwrap_err()));
        match round {
            0 => assert_eq!(peer.send(b"data").unwrap(), 4),
            _ => settle(&mut core),
        }
    }
    // Those that need no task have none of this.
    assert_eq!(socket.try_recv(&mut [0; 8]).unwrap(), 4);
    assert_eq!(socket.try_send(b"x").unwrap(), 1);
}

#[test]
fn law_6_after_the_core_is_gone_every_operation_says_so_for_ever() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let (socket, peer) = datagrams(&handle);
    peer.send(b"data").unwrap();
    settle(&mut core);
    drop(core);
    for _ in 0..3 {
        with_cx(Waker::noop(), |cx| {
            for operation in WAITING.into_iter().chain(SENDING) {
                assert_gone(task::enter(cx, || operation(&socket)));
            }
            assert!(ReactorGone::is_source_of(&common::ready_err(
                socket.poll_recv(cx, &mut [0; 4])
            )));
            assert!(ReactorGone::is_source_of(&common::ready_err(
                socket.poll_send(cx, b"x")
            )));
        });
        for operation in TRYING {
            assert_gone(operation(&socket));
        }
        assert_gone(socket.try_send(b"x"));
        assert_gone(socket.try_send_to(b"x", &peer.local_addr().unwrap()));
        assert_gone(socket.readable().now_or_never().expect("a hang"));
        assert_gone(socket.writable().now_or_never().expect("a hang"));
        assert_gone(UdpSocket::bind(&any_port(), &handle));
        assert_gone(UdpSocket::from_std(
            StdUdp::bind(any_port()).unwrap(),
            &handle,
        ));
    }
    // The socket can still be had.
    let std = socket.into_std().unwrap();
    assert_eq!(std.recv(&mut [0; 8]).unwrap(), 4);
}

#[test]
fn law_6_whoever_waits_for_a_socket_is_woken_when_the_core_goes() {
    let mut core = Elsewhere::new();
    let (socket, _peer) = datagrams(&core.handle);
    let socket = Arc::new(socket);
    let (parked, is_parked) = CountWakes::new();
    let threads: Vec<_> = [false, true]
        .map(|readable| {
            let (socket, is_parked) = (socket.clone(), is_parked.clone());
            let waiting = async move {
                if readable {
                    while socket.try_recv(&mut [0; 4]).is_ok() {}
                    socket.readable().await.map(drop)
                } else {
                    task::io(|| socket.recv(&mut [0; 4])).await.map(drop)
                }
            };
            drive_in_thread(waiting, is_parked)
        })
        .into();
    parked.wait_for(2);
    core.stop();
    for thread in threads {
        let error = thread.join().unwrap().unwrap_err();
        assert!(ReactorGone::is_source_of(&error));
    }
}
