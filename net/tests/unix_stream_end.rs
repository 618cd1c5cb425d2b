//! How Unix connections end: half, whole, with unread data, and in the same event as the last data.

mod common;

use std::{
    cell::Cell,
    io::{ErrorKind, IoSlice, IoSliceMut, Read, Write},
    net::Shutdown,
    rc::Rc,
    task::{Poll, Waker},
    thread,
    time::Duration,
};

use bytes::BytesMut;
use common::{
    CountWakes, Random, child, fill_unix, run, settle, turn_until, unix_streams, with_cx,
};
use io_traits::{AsyncWrite, io as async_io, read_buf, task};
use net::UnixStream;
use reactor::Core;

#[test]
fn the_peers_half_close_is_the_end_for_ever_and_writing_goes_on() {
    let mut core = Core::new().unwrap();
    let (mut stream, mut peer) = unix_streams(&core.handle());
    peer.write_all(b"last").unwrap();
    peer.shutdown(Shutdown::Write).unwrap();
    run(&mut core, async {
        async_io::read_exact(&mut stream, &mut [0; 4])
            .await
            .unwrap();
        for _ in 0..100 {
            assert_eq!(async_io::read(&mut stream, &mut [0; 4]).await.unwrap(), 0);
            assert_eq!(task::io(|| stream.peek(&mut [0; 4])).await.unwrap(), 0);
        }
        async_io::write_all(&mut stream, b"still here")
            .await
            .unwrap();
        async_io::shutdown(&mut stream).await.unwrap();
    });
    let mut all = Vec::new();
    peer.read_to_end(&mut all).unwrap();
    assert_eq!(all, b"still here");
}

#[test]
fn our_half_close_is_the_peers_end_and_reading_goes_on() {
    let mut core = Core::new().unwrap();
    let (mut stream, mut peer) = unix_streams(&core.handle());
    run(&mut core, async {
        async_io::write_all(&mut stream, b"question").await.unwrap();
        async_io::shutdown(&mut stream).await.unwrap();
        async_io::shutdown(&mut stream).await.unwrap();
    });
    let mut all = Vec::new();
    peer.read_to_end(&mut all).unwrap();
    assert_eq!(all, b"question");
    peer.write_all(b"answer").unwrap();
    drop(peer);
    run(&mut core, async {
        let mut answer = Vec::new();
        async_io::copy(&mut stream, &mut answer).await.unwrap();
        assert_eq!(answer, b"answer");
        for _ in 0..3 {
            let error = async_io::write_all(&mut stream, b"x").await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::BrokenPipe);
            let two = [IoSlice::new(b"x"), IoSlice::new(b"y")];
            let error = task::io(|| stream.write_vectored(&two)).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::BrokenPipe);
        }
        async_io::shutdown(&mut stream).await.unwrap();
    });
}

#[test]
fn a_half_closed_connection_that_idles_costs_no_polls() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let (stream, peer) = unix_streams(&handle);
    peer.shutdown(Shutdown::Write).unwrap();
    fill_unix(&stream);
    let polls = Rc::new(Cell::new(0));
    let counted = polls.clone();
    drop(core.spawner().spawn(async move {
        let mut stream = &stream;
        assert_eq!(async_io::read(&mut stream, &mut [0; 4]).await.unwrap(), 0);
        std::future::poll_fn(|cx| {
            counted.set(counted.get() + 1);
            stream.poll_write_from(cx, &[0; 1 << 20])
        })
        .await
        .unwrap();
    }));
    let before = handle.metrics().turns;
    run(&mut core, handle.sleep(Duration::from_millis(100))).unwrap();
    assert!(polls.get() < 10, "{} polls", polls.get());
    assert!(handle.metrics().turns - before < 20, "the loop spins");
}

type ReadOnce = fn(&UnixStream) -> std::io::Result<usize>;

const READS: [ReadOnce; 3] = [
    |mut stream| stream.read(&mut [0; 4096]),
    |mut stream| read_buf(&mut stream, &mut BytesMut::with_capacity(4096)),
    |mut stream| {
        let (mut a, mut b) = ([0; 4], [0; 4096]);
        stream.read_vectored(&mut [IoSliceMut::new(&mut a), IoSliceMut::new(&mut b)])
    },
];

async fn read_to_the_end(stream: &UnixStream, read: ReadOnce) -> usize {
    let mut all = 0;
    loop {
        match task::io(|| read(stream)).await.unwrap() {
            0 => return all,
            n => all += n,
        }
    }
}

#[test]
fn the_peers_close_at_any_moment_around_a_short_read_is_not_a_lost_end() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let (send, peers) = std::sync::mpsc::channel::<std::os::unix::net::UnixStream>();
    let closer = thread::spawn(move || {
        let mut random = Random::new(7);
        for mut peer in peers {
            peer.write_all(b"some ").unwrap();
            (0..random.below(3_000)).for_each(|_| std::hint::spin_loop());
            peer.write_all(b"data").unwrap();
            (0..random.below(3_000)).for_each(|_| std::hint::spin_loop());
            drop(peer);
        }
    });
    for n in 0..600 {
        let (stream, peer) = unix_streams(&handle);
        send.send(peer).unwrap();
        assert_eq!(run(&mut core, read_to_the_end(&stream, READS[n % 3])), 9);
    }
    drop(send);
    closer.join().unwrap();
}

#[test]
fn the_peers_close_at_any_moment_around_a_short_write_ends_the_write() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let (send, peers) = std::sync::mpsc::channel::<std::os::unix::net::UnixStream>();
    let closer = thread::spawn(move || {
        let mut random = Random::new(9);
        for mut peer in peers {
            let mut buf = vec![0; random.below(300_000) as usize + 1];
            peer.read_exact(&mut buf).unwrap();
            (0..random.below(3_000)).for_each(|_| std::hint::spin_loop());
            drop(peer);
        }
    });
    let message = vec![0; 2 << 20];
    for _ in 0..200 {
        let (mut stream, peer) = unix_streams(&handle);
        send.send(peer).unwrap();
        let error = run(&mut core, async_io::write_all(&mut stream, &message)).unwrap_err();
        assert!(matches!(
            error.kind(),
            ErrorKind::BrokenPipe | ErrorKind::ConnectionReset
        ));
    }
    drop(send);
    closer.join().unwrap();
}

#[test]
fn a_peer_that_goes_without_reading_wakes_reader_and_writer() {
    let mut core = Core::new().unwrap();
    let (stream, peer) = unix_streams(&core.handle());
    fill_unix(&stream);
    let (reader, read_waker) = CountWakes::new();
    let (writer, write_waker) = CountWakes::new();
    let mut half = &stream;
    assert!(with_cx(&read_waker, |cx| task::enter(cx, || half.read(&mut [0; 4]))).is_err());
    assert!(with_cx(&write_waker, |cx| half.poll_write_from(cx, &[0; 1 << 20])).is_pending());
    drop(peer);
    turn_until(&mut core, || reader.get() > 0 && writer.get() > 0);
    // What it has not read is an error for us, once.
    let error = run(&mut core, async_io::read(&mut half, &mut [0; 4])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert_eq!(
        run(&mut core, async_io::read(&mut half, &mut [0; 4])).unwrap(),
        0
    );
    let error = run(&mut core, async_io::write_all(&mut half, b"x")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    run(&mut core, async_io::shutdown(&mut half)).unwrap();
}

#[test]
fn shutting_both_directions_down_ends_both() {
    let mut core = Core::new().unwrap();
    let (stream, mut peer) = unix_streams(&core.handle());
    let (count, waker) = CountWakes::new();
    let mut half = &stream;
    assert!(with_cx(&waker, |cx| task::enter(cx, || half.read(&mut [0; 4]))).is_err());
    stream.shutdown(Shutdown::Both).unwrap();
    turn_until(&mut core, || count.get() > 0);
    let polled = with_cx(&waker, |cx| task::poll_io(cx, || half.read(&mut [0; 4])));
    assert!(matches!(polled, Poll::Ready(Ok(0))));
    assert!(run(&mut core, async_io::write_all(&mut half, b"x")).is_err());
    assert_eq!(peer.read(&mut [0; 4]).unwrap(), 0);
    settle(&mut core);
    assert!(with_cx(Waker::noop(), |cx| half.poll_write_from(cx, b"x")).is_ready());
}

/// A program may have restored the default action of SIGPIPE, which is death.
#[test]
fn no_write_to_a_peer_that_has_gone_kills_the_process() {
    let test = "no_write_to_a_peer_that_has_gone_kills_the_process";
    child::alone(test, || {
        // SAFETY: the default action is a valid one, and no other thread cares.
        unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
        let mut core = Core::new().unwrap();
        let (mut stream, peer) = unix_streams(&core.handle());
        drop(peer);
        let two = [IoSlice::new(b"x"), IoSlice::new(b"y")];
        run(&mut core, async {
            for _ in 0..3 {
                assert!(task::io(|| stream.write(b"x")).await.is_err());
                assert!(task::io(|| stream.write_vectored(&two)).await.is_err());
            }
        });
    });
}
