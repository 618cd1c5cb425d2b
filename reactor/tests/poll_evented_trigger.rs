//! Level-triggered and oneshot objects.

mod common;

use std::{
    fs::File,
    io::{self, ErrorKind, Read, Write},
    net::SocketAddr,
    os::unix::net::UnixStream as Peer,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Poll, Waker},
    thread,
    time::Duration,
};

use common::{
    CountWakes, Elsewhere, Random, assert_idle, block_on, child, fill, parks, pipe, poll_with, run,
    settle, socket_with_error_queue, turn_until, unix_pair_with, with_cx, within_reason,
};
use futures::executor::ThreadPool;
use io_traits::io as async_io;
use reactor::{
    Core, Direction, Fd, Handle, Options, PollEvented, Progress, Trigger,
    mio::net::{UdpSocket, UnixStream},
};

const TRIGGERS: [Trigger; 3] = [Trigger::Edge, Trigger::Level, Trigger::Oneshot];
const WITHOUT_EDGES: [Trigger; 2] = [Trigger::Level, Trigger::Oneshot];

fn pair(handle: &Handle, trigger: Trigger) -> (PollEvented<UnixStream>, Peer) {
    unix_pair_with(handle, Options::new().trigger(trigger))
}

fn take(io: &PollEvented<UnixStream>, bytes: usize) -> io::Result<usize> {
    io.try_read_with(|mut io| io.read(&mut vec![0; bytes]))
}

/// Says that a read has blocked, which is not true.
fn mistaken_need_read(io: &PollEvented<UnixStream>, waker: &Waker) {
    with_cx(waker, |cx| {
        let Poll::Ready(Ok(witness)) = io.poll_read(cx) else {
            panic!("there is something to read");
        };
        io.need_read(cx, witness).unwrap();
    });
}

// ---- data is left unread --------------------------------------------------------------------------

#[test]
fn without_edges_a_task_is_woken_for_as_long_as_data_is_left_unread() {
    for trigger in WITHOUT_EDGES {
        let mut core = Core::new().unwrap();
        let (stream, mut peer) = pair(&core.handle(), trigger);
        peer.write_all(&[1; 10]).unwrap();
        for left in (1..=10).rev() {
            let (count, waker) = CountWakes::new();
            mistaken_need_read(&stream, &waker);
            turn_until(&mut core, || count.get() > 0);
            assert_eq!(take(&stream, 1).unwrap(), 1, "{left} left, {trigger:?}");
        }
        assert_eq!(take(&stream, 1).unwrap_err().kind(), ErrorKind::WouldBlock);
    }
}

/// What Level is for: with Edge this is the classic hang.
#[test]
#[cfg_attr(mio_unsupported_force_poll_poll, ignore = "poll(2) has no edges")]
fn with_edges_a_mistaken_need_read_waits_for_news() {
    let mut core = Core::new().unwrap();
    let (stream, mut peer) = pair(&core.handle(), Trigger::Edge);
    peer.write_all(b"x").unwrap();
    settle(&mut core);
    let (count, waker) = CountWakes::new();
    mistaken_need_read(&stream, &waker);
    settle(&mut core);
    assert_eq!(count.get(), 0);
    peer.write_all(b"y").unwrap();
    turn_until(&mut core, || count.get() > 0);
}

#[test]
fn a_mistake_of_one_task_costs_no_other_its_wakeup() {
    for trigger in WITHOUT_EDGES {
        let mut core = Core::new().unwrap();
        let (stream, mut peer) = pair(&core.handle(), trigger);
        assert!(take(&stream, 1).is_err());
        let waiting: Vec<_> = (0..5).map(|_| CountWakes::new()).collect();
        for (_, waker) in &waiting {
            assert!(parks(&stream, Direction::Read, waker));
        }
        peer.write_all(b"x").unwrap();
        turn_until(&mut core, || {
            waiting.iter().all(|(count, _)| count.get() > 0)
        });
        // All come back; the first takes back what is true, and the others wait for it.
        let (_, first) = &waiting[0];
        mistaken_need_read(&stream, first);
        let before: Vec<_> = waiting.iter().map(|(count, _)| count.get()).collect();
        for (_, waker) in &waiting[1..] {
            assert!(parks(&stream, Direction::Read, waker));
        }
        let is_woken =
            |((count, _), before): (&(Arc<CountWakes>, Waker), &usize)| count.get() > *before;
        turn_until(&mut core, || waiting.iter().zip(&before).all(is_woken));
        assert_eq!(take(&stream, 8).unwrap(), 1);
    }
}

/// What is left is reported again, which costs a turn each time: not twice in a row.
#[test]
fn a_level_triggered_object_that_was_not_drained_is_used_until_it_would_block() {
    let mut core = Core::new().unwrap();
    let (stream, mut peer) = pair(&core.handle(), Trigger::Level);
    // The first turns of a reactor look like those of a busy object.
    settle(&mut core);
    peer.write_all(b"left").unwrap();
    run(&mut core, stream.readable()).unwrap();
    let says_drained = || {
        let nothing = |_: &_| Ok(Progress::drained(()));
        let said = with_cx(Waker::noop(), |cx| stream.poll_read_draining(cx, nothing));
        assert!(matches!(said, Poll::Ready(Ok(()))));
    };
    says_drained();
    let (count, waker) = CountWakes::new();
    assert!(parks(&stream, Direction::Read, &waker));
    core.turn(None).unwrap();
    assert_eq!(count.get(), 1, "it was not reported again");
    says_drained();
    assert!(!parks(&stream, Direction::Read, &waker));
    assert_eq!(take(&stream, 8).unwrap(), 4);
}

#[test]
fn an_operation_that_says_drained_too_early_leaves_nothing_behind() {
    for trigger in WITHOUT_EDGES {
        let mut core = Core::new().unwrap();
        let (stream, mut peer) = pair(&core.handle(), trigger);
        peer.write_all(&[1; 100]).unwrap();
        let mut taken = 0;
        while taken < 100 {
            let read = std::future::poll_fn(|cx| {
                stream.poll_read_draining(cx, |mut io| io.read(&mut [0; 1]).map(Progress::drained))
            });
            taken += run(&mut core, read).unwrap();
        }
    }
}

/// The descriptor is duplicated, and another party reads from the duplicate, until it stops at some time.
#[test]
fn a_reader_beside_another_party_gets_all_that_is_left() {
    for trigger in TRIGGERS {
        let mut core = Core::new().unwrap();
        let (stream, mut peer) = pair(&core.handle(), trigger);
        let duplicate = rustix::io::dup(&stream).unwrap();
        let mut duplicate = Peer::from(duplicate);
        const BYTES: usize = 3_000;
        let taken = Arc::new(AtomicUsize::new(0));
        let other = thread::spawn({
            let taken = taken.clone();
            move || {
                let mut random = Random::new(5);
                while taken.load(Ordering::SeqCst) < BYTES / 2 {
                    // It shares the mode: an attempt does not block.
                    if let Ok(n) = duplicate.read(&mut vec![0; 1 + random.below(8) as usize]) {
                        taken.fetch_add(n, Ordering::SeqCst);
                    }
                    (0..random.below(500)).for_each(|_| std::hint::spin_loop());
                }
            }
        });
        let writer = thread::spawn(move || {
            let mut random = Random::new(6);
            let mut left = BYTES;
            while left > 0 {
                let n = left.min(1 + random.below(8) as usize);
                peer.write_all(&vec![0; n]).unwrap();
                left -= n;
                (0..random.below(500)).for_each(|_| std::hint::spin_loop());
            }
            peer
        });
        run(&mut core, async {
            while taken.load(Ordering::SeqCst) < BYTES {
                let wanted = &taken;
                // The other party may have taken the last byte: then nobody is to wait for one.
                let n = std::future::poll_fn(|cx| {
                    if wanted.load(Ordering::SeqCst) >= BYTES {
                        return Poll::Ready(Ok(0));
                    }
                    stream.poll_read_with(cx, |mut io| io.read(&mut [0; 3]))
                });
                taken.fetch_add(n.await.unwrap(), Ordering::SeqCst);
            }
        });
        other.join().unwrap();
        drop(writer.join().unwrap());
    }
}

// ---- the loop sleeps ------------------------------------------------------------------------------

#[test]
fn the_loop_sleeps_while_nobody_waits_for_what_is_ready() {
    for trigger in TRIGGERS {
        let mut core = Core::new().unwrap();
        let options = Options::new().trigger(trigger);
        let (stream, mut peer) = unix_pair_with(&core.handle(), options);
        peer.write_all(b"unread").unwrap();
        assert_idle(&mut core);
        // A task has waited, is woken, and goes without reading.
        assert_eq!(take(&stream, 8).unwrap(), 6);
        assert!(take(&stream, 8).is_err());
        let mut readable = stream.readable();
        let (count, waker) = CountWakes::new();
        assert!(poll_with(&mut readable, &waker).is_pending());
        peer.write_all(b"unread").unwrap();
        turn_until(&mut core, || count.get() > 0);
        drop(readable);
        assert_idle(&mut core);
        // And whoever comes then is served.
        let mut buf = [0; 6];
        run(&mut core, async_io::read_exact(&mut &stream, &mut buf)).unwrap();
        assert_eq!(&buf, b"unread");
    }
}

#[test]
fn the_loop_sleeps_while_an_object_is_writable_and_only_a_reader_waits() {
    for trigger in TRIGGERS {
        let mut core = Core::new().unwrap();
        let (stream, mut peer) = pair(&core.handle(), trigger);
        // A task has waited for room: "writable" is reported from now on.
        let filled = fill(&stream);
        assert!(parks(&stream, Direction::Write, Waker::noop()));
        peer.read_exact(&mut vec![0; filled]).unwrap();
        run(&mut core, stream.writable()).unwrap();
        assert!(take(&stream, 8).is_err());
        let (count, waker) = CountWakes::new();
        assert!(parks(&stream, Direction::Read, &waker));
        assert_idle(&mut core);
        assert_eq!(count.get(), 0);
        peer.write_all(b"x").unwrap();
        turn_until(&mut core, || count.get() > 0);
    }
}

#[test]
fn the_loop_sleeps_when_the_peer_has_hung_up_and_nobody_waits() {
    for trigger in TRIGGERS {
        let mut core = Core::new().unwrap();
        let (stream, peer) = pair(&core.handle(), trigger);
        let (reader, writer) = pipe();
        let options = Options::new().trigger(trigger);
        let reader = PollEvented::with_options(Fd::new(reader).unwrap(), &core.handle(), options);
        let mut reader = reader.unwrap();
        drop((peer, writer));
        assert_idle(&mut core);
        for _ in 0..3 {
            let ends = async {
                let mut buf = [0; 4];
                let stream = async_io::read(&mut &stream, &mut buf).await.unwrap();
                (stream, async_io::read(&mut reader, &mut buf).await.unwrap())
            };
            assert_eq!(run(&mut core, ends), (0, 0));
            assert_idle(&mut core);
        }
    }
}

/// A pipe whose reader has gone: `EPOLLERR`, for ever, whether that is asked for or not.
#[test]
#[cfg_attr(
    mio_unsupported_force_poll_poll,
    ignore = "poll(2) reports an error at each wait"
)]
fn the_loop_sleeps_in_spite_of_an_error_that_lasts_whoever_waits() {
    for trigger in TRIGGERS {
        let mut core = Core::new().unwrap();
        let (reader, writer) = pipe();
        let options = Options::write_only().trigger(trigger);
        let writer = PollEvented::with_options(Fd::new(writer).unwrap(), &core.handle(), options);
        let writer = writer.unwrap();
        while writer.try_write_with(|mut io| io.write(&[0; 4096])).is_ok() {}
        assert!(parks_for_ever(&writer, Direction::Write, Waker::noop()));
        drop(reader);
        // Nobody looks at what has happened: both go on as if the operation had blocked.
        for directions in [
            &[Direction::Read][..],
            &[Direction::Write],
            &[Direction::Read, Direction::Write],
        ] {
            let tasks: Vec<_> = directions
                .iter()
                .map(|direction| {
                    std::future::poll_fn(|cx| {
                        assert!(parks_for_ever(&writer, *direction, cx.waker()));
                        Poll::<()>::Pending
                    })
                })
                .collect();
            let handle = core.handle();
            let before = handle.metrics().turns;
            let waits = futures::future::join_all(tasks);
            let limited = handle.timeout(Duration::from_millis(100), waits);
            assert!(run(&mut core, limited).is_err());
            let turns = handle.metrics().turns - before;
            assert!(turns < 20, "{turns} turns, {trigger:?}, {directions:?}");
        }
        // It was told, and is still there for whoever looks.
        let error = writer.try_write_with(|mut io| io.write(b"x")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    }
}

/// An operation that says "would block" whatever is the case.
fn parks_for_ever(io: &PollEvented<Fd<File>>, direction: Direction, waker: &Waker) -> bool {
    let blocks = |_: &Fd<File>| Err::<(), _>(ErrorKind::WouldBlock.into());
    with_cx(waker, |cx| match direction {
        Direction::Read => io.poll_read_with(cx, blocks).is_pending(),
        Direction::Write => io.poll_write_with(cx, blocks).is_pending(),
    })
}

// ---- after an error -------------------------------------------------------------------------------

/// A datagram was refused. The error has been heard, but what is in the error queue stays there, and with
/// it `EPOLLERR`.
fn after_a_refusal(core: &mut Core, trigger: Trigger) -> (PollEvented<UdpSocket>, SocketAddr) {
    let (socket, refusing) = socket_with_error_queue();
    let options = Options::new().trigger(trigger);
    let socket = PollEvented::with_options(socket, &core.handle(), options).unwrap();
    socket.try_write_with(|io| io.send(b"?")).unwrap();
    let error = run(core, recv(&socket)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    (socket, refusing)
}

fn recv(socket: &PollEvented<UdpSocket>) -> impl Future<Output = io::Result<usize>> {
    std::future::poll_fn(|cx| socket.poll_read_with(cx, |io| io.recv(&mut [0; 8])))
}

#[test]
#[cfg_attr(
    mio_unsupported_force_poll_poll,
    ignore = "poll(2) reports an error at each wait"
)]
fn an_error_queue_that_nobody_reads_neither_keeps_the_loop_awake_nor_hides_a_datagram() {
    let test = "an_error_queue_that_nobody_reads_neither_keeps_the_loop_awake_nor_hides_a_datagram";
    child::alone(test, || {
        for trigger in TRIGGERS {
            let mut core = Core::new().unwrap();
            let (socket, refusing) = after_a_refusal(&mut core, trigger);
            let waits = core
                .handle()
                .timeout(Duration::from_millis(100), recv(&socket));
            let before = core.handle().metrics().turns;
            assert!(run(&mut core, waits).is_err());
            let turns = core.handle().metrics().turns - before;
            assert!(turns < 20, "{turns} turns, {trigger:?}");
            let late = std::net::UdpSocket::bind(refusing).unwrap();
            late.connect(socket.get_ref().local_addr().unwrap())
                .unwrap();
            for _ in 0..3 {
                let (count, waker) = CountWakes::new();
                assert!(poll_with(&mut pin!(recv(&socket)), &waker).is_pending());
                settle(&mut core);
                late.send(b"here").unwrap();
                turn_until(&mut core, || count.get() > 0);
                assert_eq!(run(&mut core, recv(&socket)).unwrap(), 4);
            }
        }
    });
}

/// The error changes how the object is reported, but not what its trigger promises.
#[test]
fn after_an_error_a_task_is_still_woken_for_as_long_as_data_is_left_unread() {
    let test = "after_an_error_a_task_is_still_woken_for_as_long_as_data_is_left_unread";
    child::alone(test, || {
        for trigger in WITHOUT_EDGES {
            let mut core = Core::new().unwrap();
            let (socket, refusing) = after_a_refusal(&mut core, trigger);
            let late = std::net::UdpSocket::bind(refusing).unwrap();
            late.connect(socket.get_ref().local_addr().unwrap())
                .unwrap();
            late.send(b"here").unwrap();
            run(&mut core, socket.readable()).unwrap();
            for _ in 0..5 {
                let (count, waker) = CountWakes::new();
                with_cx(&waker, |cx| {
                    let Poll::Ready(Ok(witness)) = socket.poll_read(cx) else {
                        panic!("there is something to read");
                    };
                    socket.need_read(cx, witness).unwrap();
                });
                turn_until(&mut core, || count.get() > 0);
            }
            assert_eq!(run(&mut core, recv(&socket)).unwrap(), 4);
        }
    });
}

// ---- oneshot --------------------------------------------------------------------------------------

#[test]
#[cfg_attr(
    mio_unsupported_force_poll_poll,
    ignore = "poll(2) is oneshot whatever the trigger"
)]
fn a_oneshot_object_is_reported_once_until_a_task_waits_again() {
    let events_of_ten_messages = |trigger| {
        let mut core = Core::new().unwrap();
        let handle = core.handle();
        let (stream, mut peer) = pair(&handle, trigger);
        settle(&mut core);
        let before = handle.metrics().events;
        for _ in 0..10 {
            peer.write_all(b"x").unwrap();
            settle(&mut core);
        }
        let events = handle.metrics().events - before;
        // And again after a wait.
        assert_eq!(take(&stream, 16).unwrap(), 10);
        for _ in 0..3 {
            assert!(take(&stream, 16).is_err());
            let (count, waker) = CountWakes::new();
            assert!(parks(&stream, Direction::Read, &waker));
            settle(&mut core);
            let before = handle.metrics().events;
            peer.write_all(b"x").unwrap();
            turn_until(&mut core, || count.get() == 1);
            assert_eq!(handle.metrics().events - before, 1);
            assert_eq!(take(&stream, 16).unwrap(), 1);
        }
        events
    };
    assert_eq!(events_of_ten_messages(Trigger::Oneshot), 1);
    assert_eq!(events_of_ten_messages(Trigger::Edge), 10);
}

#[test]
fn whoever_waits_for_the_other_direction_is_not_forgotten() {
    for trigger in TRIGGERS {
        let mut core = Core::new().unwrap();
        let (stream, mut peer) = pair(&core.handle(), trigger);
        let filled = fill(&stream);
        assert!(take(&stream, 1).is_err());
        // A reader and a writer wait, on the core and elsewhere; the reader's event comes first.
        let (reader, read_waker) = CountWakes::new();
        assert!(parks(&stream, Direction::Read, &read_waker));
        let writer = core.spawner().spawn({
            let stream = Arc::new(stream);
            let kept = stream.clone();
            async move {
                async_io::write_all(&mut &*stream, b"x").await.unwrap();
                kept
            }
        });
        settle(&mut core);
        peer.write_all(b"x").unwrap();
        turn_until(&mut core, || reader.get() > 0);
        peer.read_exact(&mut vec![0; filled]).unwrap();
        let stream = run(&mut core, writer).unwrap();
        // And the other way round.
        assert_eq!(take(&stream, 8).unwrap(), 1);
        assert!(take(&stream, 8).is_err());
        let filled = fill(&stream);
        let (reader, read_waker) = CountWakes::new();
        let (writer, write_waker) = CountWakes::new();
        assert!(parks(&stream, Direction::Write, &write_waker));
        assert!(parks(&stream, Direction::Read, &read_waker));
        peer.read_exact(&mut vec![0; filled]).unwrap();
        turn_until(&mut core, || writer.get() > 0);
        if reader.get() > 0 {
            assert!(parks(&stream, Direction::Read, &read_waker));
        }
        let before = reader.get();
        peer.write_all(b"x").unwrap();
        turn_until(&mut core, || reader.get() > before);
    }
}

// ---- all of them, on foreign executors ------------------------------------------------------------

#[test]
fn objects_of_every_trigger_echo_under_a_thread_pool() {
    let core = Elsewhere::new();
    let pool = ThreadPool::builder().pool_size(3).create().unwrap();
    let (done, waker) = CountWakes::new();
    let mut peers = Vec::new();
    for n in 0..12 {
        let (stream, peer) = pair(&core.handle, TRIGGERS[n % 3]);
        peer.set_read_timeout(Some(common::HANG)).unwrap();
        peers.push(peer);
        let waker = waker.clone();
        pool.spawn_ok(async move {
            let mut stream = stream;
            let mut buf = [0; 3];
            loop {
                let n = async_io::read(&mut stream, &mut buf).await.unwrap();
                if n == 0 {
                    break;
                }
                async_io::write_all(&mut stream, &buf[..n]).await.unwrap();
            }
            waker.wake();
        });
    }
    for round in 0..100_u8 {
        for peer in &mut peers {
            peer.write_all(&[round, 1, 2, 3, 4]).unwrap();
        }
        for peer in &mut peers {
            let mut echo = [0; 5];
            peer.read_exact(&mut echo).expect("an echo was lost");
            assert_eq!(echo, [round, 1, 2, 3, 4]);
        }
    }
    drop(peers);
    done.wait_for(12);
}

/// More than fits, both ways at once, by a reader and a writer on two threads.
#[test]
fn objects_of_every_trigger_carry_megabytes_both_ways() {
    const BYTES: usize = 4 << 20;
    for trigger in TRIGGERS {
        let core = Elsewhere::new();
        let (stream, mut peer) = pair(&core.handle, trigger);
        let stream = Arc::new(stream);
        let reader = thread::spawn({
            let stream = stream.clone();
            move || {
                block_on(async move {
                    let mut buf = vec![0; BYTES];
                    async_io::read_exact(&mut &*stream, &mut buf).await.unwrap();
                    buf
                })
            }
        });
        let writer = thread::spawn(move || {
            block_on(async move {
                async_io::write_all(&mut &*stream, &pattern(BYTES))
                    .await
                    .unwrap();
            });
        });
        let mut out = peer.try_clone().unwrap();
        let sent = thread::spawn(move || out.write_all(&pattern(BYTES)).unwrap());
        let mut received = vec![0; BYTES];
        within_reason(move || {
            peer.read_exact(&mut received).unwrap();
            assert!(received == pattern(BYTES));
        });
        assert!(reader.join().unwrap() == pattern(BYTES));
        writer.join().unwrap();
        sent.join().unwrap();
    }
}

fn pattern(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|n| (n % 251) as u8).collect()
}
