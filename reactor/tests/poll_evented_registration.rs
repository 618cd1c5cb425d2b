//! Registering objects, giving them back, and what the poller is asked to report of them.

mod common;

use std::{
    fs::File,
    io::{ErrorKind, Read, Write},
    sync::Arc,
    task::{Poll, Waker},
    thread,
};

use common::{
    Borrowed, CountWakes, Elsewhere, assert_gone, child, number, open_descriptors, parks,
    poll_with, run, settle, turn_until, udp_pair, unix_pair, with_cx,
};
use futures::FutureExt;
use io_traits::{AsyncRead, AsyncWrite, io as async_io, task};
use reactor::{Core, Direction, Options, PollEvented, mio::net::UnixStream};

#[test]
#[cfg_attr(
    mio_unsupported_force_poll_poll,
    ignore = "poll(2) takes regular files, and says that they are ready"
)]
fn a_regular_file_is_permission_denied_and_comes_back() {
    let core = Core::new().unwrap();
    let file = File::open(std::env::current_exe().unwrap()).unwrap();
    let error = PollEvented::new(Borrowed(number(&file)), &core.handle()).unwrap_err();
    assert_eq!(error.error().kind(), ErrorKind::PermissionDenied);
    let (error, Borrowed(fd)) = error.into_parts();
    assert_eq!(
        (error.kind(), fd),
        (ErrorKind::PermissionDenied, number(&file))
    );
    assert_eq!(core.handle().metrics().registered, 0);
}

#[test]
fn the_same_descriptor_twice_is_already_exists_and_harms_the_first_not() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let (first, mut peer) = unix_pair(&handle);
    let second = PollEvented::new(Borrowed(number(first.get_ref())), &handle);
    let error = second.unwrap_err();
    assert_eq!(error.error().kind(), ErrorKind::AlreadyExists);
    let Borrowed(_) = error.into_inner();
    assert_eq!(handle.metrics().registered, 1);
    peer.write_all(b"x").unwrap();
    assert_eq!(
        run(&mut core, task::io(|| (&first).read(&mut [0; 4]))).unwrap(),
        1
    );
}

#[test]
fn into_inner_and_drop_deregister_so_that_the_descriptor_can_be_registered_again() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let (stream, mut peer) = unix_pair(&handle);
    let mut io = stream.into_inner().unwrap();
    for _ in 0..3 {
        assert_eq!(handle.metrics().registered, 0);
        io = PollEvented::on_demand(io, &handle)
            .unwrap()
            .into_inner()
            .unwrap();
        drop(PollEvented::new(Borrowed(number(&io)), &handle).unwrap());
    }
    let stream = PollEvented::new(io, &handle).unwrap();
    peer.write_all(b"x").unwrap();
    assert_eq!(
        run(&mut core, task::io(|| (&stream).read(&mut [0; 4]))).unwrap(),
        1
    );
    // And nothing that was before sends events any more.
    assert_eq!(handle.metrics().stale_events, 0);
}

#[test]
fn one_descriptor_can_be_registered_with_two_cores() {
    let (mut one, mut two) = (Core::new().unwrap(), Core::new().unwrap());
    let (first, mut peer) = unix_pair(&one.handle());
    let second = PollEvented::new(Borrowed(number(first.get_ref())), &two.handle()).unwrap();
    assert!(first.try_read_with(|mut io| io.read(&mut [0; 1])).is_err());
    peer.write_all(b"x").unwrap();
    run(&mut one, first.readable()).unwrap();
    run(&mut two, second.readable()).unwrap();
}

/// Echoes ten datagrams, or ten messages; returns how many events that took.
fn events_of_ten(mut echo: impl FnMut(&mut Core), core: &mut Core) -> u64 {
    settle(core);
    let before = core.handle().metrics().events;
    for _ in 0..10 {
        echo(core);
    }
    settle(core);
    core.handle().metrics().events - before
}

#[test]
#[cfg_attr(
    mio_unsupported_force_poll_poll,
    ignore = "poll(2) reports once until a task waits, whatever is asked for"
)]
fn on_demand_hears_of_writability_only_while_a_task_waits_for_it() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let send_ten = |core: &mut Core, io: &PollEvented<UnixStream>, peer: &mut dyn Read| {
        let echo = |core: &mut Core| {
            assert_eq!(io.try_write_with(|mut io| io.write(b"x")).unwrap(), 1);
            peer.read_exact(&mut [0; 1]).unwrap();
            settle(core);
        };
        events_of_ten(echo, core)
    };
    let (lazy, mut peer) = unix_pair(&handle);
    assert_eq!(
        send_ten(&mut core, &lazy, &mut peer),
        0,
        "nobody asked for these events"
    );

    // The same object with both directions reported shows that there is something to save.
    let eager = PollEvented::new(lazy.into_inner().unwrap(), &handle).unwrap();
    assert!(send_ten(&mut core, &eager, &mut peer) >= 10);
}

#[test]
fn try_write_and_then_writable_works_and_waits_for_room() {
    let mut core = Core::new().unwrap();
    let (stream, mut peer) = unix_pair(&core.handle());
    for _ in 0..3 {
        let mut filled = 0;
        let error = loop {
            match stream.try_write_with(|mut io| io.write(&[0; 4096])) {
                Ok(n) => filled += n,
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
        let (count, waker) = CountWakes::new();
        let mut writable = stream.writable();
        assert!(poll_with(&mut writable, &waker).is_pending());
        settle(&mut core);
        assert_eq!(count.get(), 0, "there is no room yet");
        peer.read_exact(&mut vec![0; filled]).unwrap();
        turn_until(&mut core, || count.get() > 0);
        assert!(poll_with(&mut writable, &waker).is_ready());
    }
}

#[test]
#[cfg_attr(
    mio_unsupported_force_poll_poll,
    ignore = "poll(2) reports once until a task waits, so there is nothing to drop"
)]
fn write_interest_that_nobody_waits_for_is_dropped_again_and_comes_back() {
    let mut core = Core::new().unwrap();
    let (stream, mut peer) = unix_pair(&core.handle());
    // A task has waited once: "writable" is reported from now on.
    let mut filled = 0;
    while let Ok(n) = stream.try_write_with(|mut io| io.write(&[0; 4096])) {
        filled += n;
    }
    assert!(parks(&stream, Direction::Write, Waker::noop()));
    peer.read_exact(&mut vec![0; filled]).unwrap();
    run(&mut core, stream.writable()).unwrap();
    // It goes on as a reader that answers.
    let mut ten_echoes = || {
        let echo = |core: &mut Core| {
            let (count, waker) = CountWakes::new();
            let mut buf = [0; 4];
            assert!(with_cx(&waker, |cx| task::enter(cx, || (&stream).read(&mut buf))).is_err());
            assert_eq!(stream.try_write_with(|mut io| io.write(b"x")).unwrap(), 1);
            peer.read_exact(&mut [0; 1]).unwrap();
            settle(core);
            peer.write_all(b"y").unwrap();
            turn_until(core, || count.get() > 0);
            let n = with_cx(&waker, |cx| task::enter(cx, || (&stream).read(&mut buf))).unwrap();
            assert_eq!(n, 1);
        };
        events_of_ten(echo, &mut core)
    };
    assert!(ten_echoes() > 10, "at first writability is still reported");
    assert_eq!(ten_echoes(), 10, "writability is still reported");
    // And whoever waits again is woken again.
    let mut filled = 0;
    while let Ok(n) = stream.try_write_with(|mut io| io.write(&[0; 4096])) {
        filled += n;
    }
    let (count, waker) = CountWakes::new();
    assert!(parks(&stream, Direction::Write, &waker));
    peer.read_exact(&mut vec![0; filled]).unwrap();
    turn_until(&mut core, || count.get() > 0);
}

#[test]
fn a_connecting_object_is_waited_for_first_and_read_later() {
    let mut core = Core::new().unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let stream = mio::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let stream = PollEvented::with_options(stream, &core.handle(), Options::connecting()).unwrap();
    assert!(parks(&stream, Direction::Write, Waker::noop()));
    run(&mut core, stream.writable()).unwrap();
    let mut peer = listener.accept().unwrap().0;
    peer.write_all(b"hello").unwrap();
    let mut buf = [0; 5];
    run(&mut core, async_io::read_exact(&mut &stream, &mut buf)).unwrap();
    assert_eq!(&buf, b"hello");
}

#[test]
fn an_exchanged_object_is_refused_when_the_registration_has_to_change() {
    let mut core = Core::new().unwrap();
    let (mut stream, _peer) = unix_pair(&core.handle());
    let (other, mut other_peer) = UnixStream::pair().unwrap();
    let original = std::mem::replace(stream.get_mut(), other);
    let mut filled = 0;
    while let Ok(n) = stream.try_write_with(|mut io| io.write(&[0; 4096])) {
        filled += n;
    }
    assert!(filled > 0);
    for _ in 0..3 {
        let error = run(&mut core, stream.writable()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }
    // Whoever puts the right one back goes on.
    let other = std::mem::replace(stream.get_mut(), original);
    assert!(!parks(&stream, Direction::Read, Waker::noop()));
    drop(other);
    other_peer.read_exact(&mut vec![0; filled]).unwrap();
}

#[test]
fn objects_may_outlive_their_core_and_die_on_other_threads() {
    child::alone(
        "objects_may_outlive_their_core_and_die_on_other_threads",
        || {
            let descriptors = open_descriptors();
            for _ in 0..50 {
                let mut core = Elsewhere::new();
                let (one, _peer_one) = unix_pair(&core.handle);
                let (two, _peer_two) = unix_pair(&core.handle);
                let (three, _peer_three) = udp_pair(&core.handle);
                drop(one);
                let thread = thread::spawn(move || drop(two));
                core.stop();
                assert_gone(three.readable().now_or_never().unwrap());
                thread.join().unwrap();
                thread::spawn(move || drop(three)).join().unwrap();
            }
            assert_eq!(open_descriptors(), descriptors);
        },
    );
}

#[test]
fn objects_are_made_and_dropped_by_many_threads_while_the_loop_runs() {
    child::alone(
        "objects_are_made_and_dropped_by_many_threads_while_the_loop_runs",
        || {
            let core = Elsewhere::new();
            let descriptors = open_descriptors();
            let threads: Vec<_> = (0..8)
                .map(|_| {
                    let handle = core.handle.clone();
                    thread::spawn(move || {
                        for _ in 0..200 {
                            let (stream, mut peer) = unix_pair(&handle);
                            let stream = Arc::new(stream);
                            peer.write_all(b"x").unwrap();
                            let mut byte = [0; 1];
                            futures::executor::block_on(async_io::read_exact(
                                &mut &*stream,
                                &mut byte,
                            ))
                            .unwrap();
                        }
                    })
                })
                .collect();
            threads
                .into_iter()
                .for_each(|thread| thread.join().unwrap());
            assert_eq!(core.handle.metrics().registered, 0);
            assert_eq!(open_descriptors(), descriptors);
        },
    );
}

#[test]
#[cfg_attr(
    mio_unsupported_force_poll_poll,
    ignore = "mio keeps a list for poll(2): the system does not hear of the end of a registration"
)]
fn a_descriptor_closed_behind_our_back_costs_an_error_and_no_place() {
    child::alone(
        "a_descriptor_closed_behind_our_back_costs_an_error_and_no_place",
        || {
            let core = Core::new().unwrap();
            let handle = core.handle();
            for _ in 0..100 {
                let (socket, _peer) = UnixStream::pair().unwrap();
                let evented = PollEvented::new(Borrowed(number(&socket)), &handle).unwrap();
                drop(socket);
                assert!(evented.into_inner().is_err());
                let (socket, _peer) = UnixStream::pair().unwrap();
                let evented = PollEvented::new(Borrowed(number(&socket)), &handle).unwrap();
                drop(socket);
                drop(evented);
            }
            assert_eq!(handle.metrics().registered, 0);
        },
    );
}

/// The original of a duplicated descriptor was closed without being deregistered: its events go on.
#[test]
#[cfg_attr(
    mio_unsupported_force_poll_poll,
    ignore = "poll(2) knows a number, not what was opened: there are no such events"
)]
fn events_of_a_descriptor_that_lives_on_elsewhere_are_stale_and_counted() {
    child::alone(
        "events_of_a_descriptor_that_lives_on_elsewhere_are_stale_and_counted",
        || {
            let mut core = Core::new().unwrap();
            let handle = core.handle();
            let (socket, mut peer) = std::os::unix::net::UnixStream::pair().unwrap();
            let copy = socket.try_clone().unwrap();
            let evented = PollEvented::new(Borrowed(number(&socket)), &handle).unwrap();
            drop(socket);
            drop(evented);
            // The next object gets the descriptor's number and the object's place.
            let (next, _next_peer) = unix_pair(&handle);
            assert!(next.try_read_with(|mut io| io.read(&mut [0; 1])).is_err());
            let (count, waker) = CountWakes::new();
            assert!(parks(&next, Direction::Read, &waker));
            peer.write_all(b"x").unwrap();
            turn_until(&mut core, || handle.metrics().stale_events > 0);
            assert_eq!(count.get(), 0, "a stale event has reached the new object");
            drop(copy);
        },
    );
}

#[test]
fn a_stale_event_of_the_same_batch_never_reaches_the_new_object() {
    child::alone(
        "a_stale_event_of_the_same_batch_never_reaches_the_new_object",
        || {
            let mut core = Core::new().unwrap();
            let handle = core.handle();
            // Four ready objects; whichever comes first drops the others and makes new ones.
            for _ in 0..20 {
                let (streams, mut peers): (Vec<_>, Vec<_>) =
                    (0..4).map(|_| unix_pair(&handle)).unzip();
                let (parked, parked_waker) = CountWakes::new();
                let victims = Arc::new(std::sync::Mutex::new(streams));
                let replace = ReplaceOnWake {
                    victims: victims.clone(),
                    handle: handle.clone(),
                    made: std::sync::Mutex::new(Vec::new()),
                    parked: parked_waker,
                };
                let replace = Arc::new(replace);
                let waker = Waker::from(replace.clone());
                for stream in victims.lock().unwrap().iter() {
                    assert!(stream.try_read_with(|mut io| io.read(&mut [0; 1])).is_err());
                    assert!(parks(stream, Direction::Read, &waker));
                }
                for peer in &mut peers {
                    peer.write_all(b"x").unwrap();
                }
                turn_until(&mut core, || !replace.made.lock().unwrap().is_empty());
                settle(&mut core);
                assert_eq!(parked.get(), 0, "a stale event has reached a new object");
                for (made, _) in replace.made.lock().unwrap().iter() {
                    assert!(parks(made, Direction::Read, Waker::noop()));
                }
            }
        },
    );
}

/// A waker that drops objects of the batch and makes new ones in their places.
struct ReplaceOnWake {
    victims: Arc<std::sync::Mutex<Vec<PollEvented<UnixStream>>>>,
    handle: reactor::Handle,
    made: std::sync::Mutex<Vec<(PollEvented<UnixStream>, std::os::unix::net::UnixStream)>>,
    parked: Waker,
}

impl std::task::Wake for ReplaceOnWake {
    fn wake(self: Arc<Self>) {
        let victims = std::mem::take(&mut *self.victims.lock().unwrap());
        let count = victims.len();
        drop(victims);
        for _ in 0..count {
            let (next, peer) = unix_pair(&self.handle);
            assert!(next.try_read_with(|mut io| io.read(&mut [0; 1])).is_err());
            assert!(parks(&next, Direction::Read, &self.parked));
            self.made.lock().unwrap().push((next, peer));
        }
    }
}

#[test]
fn zero_lengths_are_done_at_once_and_change_nothing() {
    let mut core = Core::new().unwrap();
    let (mut stream, mut peer) = unix_pair(&core.handle());
    assert!(stream.try_read_with(|mut io| io.read(&mut [0; 1])).is_err());
    with_cx(Waker::noop(), |cx| {
        for _ in 0..3 {
            assert_eq!(task::enter(cx, || stream.read(&mut [])).unwrap(), 0);
            assert_eq!(task::enter(cx, || stream.write(&[])).unwrap(), 0);
            assert!(matches!(
                stream.poll_write_from(cx, &[]),
                Poll::Ready(Ok(0))
            ));
            assert!(matches!(
                stream.poll_write_slices(cx, &[]),
                Poll::Ready(Ok(0))
            ));
            let filled = io_traits::ReadCursor::with_initialized(&mut [], |cursor| {
                assert!(matches!(
                    stream.poll_read_into(cx, cursor),
                    Poll::Ready(Ok(0))
                ));
            });
            assert_eq!(filled.1, 0);
        }
    });
    peer.write_all(b"x").unwrap();
    assert_eq!(
        run(&mut core, task::io(|| stream.read(&mut [0; 4]))).unwrap(),
        1
    );
}

#[test]
fn registering_and_dropping_a_hundred_thousand_times_leaves_nothing() {
    let core = Core::new().unwrap();
    let handle = core.handle();
    let (socket, _peer) = UnixStream::pair().unwrap();
    let fd = number(&socket);
    for _ in 0..100_000 {
        drop(PollEvented::new(Borrowed(fd), &handle).unwrap());
    }
    assert_eq!(handle.metrics().registered, 0);
}
