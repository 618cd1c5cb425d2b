//! How connections end: half, whole, broken off, and in the same event as the last data.

use std::{
    cell::Cell,
    io::{ErrorKind, IoSlice, Read, Write},
    net::Shutdown,
    rc::Rc,
    sync::mpsc,
    task::{Poll, Waker},
    thread,
    time::Duration,
};

use io_traits::{AsyncWrite, io as async_io, task};
use reactor::Core;

use super::{StdStream, Stream, break_off, fill, pair, std_pair};
use crate::common::{
    CountWakes, Random, child, path_of, read_to_the_end, run, settle, turn_until, ways_to_read,
    with_cx,
};

#[test]
fn the_peers_half_close_is_the_end_for_ever_and_writing_goes_on() {
    let mut core = Core::new().unwrap();
    let (mut stream, mut peer) = pair(&core.handle());
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
        assert_eq!(async_io::read(&mut stream, &mut [0; 4]).await.unwrap(), 0);
        async_io::shutdown(&mut stream).await.unwrap();
    });
    let mut all = Vec::new();
    peer.read_to_end(&mut all).unwrap();
    assert_eq!(all, b"still here");
}

#[test]
fn our_half_close_is_the_peers_end_and_reading_goes_on() {
    let mut core = Core::new().unwrap();
    let (mut stream, mut peer) = pair(&core.handle());
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
    let (stream, peer) = pair(&handle);
    peer.shutdown(Shutdown::Write).unwrap();
    fill(&stream);
    let polls = Rc::new(Cell::new(0));
    let counted = polls.clone();
    drop(core.spawner().spawn(async move {
        let mut stream = &stream;
        assert_eq!(async_io::read(&mut stream, &mut [0; 4]).await.unwrap(), 0);
        // Only the writing direction is left, and that is full.
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

#[test]
fn the_peers_close_in_the_same_event_as_the_last_data_is_not_a_lost_end() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    for read in ways_to_read::<Stream>() {
        for turns in 0..4 {
            for before in [true, false] {
                // The socket is registered before, or after, everything has happened to it.
                let (ours, mut peer) = std_pair();
                let (stream, ours) = if before {
                    let stream = Stream::from_std(ours, &handle).unwrap();
                    // It knows that there is nothing, and waits.
                    let _ = with_cx(Waker::noop(), |cx| task::enter(cx, || read(&stream)));
                    (Some(stream), None)
                } else {
                    (None, Some(ours))
                };
                peer.write_all(b"data").unwrap();
                if turns & 1 != 0 {
                    settle(&mut core);
                }
                drop(peer);
                let stream =
                    stream.unwrap_or_else(|| Stream::from_std(ours.unwrap(), &handle).unwrap());
                if turns & 2 != 0 {
                    settle(&mut core);
                }
                assert_eq!(run(&mut core, read_to_the_end(&stream, read)), 4);
            }
        }
    }
}

#[test]
fn the_peers_close_at_any_moment_around_a_short_read_is_not_a_lost_end() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let (send, peers) = mpsc::channel::<StdStream>();
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
        let (stream, peer) = pair(&handle);
        send.send(peer).unwrap();
        assert_eq!(
            run(
                &mut core,
                read_to_the_end(&stream, ways_to_read::<Stream>()[n % 3])
            ),
            9
        );
    }
    drop(send);
    closer.join().unwrap();
}

#[test]
fn the_peers_close_at_any_moment_around_a_short_write_ends_the_write() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let (send, peers) = mpsc::channel::<StdStream>();
    let closer = thread::spawn(move || {
        let mut random = Random::new(9);
        for mut peer in peers {
            let mut buf = vec![0; random.below(300_000) as usize + 1];
            peer.read_exact(&mut buf).unwrap();
            (0..random.below(3_000)).for_each(|_| std::hint::spin_loop());
            drop(peer);
        }
    });
    // More than all buffers on the way may hold.
    let message = vec![0; 16 << 20];
    for _ in 0..200 {
        let (mut stream, peer) = pair(&handle);
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
fn a_connection_that_breaks_off_wakes_reader_and_writer_and_is_an_error_of_the_connection() {
    let mut core = Core::new().unwrap();
    let (stream, peer) = pair(&core.handle());
    fill(&stream);
    let (reader, read_waker) = CountWakes::new();
    let (writer, write_waker) = CountWakes::new();
    let mut half = &stream;
    assert!(with_cx(&read_waker, |cx| task::enter(cx, || half.read(&mut [0; 4]))).is_err());
    assert!(with_cx(&write_waker, |cx| half.poll_write_from(cx, &[0; 1 << 20])).is_pending());
    break_off(peer);
    turn_until(&mut core, || reader.get() > 0 && writer.get() > 0);
    let error = run(&mut core, async_io::read(&mut half, &mut [0; 4])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    // The error is told once; after it the connection is at its end, in both directions.
    assert_eq!(
        run(&mut core, async_io::read(&mut half, &mut [0; 4])).unwrap(),
        0
    );
    let error = run(&mut core, async_io::write_all(&mut half, b"x")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    run(&mut core, async_io::shutdown(&mut half)).unwrap();
    for how in [Shutdown::Write, Shutdown::Both, Shutdown::Read] {
        stream.shutdown(how).unwrap();
    }
}

#[test]
fn a_pending_error_taken_by_one_direction_leaves_the_other_no_hang() {
    let mut core = Core::new().unwrap();
    let (stream, peer) = pair(&core.handle());
    let stream = Rc::new(stream);
    fill(&stream);
    let (reader, writer) = (stream.clone(), stream.clone());
    let reading = core.spawner().spawn(async move {
        async_io::read(&mut &*reader, &mut [0; 4])
            .await
            .map_or(true, |n| n == 0)
    });
    let writing = core.spawner().spawn(async move {
        async_io::write_all(&mut &*writer, &[0; 1 << 22])
            .await
            .is_err()
    });
    settle(&mut core);
    break_off(peer);
    // Whoever comes first takes the error; here it is neither of them.
    while stream.take_error().unwrap().is_none() {
        thread::yield_now();
    }
    let ended = run(&mut core, async {
        (reading.await.unwrap(), writing.await.unwrap())
    });
    assert_eq!(ended, (true, true));
}

#[test]
fn writing_to_a_peer_that_has_gone_is_an_error_every_time() {
    let mut core = Core::new().unwrap();
    let (mut stream, peer) = pair(&core.handle());
    drop(peer);
    run(&mut core, async {
        // The first may still be taken by the system; its answer is a reset.
        while async_io::write_all(&mut stream, b"x").await.is_ok() {}
        for _ in 0..3 {
            let error = async_io::write_all(&mut stream, b"x").await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::BrokenPipe);
            let two = [IoSlice::new(b"x"), IoSlice::new(b"y")];
            let error = task::io(|| stream.write_vectored(&two)).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::BrokenPipe);
        }
    });
}

#[test]
fn a_peer_that_goes_in_the_middle_of_ten_megabytes_ends_the_write_with_an_error() {
    let mut core = Core::new().unwrap();
    let (mut stream, mut peer) = pair(&core.handle());
    let leaver = thread::spawn(move || {
        peer.read_exact(&mut [0; 65_536]).unwrap();
        drop(peer);
    });
    let message = vec![0; 10 << 20];
    let error = run(&mut core, async_io::write_all(&mut stream, &message)).unwrap_err();
    assert!(matches!(
        error.kind(),
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe
    ));
    leaver.join().unwrap();
}

/// A program may have restored the default action of SIGPIPE, which is death: command-line tools do,
/// and so does any host that is not a Rust program.
#[test]
fn no_write_to_a_peer_that_has_gone_kills_the_process() {
    let test = path_of(
        module_path!(),
        "no_write_to_a_peer_that_has_gone_kills_the_process",
    );
    child::alone(&test, || write_without_a_peer(false));
}

#[test]
fn no_vectored_write_to_a_peer_that_has_gone_kills_the_process() {
    let test = path_of(
        module_path!(),
        "no_vectored_write_to_a_peer_that_has_gone_kills_the_process",
    );
    child::alone(&test, || write_without_a_peer(true));
}

fn write_without_a_peer(vectored: bool) {
    // SAFETY: the default action is a valid one, and no other thread cares.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    let mut core = Core::new().unwrap();
    let (mut stream, peer) = pair(&core.handle());
    drop(peer);
    let two = [IoSlice::new(b"x"), IoSlice::new(b"y")];
    run(&mut core, async {
        for _ in 0..10 {
            let _ = if vectored {
                task::io(|| stream.write_vectored(&two)).await
            } else {
                task::io(|| stream.write(b"x")).await
            };
        }
    });
}

#[test]
fn dropping_a_stream_with_unread_data_resets_the_peer_and_without_it_does_not() {
    let mut core = Core::new().unwrap();
    for unread in [false, true] {
        let (mut stream, mut peer) = pair(&core.handle());
        peer.write_all(b"12").unwrap();
        let mut buf = [0; 2];
        let read = if unread { 1 } else { 2 };
        run(
            &mut core,
            async_io::read_exact(&mut stream, &mut buf[..read]),
        )
        .unwrap();
        drop(stream);
        let result = peer.read(&mut buf);
        match result {
            Ok(n) => assert!(n == 0 && !unread),
            Err(error) => assert!(unread && error.kind() == ErrorKind::ConnectionReset),
        }
    }
}

#[test]
fn shutting_both_directions_down_ends_both() {
    let mut core = Core::new().unwrap();
    let (stream, mut peer) = pair(&core.handle());
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
