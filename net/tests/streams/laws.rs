//! The laws; the third has a file of its own, `wakeups.rs`.

use std::{
    io::{self, ErrorKind, IoSlice, IoSliceMut, Read, Write},
    net::Shutdown,
    sync::Arc,
    task::Waker,
};

use bytes::BytesMut;
use futures::{FutureExt, StreamExt};
use io_traits::{
    AsyncRead, AsyncWrite, ReadCursor, io as async_io, poll_read_buf, read_buf,
    task::{self, NotInTask},
};
use reactor::{Core, ReactorGone};

use super::{
    Listener, Stream, assert_is_from, connect, connect_std, fill, listen, listen_std, pair,
    pair_of_ours, std_pair, try_listen, try_pair_of_ours,
};
use crate::common::{
    CountWakes, Elsewhere, assert_gone, child, drive_in_thread, path_of, poll_with, run, settle,
    turn_until, with_cx, within_reason,
};

type Operation = fn(&mut Stream) -> io::Result<usize>;

/// By the stream itself, and by a reference to it.
const READS: [Operation; 8] = [
    |stream| stream.read(&mut [0; 8]),
    |stream| (&*stream).read(&mut [0; 8]),
    |stream| stream.read_vectored(&mut [IoSliceMut::new(&mut [0; 8])]),
    |stream| (&*stream).read_vectored(&mut [IoSliceMut::new(&mut [0; 8])]),
    |stream| stream.peek(&mut [0; 8]),
    |stream| read_buf(stream, &mut BytesMut::with_capacity(8)),
    |stream| read_buf(&mut &*stream, &mut BytesMut::with_capacity(8)),
    // It has no memory yet.
    |stream| read_buf(stream, &mut BytesMut::new()),
];

const WRITES: [Operation; 4] = [
    |stream| stream.write(b"x"),
    |stream| (&*stream).write(b"x"),
    |stream| stream.write_vectored(&[IoSlice::new(b"x"), IoSlice::new(b"y")]),
    |stream| (&*stream).write_vectored(&[IoSlice::new(b"x"), IoSlice::new(b"y")]),
];

// ---- 1. non-blocking ------------------------------------------------------------------------------

#[test]
fn law_1_non_blocking_reads_writes_peeks_and_accepts_say_would_block_at_once() {
    within_reason(|| {
        let core = Core::new().unwrap();
        let handle = core.handle();
        // Those of std are blocking when they are handed over.
        let (of_std, _peer) = pair(&handle);
        let (of_ours, _other) = pair_of_ours(&handle);
        for mut stream in [of_std, of_ours] {
            fill(&stream);
            for operation in READS.into_iter().chain(WRITES) {
                let error = with_cx(Waker::noop(), |cx| {
                    task::enter(cx, || operation(&mut stream)).unwrap_err()
                });
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
            }
            with_cx(Waker::noop(), |cx| {
                assert!(stream.poll_peek(cx, &mut [0; 4]).is_pending());
                assert!(stream.poll_write_from(cx, b"x").is_pending());
            });
        }
        let (of_std, _at) = listen_std();
        let of_std = Listener::from_std(of_std, &handle).unwrap();
        let (of_ours, _at) = listen(&handle);
        for listener in [of_std, of_ours] {
            with_cx(Waker::noop(), |cx| {
                let error = task::enter(cx, || listener.accept()).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                assert!(listener.poll_accept(cx).is_pending());
            });
        }
    });
}

// ---- 2. would-block registers ---------------------------------------------------------------------

#[test]
fn law_2_would_block_registers_each_operation_and_its_retry_goes_through() {
    let mut core = Core::new().unwrap();
    for read in READS {
        let (mut stream, mut peer) = pair(&core.handle());
        let (count, waker) = CountWakes::new();
        let mut try_it = || with_cx(&waker, |cx| task::enter(cx, || read(&mut stream)));
        assert_eq!(try_it().unwrap_err().kind(), ErrorKind::WouldBlock);
        settle(&mut core);
        assert_eq!(count.get(), 0);
        peer.write_all(b"data").unwrap();
        turn_until(&mut core, || count.get() > 0);
        assert_eq!(try_it().unwrap(), 4);
    }
    for write in WRITES {
        let (mut stream, mut peer) = pair(&core.handle());
        let filled = fill(&stream);
        let (count, waker) = CountWakes::new();
        let mut try_it = || with_cx(&waker, |cx| task::enter(cx, || write(&mut stream)));
        assert_eq!(try_it().unwrap_err().kind(), ErrorKind::WouldBlock);
        settle(&mut core);
        assert_eq!(count.get(), 0);
        peer.read_exact(&mut vec![0; filled]).unwrap();
        turn_until(&mut core, || count.get() > 0);
        assert!(try_it().unwrap() > 0);
    }
}

#[test]
fn law_2_would_block_registers_an_accept() {
    let mut core = Core::new().unwrap();
    let (listener, at) = listen(&core.handle());
    let (count, waker) = CountWakes::new();
    let try_it = || with_cx(&waker, |cx| task::enter(cx, || listener.accept()));
    assert_eq!(try_it().unwrap_err().kind(), ErrorKind::WouldBlock);
    settle(&mut core);
    assert_eq!(count.get(), 0);
    let mut peer = connect_std(&at);
    turn_until(&mut core, || count.get() > 0);
    let (mut stream, from) = try_it().unwrap();
    assert_is_from(&from, &peer);
    peer.write_all(b"x").unwrap();
    run(&mut core, async_io::read_exact(&mut stream, &mut [0; 1])).unwrap();
}

/// As TLS does: a read may have to write first.
struct WritesToRead(Stream);

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

// ---- 5. poll functions never say "would block" nor "interrupted" ----------------------------------

/// Signals interrupt system calls; here strace plays the signal.
#[test]
fn law_5_poll_functions_never_return_interrupted_or_would_block() {
    let test = path_of(
        module_path!(),
        "law_5_poll_functions_never_return_interrupted_or_would_block",
    );
    let calls = "recvfrom,sendto,accept4,writev,readv,recvmsg,sendmsg";
    let inject = format!("inject={calls}:error=EINTR:when=1+2");
    let trace = child::traced(&test, &["-e", &inject], || {
        let mut core = Core::new().unwrap();
        let handle = core.handle();
        let (listener, at) = listen(&handle);
        run(&mut core, async {
            for _ in 0..5 {
                let mut client = connect(&at, &handle).await.unwrap();
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
    let (listener, at) = listen(&core.handle());
    let mut connection = None;
    for round in 0..4 {
        for (operation, answer) in READS.into_iter().chain(WRITES).enumerate() {
            let error = answer(&mut stream).unwrap_err();
            assert!(
                NotInTask::is_source_of(&error),
                "operation {operation}, round {round}"
            );
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
                connection = Some(connect_std(&at));
            }
            1 => settle(&mut core),
            _ => peer.shutdown(Shutdown::Write).unwrap(),
        }
    }
    drop(connection);
}

#[test]
fn law_6_after_the_core_is_gone_every_operation_says_so_for_ever() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let (mut stream, mut peer) = pair(&handle);
    let (listener, at) = listen(&handle);
    peer.write_all(b"data").unwrap();
    settle(&mut core);
    drop(core);
    for _ in 0..3 {
        with_cx(Waker::noop(), |cx| {
            for operation in READS.into_iter().chain(WRITES) {
                assert_gone(task::enter(cx, || operation(&mut stream)));
            }
            assert_gone(task::enter(cx, || listener.accept()));
        });
        assert_gone(stream.readable().now_or_never().expect("a hang"));
        assert_gone(stream.writable().now_or_never().expect("a hang"));
        assert_gone(connect(&at, &handle).now_or_never().expect("a hang"));
        assert_gone(try_listen(&handle));
        assert_gone(Listener::from_std(listen_std().0, &handle));
        assert_gone(Stream::from_std(std_pair().0, &handle));
        assert_gone(try_pair_of_ours(&handle));
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
    fill(&stream);
    let stream = Arc::new(stream);
    let (parked, is_parked) = CountWakes::new();
    let threads: Vec<_> = [0, 1, 2]
        .map(|what| {
            let (stream, is_parked) = (stream.clone(), is_parked.clone());
            let listener = (what == 2).then(|| listen(&core.handle));
            let waiting = async move {
                match what {
                    0 => async_io::read_exact(&mut &*stream, &mut [0; 1]).await,
                    1 => async_io::write_all(&mut &*stream, &[0; 65_536]).await,
                    _ => task::io(|| listener.as_ref().unwrap().0.accept())
                        .await
                        .map(drop),
                }
            };
            drive_in_thread(waiting, is_parked)
        })
        .into();
    parked.wait_for(3);
    core.stop();
    for thread in threads {
        let error = thread.join().unwrap().unwrap_err();
        assert!(ReactorGone::is_source_of(&error));
    }
}
