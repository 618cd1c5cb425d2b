//! The six laws, on TCP sockets.

mod common;

use std::{
    io::{self, ErrorKind, IoSlice, IoSliceMut, Read, Write},
    net::TcpStream as StdStream,
    sync::Arc,
    task::{Context, Waker},
    thread,
};

use bytes::BytesMut;
use common::{
    CountWakes, Elsewhere, assert_gone, block_on, fill, listen, pair, poll_with, run, settle,
    turn_until, with_cx, within_reason,
};
use futures::{
    FutureExt, StreamExt,
    executor::ThreadPool,
    future::{join_all, select},
    stream::FuturesUnordered,
};
use io_traits::{
    AsyncRead, AsyncWrite, ReadCursor, io as async_io, poll_read_buf, read_buf,
    task::{self, NotInTask},
};
use net::{TcpListener, TcpStream};
use reactor::{Core, ReactorGone};

// ---- 1. non-blocking ------------------------------------------------------------------------------

#[test]
fn law_1_non_blocking_reads_writes_peeks_and_accepts_say_would_block_at_once() {
    within_reason(|| {
        let core = Core::new().unwrap();
        let handle = core.handle();
        let (mut stream, _peer) = pair(&handle);
        let (listener, _) = listen(&handle);
        fill(&stream);
        with_cx(Waker::noop(), |cx| {
            let mut buf = [0; 16];
            let kinds = [
                task::enter(cx, || stream.read(&mut buf))
                    .unwrap_err()
                    .kind(),
                task::enter(cx, || {
                    stream.read_vectored(&mut [IoSliceMut::new(&mut [0])])
                })
                .unwrap_err()
                .kind(),
                task::enter(cx, || stream.peek(&mut buf))
                    .unwrap_err()
                    .kind(),
                task::enter(cx, || stream.write(&buf)).unwrap_err().kind(),
                task::enter(cx, || stream.write_vectored(&[IoSlice::new(b"x")]))
                    .unwrap_err()
                    .kind(),
                task::enter(cx, || read_buf(&mut stream, &mut BytesMut::new()))
                    .unwrap_err()
                    .kind(),
                task::enter(cx, || listener.accept()).unwrap_err().kind(),
            ];
            assert_eq!(kinds, [ErrorKind::WouldBlock; 7]);
            assert!(stream.poll_peek(cx, &mut buf).is_pending());
            assert!(stream.poll_write_from(cx, &buf).is_pending());
            assert!(listener.poll_accept(cx).is_pending());
        });
    });
}

#[test]
fn law_1_a_blocking_socket_that_is_handed_over_blocks_no_more() {
    within_reason(|| {
        let core = Core::new().unwrap();
        // `std_pair` makes blocking ones; a listener of std is blocking as well.
        let (mut stream, _peer) = pair(&core.handle());
        let listener = std::net::TcpListener::bind(common::any_port()).unwrap();
        let listener = TcpListener::from_std(listener, &core.handle()).unwrap();
        with_cx(Waker::noop(), |cx| {
            assert!(task::enter(cx, || stream.read(&mut [0])).is_err());
            assert!(task::enter(cx, || listener.accept()).is_err());
        });
    });
}

// ---- 2. would-block registers ---------------------------------------------------------------------

#[test]
fn law_2_would_block_registers_each_operation_and_its_retry_goes_through() {
    type Operation = fn(&TcpStream) -> io::Result<usize>;
    let reads: [Operation; 4] = [
        |mut stream| stream.read(&mut [0; 8]),
        |mut stream| stream.read_vectored(&mut [IoSliceMut::new(&mut [0; 8])]),
        |stream| stream.peek(&mut [0; 8]),
        |mut stream| read_buf(&mut stream, &mut BytesMut::with_capacity(8)),
    ];
    let writes: [Operation; 2] = [
        |mut stream| stream.write(b"x"),
        |mut stream| stream.write_vectored(&[IoSlice::new(b"x"), IoSlice::new(b"y")]),
    ];
    let mut core = Core::new().unwrap();
    for read in reads {
        let (stream, mut peer) = pair(&core.handle());
        let (count, waker) = CountWakes::new();
        let error = with_cx(&waker, |cx| task::enter(cx, || read(&stream))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
        settle(&mut core);
        assert_eq!(count.get(), 0);
        peer.write_all(b"data").unwrap();
        turn_until(&mut core, || count.get() > 0);
        assert_eq!(
            with_cx(&waker, |cx| task::enter(cx, || read(&stream))).unwrap(),
            4
        );
    }
    for write in writes {
        let (stream, mut peer) = pair(&core.handle());
        let filled = fill(&stream);
        let (count, waker) = CountWakes::new();
        let error = with_cx(&waker, |cx| task::enter(cx, || write(&stream))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
        peer.read_exact(&mut vec![0; filled]).unwrap();
        turn_until(&mut core, || count.get() > 0);
        assert!(with_cx(&waker, |cx| task::enter(cx, || write(&stream))).unwrap() > 0);
    }
}

#[test]
fn law_2_would_block_registers_an_accept() {
    let mut core = Core::new().unwrap();
    let (listener, addr) = listen(&core.handle());
    let (count, waker) = CountWakes::new();
    let accept = || listener.accept();
    let error = with_cx(&waker, |cx| task::enter(cx, accept)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    settle(&mut core);
    assert_eq!(count.get(), 0);
    let peer = StdStream::connect(addr).unwrap();
    turn_until(&mut core, || count.get() > 0);
    let (_, from) = with_cx(&waker, |cx| task::enter(cx, accept)).unwrap();
    assert_eq!(from, peer.local_addr().unwrap());
}

/// As TLS does: a read may have to write first.
struct WritesToRead(TcpStream);

impl Read for WritesToRead {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.write(b"!")?;
        self.0.read(buf)
    }
}

#[test]
fn law_2_a_read_that_blocks_on_writing_is_woken_by_writability() {
    let mut core = Core::new().unwrap();
    let (stream, mut peer) = pair(&core.handle());
    let filled = fill(&stream);
    let mut object = WritesToRead(stream);
    let mut buf = [0; 16];
    let (count, waker) = CountWakes::new();
    let mut future = task::io(|| object.read(&mut buf));
    assert!(poll_with(&mut future, &waker).is_pending());
    peer.read_exact(&mut vec![0; filled]).unwrap();
    turn_until(&mut core, || count.get() > 0);
    peer.write_all(b"answer").unwrap();
    assert_eq!(run(&mut core, future).unwrap(), 6);
}

// ---- 3. no wakeup is lost -------------------------------------------------------------------------

#[test]
fn law_3_twenty_tasks_on_one_stream_in_one_direction_are_all_woken() {
    let mut core = Core::new().unwrap();
    let (stream, mut peer) = pair(&core.handle());
    let stream = Arc::new(stream);
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let stream = stream.clone();
            core.spawner().spawn(async move {
                let mut byte = [0; 1];
                let mut stream = &*stream;
                task::io(|| stream.read(&mut byte)).await.unwrap();
                byte[0]
            })
        })
        .collect();
    settle(&mut core);
    peer.write_all(&(0..20).collect::<Vec<u8>>()).unwrap();
    let mut bytes: Vec<_> = run(&mut core, join_all(tasks))
        .into_iter()
        .map(Result::unwrap)
        .collect();
    bytes.sort_unstable();
    assert_eq!(bytes, (0..20).collect::<Vec<u8>>());
}

#[test]
fn law_3_twenty_tasks_accept_from_one_listener_and_each_connection_goes_to_one() {
    let mut core = Core::new().unwrap();
    let (listener, addr) = listen(&core.handle());
    let listener = Arc::new(listener);
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let listener = listener.clone();
            core.spawner()
                .spawn(async move { task::io(|| listener.accept()).await.unwrap().1 })
        })
        .collect();
    settle(&mut core);
    let peers: Vec<_> = (0..20).map(|_| StdStream::connect(addr).unwrap()).collect();
    let mut accepted: Vec<_> = run(&mut core, join_all(tasks))
        .into_iter()
        .map(Result::unwrap)
        .collect();
    let mut expected: Vec<_> = peers
        .iter()
        .map(|peer| peer.local_addr().unwrap())
        .collect();
    accepted.sort_unstable();
    expected.sort_unstable();
    assert_eq!(accepted, expected);
}

#[test]
fn law_3_under_futures_unordered_and_select_the_inner_waker_is_the_one_that_is_woken() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let (streams, mut peers): (Vec<_>, Vec<_>) = (0..10).map(|_| pair(&handle)).unzip();
    let (never, _never_peer) = pair(&handle);
    let never = &never;
    let writer = thread::spawn(move || {
        for peer in peers.iter_mut().rev() {
            peer.write_all(b"x").unwrap();
            thread::yield_now();
        }
        peers
    });
    let seen = run(&mut core, async {
        let mut children: FuturesUnordered<_> = streams
            .iter()
            .map(|mut stream| async move {
                let (mut buf, mut never_buf, mut never) = ([0; 1], [0; 1], never);
                let wanted = std::pin::pin!(task::io(|| stream.read(&mut buf)));
                let other = std::pin::pin!(task::io(|| never.read(&mut never_buf)));
                select(other, wanted).await.factor_first().0.unwrap()
            })
            .collect();
        let mut seen = 0;
        while let Some(n) = children.next().await {
            seen += n;
        }
        seen
    });
    assert_eq!(seen, 10);
    writer.join().unwrap();
}

#[test]
fn law_3_under_a_foreign_executor_echoes_go_on_while_a_core_turns_elsewhere() {
    let core = Elsewhere::new();
    let pool = ThreadPool::builder().pool_size(2).create().unwrap();
    let (listener, addr) = listen(&core.handle);
    let server = pool.clone();
    pool.spawn_ok(async move {
        let mut incoming = listener.incoming();
        while let Some(Ok((stream, _))) = incoming.next().await {
            server.spawn_ok(async move {
                async_io::copy(&mut &stream, &mut &stream).await.unwrap();
            });
        }
    });
    let clients: Vec<_> = (0..8)
        .map(|n| {
            let handle = core.handle.clone();
            thread::spawn(move || {
                block_on(async move {
                    let mut stream = TcpStream::connect(&addr, &handle).await.unwrap();
                    for round in 0..50_u8 {
                        let mut answer = [0; 2];
                        async_io::write_all(&mut stream, &[n, round]).await.unwrap();
                        async_io::read_exact(&mut stream, &mut answer)
                            .await
                            .unwrap();
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
fn law_3_no_task_is_lost_when_it_moves_between_threads() {
    let core = Elsewhere::new();
    let (stream, mut peer) = pair(&core.handle);
    let stream = Arc::new(stream);
    for round in 0..50_u8 {
        let reading = stream.clone();
        let mut future = Box::pin(async move {
            let mut byte = [0; 1];
            async_io::read_exact(&mut &*reading, &mut byte)
                .await
                .map(|()| byte[0])
        });
        assert!(poll_with(&mut future, &CountWakes::new().1).is_pending());
        let elsewhere = thread::spawn(move || block_on(future));
        peer.write_all(&[round]).unwrap();
        assert_eq!(elsewhere.join().unwrap().unwrap(), round);
    }
}

#[test]
fn law_3_wakers_that_change_between_polls_are_woken() {
    let mut core = Core::new().unwrap();
    let (stream, mut peer) = pair(&core.handle());
    let mut buf = [0; 8];
    let mut stream = &stream;
    let mut future = task::io(|| stream.read(&mut buf));
    let wakers: Vec<_> = (0..10).map(|_| CountWakes::new()).collect();
    for (_, waker) in &wakers {
        assert!(poll_with(&mut future, waker).is_pending());
    }
    peer.write_all(b"x").unwrap();
    let (last, last_waker) = &wakers[9];
    turn_until(&mut core, || last.get() > 0);
    assert!(poll_with(&mut future, last_waker).is_ready());
}

// ---- 4. buffers are only written ------------------------------------------------------------------

#[test]
fn law_4_a_read_into_uninitialised_memory_reports_exactly_what_it_filled() {
    let mut core = Core::new().unwrap();
    let (mut stream, mut peer) = pair(&core.handle());
    peer.write_all(b"abc").unwrap();
    let mut buf = BytesMut::with_capacity(1024);
    buf.extend_from_slice(b"old ");
    let read = std::future::poll_fn(|cx| poll_read_buf(&mut stream, cx, &mut buf));
    assert_eq!(run(&mut core, read).unwrap(), 3);
    assert_eq!(buf, "old abc");
    // What was not filled was not touched either: no zeroing on the fast path.
    let mut memory = [0xAA; 8];
    peer.write_all(b"de").unwrap();
    run(
        &mut core,
        std::future::poll_fn(|cx| {
            let (polled, filled) = ReadCursor::with_initialized(&mut memory, |cursor| {
                stream.poll_read_into(cx, cursor)
            });
            polled.map_ok(|n| assert_eq!((n, filled), (2, 2)))
        }),
    )
    .unwrap();
    assert_eq!(memory, *b"de\xAA\xAA\xAA\xAA\xAA\xAA");
}

// ---- 5. poll functions never say "would block" nor "interrupted" ----------------------------------

/// Signals interrupt system calls; here strace plays the signal.
#[test]
fn law_5_poll_functions_never_return_interrupted_or_would_block() {
    let test = "law_5_poll_functions_never_return_interrupted_or_would_block";
    let calls = "recvfrom,sendto,accept4,writev,readv,recvmsg,sendmsg";
    let inject = format!("inject={calls}:error=EINTR:when=1+2");
    let trace = common::child::traced(test, &["-e", &inject], || {
        let mut core = Core::new().unwrap();
        let handle = core.handle();
        let (listener, addr) = listen(&handle);
        run(&mut core, async {
            for _ in 0..5 {
                let mut client = TcpStream::connect(&addr, &handle).await.unwrap();
                let (server, _) = task::io(|| listener.accept()).await.unwrap();
                async_io::write_all(&mut client, b"hello").await.unwrap();
                let two = [IoSlice::new(b"wor"), IoSlice::new(b"ld")];
                task::io(|| client.write_vectored(&two)).await.unwrap();
                assert_eq!(task::io(|| server.peek(&mut [0; 1])).await.unwrap(), 1);
                let mut buf = [0; 10];
                async_io::read_exact(&mut &server, &mut buf).await.unwrap();
                assert_eq!(&buf, b"helloworld");
                drop(client);
                assert_eq!(async_io::read(&mut &server, &mut buf).await.unwrap(), 0);
            }
        });
    });
    assert!(trace.is_none_or(|trace| trace.lines("EINTR") > 20));
}

// ---- 6. no silent hang ----------------------------------------------------------------------------

#[test]
fn law_6_no_silent_hang_outside_of_a_task_the_answer_is_the_same_with_and_without_data() {
    let mut core = Core::new().unwrap();
    let (mut stream, mut peer) = pair(&core.handle());
    let (listener, addr) = listen(&core.handle());
    let mut connection = None;
    for round in 0..4 {
        let results = [
            stream.read(&mut [0; 4]),
            (&stream).read(&mut [0; 4]),
            stream.read_vectored(&mut [IoSliceMut::new(&mut [0; 4])]),
            stream.read(&mut []),
            read_buf(&mut stream, &mut BytesMut::new()),
            stream.peek(&mut [0; 4]),
            stream.write(b"x"),
            (&stream).write_vectored(&[IoSlice::new(b"x")]),
            stream.write(b""),
            listener.accept().map(|_| 0),
        ];
        for (operation, result) in results.into_iter().enumerate() {
            let error = result.unwrap_err();
            assert!(
                NotInTask::is_source_of(&error),
                "operation {operation}, round {round}"
            );
        }
        // These need no task.
        stream.flush().unwrap();
        stream.peer_addr().unwrap();
        match round {
            0 => {
                peer.write_all(b"data").unwrap();
                connection = Some(StdStream::connect(addr).unwrap());
            }
            1 => settle(&mut core),
            _ => peer.shutdown(std::net::Shutdown::Write).unwrap(),
        }
    }
    drop(connection);
}

#[test]
fn law_6_after_the_core_is_gone_every_operation_says_so_for_ever() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let (mut stream, mut peer) = pair(&handle);
    let (listener, addr) = listen(&handle);
    let connecting = TcpStream::connect(&addr, &handle);
    peer.write_all(b"data").unwrap();
    settle(&mut core);
    drop(core);
    assert_gone(connecting.now_or_never().expect("a hang"));
    for _ in 0..3 {
        with_cx(Waker::noop(), |cx| {
            assert_gone(task::enter(cx, || stream.read(&mut [0; 4])));
            assert_gone(task::enter(cx, || stream.peek(&mut [0; 4])));
            assert_gone(task::enter(cx, || (&stream).write(b"x")));
            assert_gone(task::enter(cx, || {
                read_buf(&mut stream, &mut BytesMut::new())
            }));
            assert_gone(task::enter(cx, || listener.accept()));
        });
        assert_gone(stream.readable().now_or_never().expect("a hang"));
        assert_gone(stream.writable().now_or_never().expect("a hang"));
        assert_gone(
            TcpStream::connect(&addr, &handle)
                .now_or_never()
                .expect("a hang"),
        );
        assert_gone(TcpListener::bind(&common::any_port(), &handle));
        assert_gone(TcpStream::from_std(common::std_pair().0, &handle));
    }
    let mut incoming = listener.incoming();
    assert_gone(incoming.next().now_or_never().expect("a hang").unwrap());
    // The socket can still be had.
    let mut std = stream.into_std().unwrap();
    std.set_nonblocking(false).unwrap();
    let mut buf = [0; 4];
    std.read_exact(&mut buf).unwrap();
    assert_eq!(&buf, b"data");
}

#[test]
fn law_6_whoever_waits_for_a_socket_is_woken_when_the_core_goes() {
    let mut core = Elsewhere::new();
    let (stream, _peer) = pair(&core.handle);
    let (listener, _) = listen(&core.handle);
    fill(&stream);
    let stream = Arc::new(stream);
    let (parked, is_parked) = CountWakes::new();
    let threads: Vec<_> = [0, 1, 2]
        .map(|what| {
            let (stream, is_parked) = (stream.clone(), is_parked.clone());
            let listener = (what == 2).then(|| listen(&core.handle).0);
            let mut waiting = Box::pin(async move {
                match what {
                    0 => async_io::read_exact(&mut &*stream, &mut [0; 1]).await,
                    1 => async_io::write_all(&mut &*stream, &[0; 65_536]).await,
                    _ => task::io(|| listener.as_ref().unwrap().accept())
                        .await
                        .map(drop),
                }
            });
            thread::spawn(move || {
                let mut announced = Some(is_parked);
                block_on(std::future::poll_fn(move |cx: &mut Context<'_>| {
                    let polled = waiting.as_mut().poll(cx);
                    if polled.is_pending() {
                        announced.take().into_iter().for_each(Waker::wake);
                    }
                    polled
                }))
            })
        })
        .into();
    parked.wait_for(3);
    core.stop();
    for thread in threads {
        let error = thread.join().unwrap().unwrap_err();
        assert!(ReactorGone::is_source_of(&error));
    }
    drop(listener);
}
