//! What has gone wrong elsewhere, done once more here: each is impossible, or is seen.
//!
//! Each test says in a sentence whose failure it is.

mod common;

use std::{
    fs::File,
    io::{self, ErrorKind, IoSlice, Read, Write},
    os::fd::{AsRawFd, OwnedFd},
    os::unix::net::UnixStream as Peer,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
    thread,
    time::Duration,
};

use common::{
    CountWakes, Elsewhere, assert_gone, assert_idle, block_on, child, fill, number, parks, pipe,
    poll_once, ready_err, run, settle, turn_until, udp_pair, unix_pair, unix_pair_with, with_cx,
    within_reason,
};
use futures::{FutureExt, future::join};
use io_traits::{io as async_io, task};
use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
use reactor::{
    Core, Direction, Fd, Interest, Options, PollEvented, ReadWitness, Trigger,
    mio::net::{UdpSocket, UnixStream},
};
use rustix::pipe::{PipeFlags, pipe_with};

fn witness<'a>(io: &'a PollEvented<UnixStream>, cx: &mut Context<'_>) -> ReadWitness<'a> {
    match io.poll_read(cx) {
        Poll::Ready(witness) => witness.unwrap(),
        Poll::Pending => panic!("it is not ready"),
    }
}

fn take(io: &PollEvented<UnixStream>) -> io::Result<usize> {
    io.try_read_with(|mut io| io.read(&mut [0; 64]))
}

// ---- the classic reactor --------------------------------------------------------------------------

/// tokio-core: `need_read` while a byte was unread, and the task was never woken. The next byte woke it.
#[test]
fn a_need_read_while_data_is_unread_is_mended_by_news_with_edges_and_at_once_without() {
    for trigger in [Trigger::Edge, Trigger::Level, Trigger::Oneshot] {
        let mut core = Core::new().unwrap();
        let options = Options::new().trigger(trigger);
        let (stream, mut peer) = unix_pair_with(&core.handle(), options);
        peer.write_all(b"x").unwrap();
        run(&mut core, stream.readable()).unwrap();
        let (count, waker) = CountWakes::new();
        with_cx(&waker, |cx| {
            let seen = witness(&stream, cx);
            // A debug build tells of this: `poll_evented_misuse.rs`.
            stream.need_read(cx, seen).unwrap();
        });
        if trigger == Trigger::Edge {
            settle(&mut core);
            peer.write_all(b"y").unwrap();
        }
        turn_until(&mut core, || count.get() > 0);
        assert!(take(&stream).unwrap() > 0);
    }
}

/// tokio-core: a second task that waited for the same direction took the place of the first, which hung.
#[test]
fn a_second_task_on_one_direction_steals_nothing() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let (stream, mut peer) = unix_pair(&handle);
    let stream = Arc::new(stream);
    let reader = || {
        let stream = stream.clone();
        async move {
            let mut byte = [0; 1];
            async_io::read_exact(&mut &*stream, &mut byte)
                .await
                .unwrap();
            byte[0]
        }
    };
    // Two tasks of the core, and two of other executors.
    let own = [handle.spawn(reader()), handle.spawn(reader())];
    let others = [CountWakes::new(), CountWakes::new()];
    settle(&mut core);
    for (_, waker) in &others {
        assert!(parks(&stream, Direction::Read, waker));
    }
    peer.write_all(b"ab").unwrap();
    let [one, two] = own;
    let (one, two) = run(&mut core, join(one, two));
    assert_eq!([one.unwrap(), two.unwrap()], *b"ab");
    for (count, _) in &others {
        assert!(count.get() > 0, "a task was forgotten");
    }
}

/// tokio-core: with the core gone, spawns and reads were lost without a word, and nobody was ever woken.
#[test]
fn a_core_that_goes_is_heard_of_by_whoever_waits_and_whoever_comes() {
    let mut core = Elsewhere::new();
    let handle = core.handle.clone();
    let (stream, _peer) = unix_pair(&handle);
    let stream = Arc::new(stream);
    let (count, waker) = CountWakes::new();
    assert!(take(&stream).is_err());
    assert!(parks(&stream, Direction::Read, &waker));
    let task = handle.spawn(std::future::pending::<()>());
    core.stop();
    count.wait_for(1);
    assert!(block_on(task).unwrap_err().is_cancelled());
    for _ in 0..2 {
        assert_gone(block_on({
            let stream = stream.clone();
            async move { async_io::read(&mut &*stream, &mut [0; 1]).await }
        }));
        assert_gone(take(&stream));
        assert_gone(stream.readable().now_or_never().expect("a hang"));
        let lost = handle.spawn(async { unreachable!("there is nobody to run it") });
        assert!(block_on(lost).unwrap_err().is_cancelled());
        assert_gone(block_on(handle.sleep(Duration::from_secs(3_600))));
        let (ours, _theirs) = UnixStream::pair().unwrap();
        let refused = PollEvented::on_demand(ours, &handle).map_err(io::Error::from);
        assert_gone(refused);
    }
}

/// tokio: clearing the readiness of writing cleared that of reading, by a typo; for ever awake, or asleep.
#[test]
fn a_clear_of_one_direction_is_none_of_the_other() {
    for trigger in [Trigger::Edge, Trigger::Level, Trigger::Oneshot] {
        let mut core = Core::new().unwrap();
        let options = Options::new().trigger(trigger);
        let (stream, mut peer) = unix_pair_with(&core.handle(), options);
        // Unready to write; then ready to read.
        let filled = fill(&stream);
        peer.write_all(b"x").unwrap();
        run(&mut core, stream.readable()).unwrap();
        assert!(parks(&stream, Direction::Write, Waker::noop()));
        assert!(!parks(&stream, Direction::Read, Waker::noop()));
        // The other way round: nothing to read any more, and room.
        assert_eq!(take(&stream).unwrap(), 1);
        assert!(take(&stream).is_err());
        peer.read_exact(&mut vec![0; filled]).unwrap();
        run(&mut core, stream.writable()).unwrap();
        assert!(take(&stream).is_err());
        assert!(!parks(&stream, Direction::Write, Waker::noop()));
        assert!(parks(&stream, Direction::Read, Waker::noop()));
    }
}

// ---- lost and found between an event and a clear --------------------------------------------------

/// tokio, mio: a tick of a few bits comes round, and a stale clear erases what is newer.
#[test]
#[cfg_attr(
    mio_unsupported_force_poll_poll,
    ignore = "poll(2) reports once until a task waits, and none does in between"
)]
fn a_clear_is_stale_after_any_power_of_two_of_events() {
    let mut core = Core::new().unwrap();
    let (udp, sender) = udp_pair(&core.handle());
    settle(&mut core);
    let handle = core.handle();
    let mut cx = Context::from_waker(Waker::noop());
    for events in [1 << 8, 1 << 15, 1 << 16] {
        let Poll::Ready(Ok(witness)) = udp.poll_read(&mut cx) else {
            panic!("it is not ready");
        };
        let before = handle.metrics().events;
        for event in 1..=events {
            sender.send(b"x").unwrap();
            turn_until(&mut core, || handle.metrics().events >= before + event);
            udp.get_ref().recv(&mut [0; 8]).unwrap();
        }
        assert_eq!(handle.metrics().events, before + events);
        let (count, waker) = CountWakes::new();
        with_cx(&waker, |cx| udp.need_read(cx, witness).unwrap());
        assert_eq!(count.get(), 1, "erased after {events} events");
    }
}

/// tokio: a clear rebuilt the word without the bit that says "shut down", and the next wait hung.
#[test]
fn no_clear_makes_a_core_that_is_gone_be_forgotten() {
    let core = Core::new().unwrap();
    let (stream, mut peer) = unix_pair(&core.handle());
    peer.write_all(b"x").unwrap();
    let mut cx = Context::from_waker(Waker::noop());
    let seen = witness(&stream, &mut cx);
    drop(core);
    for _ in 0..2 {
        // Every way to clear.
        assert_gone(stream.try_read_with(|_| Err::<(), _>(ErrorKind::WouldBlock.into())));
        assert_gone(stream.try_with(Interest::READ | Interest::WRITE, |_| {
            Err::<(), _>(ErrorKind::WouldBlock.into())
        }));
        assert_gone(stream.readable().now_or_never().expect("a hang"));
        assert_gone(stream.writable().now_or_never().expect("a hang"));
    }
    assert_gone(stream.need_read(&mut cx, seen));
    assert_gone(stream.readable().now_or_never().expect("a hang"));
}

/// async-io: two tasks that poll one direction wake each other in turn, and the loop never sleeps.
#[test]
fn two_readers_of_one_object_do_not_keep_each_other_awake() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let (stream, mut peer) = unix_pair(&handle);
    let stream = Arc::new(stream);
    let readers = [(); 2].map(|()| {
        let stream = stream.clone();
        handle.spawn(async move {
            let mut byte = [0; 1];
            async_io::read_exact(&mut &*stream, &mut byte)
                .await
                .unwrap();
        })
    });
    // And two on threads of their own, each of which polls whenever it is woken.
    let polls = Arc::new(AtomicUsize::new(0));
    let threads = [(); 2].map(|()| {
        let (stream, polls) = (stream.clone(), polls.clone());
        thread::spawn(move || {
            let mut byte = [0; 1];
            within_reason(move || {
                futures::executor::block_on(std::future::poll_fn(|cx| {
                    polls.fetch_add(1, Ordering::Relaxed);
                    stream.poll_read_with(cx, |mut io| io.read(&mut byte))
                }))
            })
            .unwrap();
        })
    });
    turn_until(&mut core, || polls.load(Ordering::Relaxed) >= 2);
    assert_idle(&mut core);
    assert!(polls.load(Ordering::Relaxed) <= 4);
    peer.write_all(b"abcd").unwrap();
    run(&mut core, futures::future::join_all(readers));
    for thread in threads {
        thread.join().unwrap();
    }
}

// ---- what an event says ---------------------------------------------------------------------------

/// A socket that has sent to a port where nobody listens, and the answer of the system to that.
fn refused(core: &mut Core) -> PollEvented<UdpSocket> {
    let nobody = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let socket = UdpSocket::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    socket.connect(nobody.local_addr().unwrap()).unwrap();
    drop(nobody);
    let socket = PollEvented::on_demand(socket, &core.handle()).unwrap();
    let received = socket.try_read_with(|io| io.recv(&mut [0; 8]));
    assert_eq!(received.unwrap_err().kind(), ErrorKind::WouldBlock);
    socket.try_write_with(|io| io.send(b"?")).unwrap();
    socket
}

/// tokio: an ICMP error is an event of its own. `readable()` and `poll_recv` slept through it.
#[test]
fn an_error_event_wakes_whoever_waits_to_read() {
    let test = "an_error_event_wakes_whoever_waits_to_read";
    child::alone(test, || {
        let mut core = Core::new().unwrap();
        let socket = refused(&mut core);
        run(&mut core, socket.readable()).unwrap();
        let recv = |cx: &mut Context<'_>| socket.poll_read_with(cx, |io| io.recv(&mut [0; 8]));
        let error = run(&mut core, std::future::poll_fn(recv)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        // And once more by an operation that was waiting before.
        let socket = refused(&mut core);
        let recv = |cx: &mut Context<'_>| socket.poll_read_with(cx, |io| io.recv(&mut [0; 8]));
        let error = run(&mut core, std::future::poll_fn(recv)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    });
}

/// tokio: "closed" stayed for ever and counted as "ready": twenty million tries in one poll, and not even
/// a timeout fired.
#[test]
#[cfg_attr(
    mio_unsupported_force_poll_poll,
    ignore = "poll(2) reports an error at each wait"
)]
fn after_an_error_an_operation_that_would_block_waits_instead_of_trying_for_ever() {
    let test = "after_an_error_an_operation_that_would_block_waits_instead_of_trying_for_ever";
    child::alone(test, || {
        for direction in [Direction::Read, Direction::Write] {
            let mut core = Core::new().unwrap();
            let handle = core.handle();
            let socket = refused(&mut core);
            run(&mut core, socket.ready(Interest::ERROR)).unwrap();
            let mut tries = 0;
            let mut polls = 0;
            let tried = std::future::poll_fn(|cx| {
                polls += 1;
                let blocks = |_: &UdpSocket| {
                    tries += 1;
                    Err::<(), _>(ErrorKind::WouldBlock.into())
                };
                match direction {
                    Direction::Read => socket.poll_read_with(cx, blocks),
                    Direction::Write => socket.poll_write_with(cx, blocks),
                }
            });
            let limited = handle.timeout(Duration::from_millis(100), tried);
            assert!(run(&mut core, limited).is_err(), "only the timer ends it");
            assert!(tries <= 3 && polls <= 3, "{tries} tries, {polls} polls");
        }
    });
}

/// tokio: a call for "readable or writable" always said "would block", and never called the closure.
#[test]
fn an_interest_in_both_directions_calls_the_operation() {
    let mut core = Core::new().unwrap();
    let (stream, mut peer) = unix_pair(&core.handle());
    let both = Interest::READ | Interest::WRITE;
    let mut calls = 0;
    // Ready to write; then to read as well; then to read alone.
    for step in 0..3 {
        match step {
            0 => assert!(take(&stream).is_err()),
            1 => {
                peer.write_all(b"x").unwrap();
                run(&mut core, stream.readable()).unwrap();
            }
            _ => drop(fill(&stream)),
        }
        let seen = run(&mut core, stream.ready(both)).unwrap();
        assert_eq!(seen.contains(Interest::READ), step > 0);
        assert_eq!(seen.contains(Interest::WRITE), step < 2);
        stream
            .try_with(both, |_| {
                calls += 1;
                Ok(())
            })
            .unwrap();
    }
    assert_eq!(calls, 3);
}

// ---- a short read is not the end ------------------------------------------------------------------

/// tokio: a read of a Unix stream stops at a descriptor that travels along; what was behind it was not
/// read until something else came.
#[test]
fn what_is_behind_a_descriptor_that_travels_along_is_read_at_once() {
    let mut core = Core::new().unwrap();
    let (stream, peer) = unix_pair(&core.handle());
    assert!(take(&stream).is_err());
    let (_reader, writer) = pipe();
    let descriptors = [writer.as_raw_fd()];
    let control = [ControlMessage::ScmRights(&descriptors)];
    let first = [IoSlice::new(b"AAAA")];
    sendmsg::<()>(peer.as_raw_fd(), &first, &control, MsgFlags::empty(), None).unwrap();
    (&peer).write_all(b"BBBB").unwrap();
    let mut received = [0; 8];
    run(&mut core, async_io::read_exact(&mut &stream, &mut received)).unwrap();
    assert_eq!(&received, b"AAAABBBB");
}

/// tokio: as above, with a pipe of packets.
#[test]
fn a_pipe_of_packets_is_read_packet_by_packet_without_a_wait() {
    let mut core = Core::new().unwrap();
    let (reader, writer) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::DIRECT).unwrap();
    let mut reader =
        PollEvented::on_demand(Fd::new(File::from(reader)).unwrap(), &core.handle()).unwrap();
    let mut writer = File::from(writer);
    for packet in [&b"one"[..], b"three", b"x"] {
        writer.write_all(packet).unwrap();
    }
    let packets = async {
        let mut sizes = [0; 3];
        for size in &mut sizes {
            *size = async_io::read(&mut reader, &mut [0; 64]).await.unwrap();
        }
        sizes
    };
    assert_eq!(run(&mut core, packets), [3, 5, 1]);
}

/// tokio: a short read at the mark of urgent data.
#[test]
#[cfg_attr(mio_unsupported_force_poll_poll, ignore = "poll(2) has no edges")]
fn what_is_behind_urgent_data_is_read_at_once_even_if_the_reader_says_drained() {
    let mut core = Core::new().unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let peer = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (ours, _) = listener.accept().unwrap();
    peer.set_nodelay(true).unwrap();
    (&peer).write_all(b"AAAA").unwrap();
    nix::sys::socket::send(peer.as_raw_fd(), b"!", MsgFlags::MSG_OOB).unwrap();
    (&peer).write_all(b"BBBB").unwrap();
    let options = Options::new().watch_urgent().assume_unready();
    let ours = PollEvented::with_options(Fd::new(ours).unwrap(), &core.handle(), options).unwrap();
    run(&mut core, ours.ready(Interest::PRIORITY)).unwrap();
    let read = async {
        let mut received = Vec::new();
        while received.len() < 8 {
            let mut buf = [0; 64];
            let n = std::future::poll_fn(|cx| {
                ours.poll_read_draining(cx, |mut io| {
                    io.read(&mut buf).map(reactor::Progress::drained)
                })
            })
            .await
            .unwrap();
            received.extend_from_slice(&buf[..n]);
        }
        received
    };
    assert_eq!(run(&mut core, read), b"AAAABBBB");
}

// ---- whose event is it ----------------------------------------------------------------------------

/// tokio: the system keeps a token for an object that is not the one any more, and its events hit what
/// has taken the place.
#[test]
#[cfg_attr(
    mio_unsupported_force_poll_poll,
    ignore = "poll(2) knows a number, not what was opened: there are no such events"
)]
fn an_event_for_an_object_that_was_exchanged_and_dropped_reaches_nobody() {
    let test = "an_event_for_an_object_that_was_exchanged_and_dropped_reaches_nobody";
    child::alone(test, || {
        let mut core = Core::new().unwrap();
        let handle = core.handle();
        let (old, mut old_peer) = Peer::pair().unwrap();
        // What was registered lives on in a duplicate, and so does its registration.
        let lives_on = old.try_clone().unwrap();
        let (new, _new_peer) = Peer::pair().unwrap();
        let old = Fd::new(OwnedFd::from(old)).unwrap();
        let mut object = PollEvented::on_demand(old, &handle).unwrap();
        *object.get_mut() = Fd::new(OwnedFd::from(new)).unwrap();
        let error = object.into_inner().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert_eq!(handle.metrics().registered, 0);
        // The next object has the place, and a task waits for it.
        let (next, _next_peer) = unix_pair(&handle);
        assert!(take(&next).is_err());
        let (count, waker) = CountWakes::new();
        assert!(parks(&next, Direction::Read, &waker));
        old_peer.write_all(b"x").unwrap();
        turn_until(&mut core, || handle.metrics().stale_events > 0);
        assert_eq!(count.get(), 0, "it has reached the next object");
        assert!(take(&next).is_err());
        assert!(number(&lives_on) >= 0);
    });
}

/// The original documentation's `recv_from` with today's names. mio says "would block" by an error now,
/// so whoever passes that on forgets `need_read`: an error after some polls, and not a hang.
#[test]
fn a_would_block_that_is_passed_on_without_need_read_is_a_busy_task_and_no_hang() {
    let core = Core::new().unwrap();
    let (udp, _sender) = udp_pair(&core.handle());
    let mut received = task::io(|| {
        task::poll(|cx| udp.poll_read(cx).map_ok(drop))?;
        udp.get_ref().recv(&mut [0; 8])
    });
    let mut polls = 0;
    let error = loop {
        polls += 1;
        assert!(polls < 100, "it would go on for ever");
        if let Poll::Ready(result) = poll_once(&mut received) {
            break result.unwrap_err();
        }
    };
    assert!(task::Stalled::is_source_of(&error), "{error:?}");
    let outside = ready_err(Poll::Ready(task::poll(|cx| udp.poll_read(cx).map_ok(drop))));
    assert!(task::NotInTask::is_source_of(&outside));
}
