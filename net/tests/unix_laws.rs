//! The six laws, on Unix sockets.

mod common;

use std::{
    io::{self, ErrorKind, IoSlice, IoSliceMut, Read, Write},
    os::unix::net::{UnixListener as StdListener, UnixStream as StdUnix},
    sync::Arc,
    task::{Context, Waker},
    thread,
};

use bytes::BytesMut;
use common::{
    CountWakes, Elsewhere, SocketPath, assert_gone, block_on, fill_unix, run, settle, turn_until,
    unix_streams, with_cx, within_reason,
};
use futures::{FutureExt, StreamExt, executor::ThreadPool, future::join_all};
use io_traits::{
    AsyncRead, AsyncWrite, ReadCursor, io as async_io, poll_read_buf, read_buf,
    task::{self, NotInTask},
};
use net::{UnixListener, UnixStream};
use reactor::{Core, Handle, ReactorGone};

type Operation = fn(&UnixStream) -> io::Result<usize>;

const READS: [Operation; 4] = [
    |mut stream| stream.read(&mut [0; 8]),
    |mut stream| stream.read_vectored(&mut [IoSliceMut::new(&mut [0; 8])]),
    |stream| stream.peek(&mut [0; 8]),
    |mut stream| read_buf(&mut stream, &mut BytesMut::with_capacity(8)),
];

const WRITES: [Operation; 2] = [
    |mut stream| stream.write(b"x"),
    |mut stream| stream.write_vectored(&[IoSlice::new(b"x"), IoSlice::new(b"y")]),
];

fn listen(handle: &Handle) -> (UnixListener, SocketPath) {
    let path = SocketPath::new();
    (UnixListener::bind(&path, handle).unwrap(), path)
}

#[test]
fn law_1_non_blocking_reads_writes_peeks_and_accepts_say_would_block_at_once() {
    within_reason(|| {
        let core = Core::new().unwrap();
        let handle = core.handle();
        // Those of std are blocking when they are handed over.
        let (of_std, _peer) = unix_streams(&handle);
        let (of_ours, _other) = UnixStream::pair(&handle).unwrap();
        for mut stream in [of_std, of_ours] {
            fill_unix(&stream);
            for operation in READS.into_iter().chain(WRITES) {
                let error = with_cx(Waker::noop(), |cx| {
                    task::enter(cx, || operation(&stream)).unwrap_err()
                });
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
            }
            with_cx(Waker::noop(), |cx| {
                assert!(stream.poll_peek(cx, &mut [0; 4]).is_pending());
                assert!(stream.poll_write_from(cx, b"x").is_pending());
            });
        }
        let path = SocketPath::new();
        let of_std = StdListener::bind(&path).unwrap();
        let of_std = UnixListener::from_std(of_std, &handle).unwrap();
        let (of_ours, _path) = listen(&handle);
        for listener in [of_std, of_ours] {
            with_cx(Waker::noop(), |cx| {
                let error = task::enter(cx, || listener.accept()).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                assert!(listener.poll_accept(cx).is_pending());
            });
        }
    });
}

#[test]
fn law_2_would_block_registers_each_operation_and_its_retry_goes_through() {
    let mut core = Core::new().unwrap();
    for read in READS {
        let (stream, mut peer) = unix_streams(&core.handle());
        let (count, waker) = CountWakes::new();
        let try_it = || with_cx(&waker, |cx| task::enter(cx, || read(&stream)));
        assert_eq!(try_it().unwrap_err().kind(), ErrorKind::WouldBlock);
        settle(&mut core);
        assert_eq!(count.get(), 0);
        peer.write_all(b"data").unwrap();
        turn_until(&mut core, || count.get() > 0);
        assert_eq!(try_it().unwrap(), 4);
    }
    for write in WRITES {
        let (stream, mut peer) = unix_streams(&core.handle());
        let filled = fill_unix(&stream);
        let (count, waker) = CountWakes::new();
        let try_it = || with_cx(&waker, |cx| task::enter(cx, || write(&stream)));
        assert_eq!(try_it().unwrap_err().kind(), ErrorKind::WouldBlock);
        settle(&mut core);
        assert_eq!(count.get(), 0);
        peer.read_exact(&mut vec![0; filled]).unwrap();
        turn_until(&mut core, || count.get() > 0);
        assert!(try_it().unwrap() > 0);
    }
    let (listener, path) = listen(&core.handle());
    let (count, waker) = CountWakes::new();
    let try_it = || with_cx(&waker, |cx| task::enter(cx, || listener.accept()));
    assert_eq!(try_it().unwrap_err().kind(), ErrorKind::WouldBlock);
    settle(&mut core);
    assert_eq!(count.get(), 0);
    let _peer = StdUnix::connect(&path).unwrap();
    turn_until(&mut core, || count.get() > 0);
    try_it().unwrap();
}

#[test]
fn law_3_twenty_tasks_on_one_stream_in_one_direction_are_all_woken() {
    let mut core = Core::new().unwrap();
    let (stream, mut peer) = unix_streams(&core.handle());
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
    let (listener, path) = listen(&core.handle());
    let listener = Arc::new(listener);
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let listener = listener.clone();
            core.spawner().spawn(async move {
                let (mut stream, _) = task::io(|| listener.accept()).await.unwrap();
                let mut byte = [0; 1];
                async_io::read_exact(&mut stream, &mut byte).await.unwrap();
                byte[0]
            })
        })
        .collect();
    settle(&mut core);
    let _peers: Vec<_> = (0..20_u8)
        .map(|n| {
            let mut peer = StdUnix::connect(&path).unwrap();
            peer.write_all(&[n]).unwrap();
            peer
        })
        .collect();
    let mut bytes: Vec<_> = run(&mut core, join_all(tasks))
        .into_iter()
        .map(Result::unwrap)
        .collect();
    bytes.sort_unstable();
    assert_eq!(bytes, (0..20).collect::<Vec<u8>>());
}

#[test]
fn law_3_under_a_foreign_executor_echoes_go_on_while_a_core_turns_elsewhere() {
    let core = Elsewhere::new();
    let pool = ThreadPool::builder().pool_size(2).create().unwrap();
    let (listener, path) = listen(&core.handle);
    let path = Arc::new(path);
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
            let (handle, path) = (core.handle.clone(), path.clone());
            thread::spawn(move || {
                block_on(async move {
                    let mut stream = UnixStream::connect(&*path, &handle).await.unwrap();
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
fn law_4_a_read_into_uninitialised_memory_reports_exactly_what_it_filled() {
    let mut core = Core::new().unwrap();
    let (mut stream, mut peer) = unix_streams(&core.handle());
    peer.write_all(b"abc").unwrap();
    let mut buf = BytesMut::with_capacity(1024);
    buf.extend_from_slice(b"old ");
    let read = std::future::poll_fn(|cx| poll_read_buf(&mut stream, cx, &mut buf));
    assert_eq!(run(&mut core, read).unwrap(), 3);
    assert_eq!(buf, "old abc");
    // What was not filled was not touched either: no zeroing on the fast path.
    let mut memory = [0xAA; 8];
    peer.write_all(b"de").unwrap();
    run(&mut core, task::io(|| stream.peek(&mut memory))).unwrap();
    assert_eq!(memory, *b"de\xAA\xAA\xAA\xAA\xAA\xAA");
    memory.fill(0xAA);
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

#[test]
fn law_5_poll_functions_never_return_interrupted_or_would_block() {
    let test = "law_5_poll_functions_never_return_interrupted_or_would_block";
    let calls = "recvfrom,sendto,accept4,writev,readv,recvmsg,sendmsg";
    let inject = format!("inject={calls}:error=EINTR:when=1+2");
    let trace = common::child::traced(test, &["-e", &inject], || {
        let mut core = Core::new().unwrap();
        let handle = core.handle();
        let (listener, path) = listen(&handle);
        run(&mut core, async {
            for _ in 0..5 {
                let mut client = UnixStream::connect(&path, &handle).await.unwrap();
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

#[test]
fn law_6_no_silent_hang_outside_of_a_task_the_answer_is_the_same_with_and_without_data() {
    let mut core = Core::new().unwrap();
    let (mut stream, mut peer) = unix_streams(&core.handle());
    let (listener, path) = listen(&core.handle());
    let mut connection = None;
    for round in 0..4 {
        for operation in READS.into_iter().chain(WRITES) {
            let error = operation(&stream).unwrap_err();
            assert!(NotInTask::is_source_of(&error), "round {round}");
        }
        let others = [
            stream.read(&mut []),
            stream.write(b""),
            listener.accept().map(|_| 0),
        ];
        for result in others {
            assert!(NotInTask::is_source_of(&result.unwrap_err()));
        }
        // These need no task.
        stream.flush().unwrap();
        stream.peer_addr().unwrap();
        match round {
            0 => {
                peer.write_all(b"data").unwrap();
                connection = Some(StdUnix::connect(&path).unwrap());
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
    let (stream, mut peer) = unix_streams(&handle);
    let (listener, path) = listen(&handle);
    peer.write_all(b"data").unwrap();
    settle(&mut core);
    drop(core);
    for _ in 0..3 {
        with_cx(Waker::noop(), |cx| {
            for operation in READS.into_iter().chain(WRITES) {
                assert_gone(task::enter(cx, || operation(&stream)));
            }
            assert_gone(task::enter(cx, || listener.accept()));
        });
        assert_gone(stream.readable().now_or_never().expect("a hang"));
        assert_gone(stream.writable().now_or_never().expect("a hang"));
        let connect = UnixStream::connect(&path, &handle);
        assert_gone(connect.now_or_never().expect("a hang"));
        assert_gone(UnixListener::bind(SocketPath::new(), &handle));
        assert_gone(UnixStream::pair(&handle));
        assert_gone(UnixStream::from_std(StdUnix::pair().unwrap().0, &handle));
    }
    let mut incoming = listener.incoming();
    assert_gone(incoming.next().now_or_never().expect("a hang").unwrap());
    // The socket can still be had.
    let mut std = stream.into_std().unwrap();
    let mut buf = [0; 4];
    std.read_exact(&mut buf).unwrap();
    assert_eq!(&buf, b"data");
}

#[test]
fn law_6_whoever_waits_for_a_socket_is_woken_when_the_core_goes() {
    let mut core = Elsewhere::new();
    let (stream, _peer) = unix_streams(&core.handle);
    fill_unix(&stream);
    let stream = Arc::new(stream);
    let (parked, is_parked) = CountWakes::new();
    let threads: Vec<_> = [0, 1, 2]
        .map(|what| {
            let (stream, is_parked) = (stream.clone(), is_parked.clone());
            let listener = (what == 2).then(|| listen(&core.handle));
            let mut waiting = Box::pin(async move {
                match what {
                    0 => async_io::read_exact(&mut &*stream, &mut [0; 1]).await,
                    1 => async_io::write_all(&mut &*stream, &[0; 65_536]).await,
                    _ => task::io(|| listener.as_ref().unwrap().0.accept())
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
}
