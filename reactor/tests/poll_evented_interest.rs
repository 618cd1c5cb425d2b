//! Waiting for reading, writing, urgent data and errors, and for several of them at once.

mod common;

use std::{
    io::{self, ErrorKind, IoSliceMut, Read, Write},
    net::{TcpListener, TcpStream as Peer},
    os::fd::AsRawFd,
    task::{Poll, Waker},
};

use common::{
    CountWakes, assert_idle, child, fill, parks, poll_with, run, settle, socket_with_error_queue,
    turn_until, unix_pair, unix_pair_with, with_cx,
};
use futures::FutureExt;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrIn, recvmsg};
use reactor::{
    Core, Direction, Handle, Interest, Options, PollEvented, Trigger,
    mio::net::{TcpStream, UdpSocket, UnixStream},
};
use rustix::net::{RecvFlags, SendFlags, recv, send};

/// A registered TCP stream, and its peer.
fn tcp_pair(handle: &Handle, options: Options) -> (PollEvented<TcpStream>, Peer) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let ours = Peer::connect(listener.local_addr().unwrap()).unwrap();
    ours.set_nonblocking(true).unwrap();
    let peer = listener.accept().unwrap().0;
    let ours = PollEvented::with_options(TcpStream::from_std(ours), handle, options);
    (ours.unwrap(), peer)
}

fn take(io: &PollEvented<TcpStream>) -> io::Result<usize> {
    io.try_read_with(|mut io| io.read(&mut [0; 64]))
}

fn urgent(io: &TcpStream) -> io::Result<u8> {
    let mut byte = [0];
    recv(io, &mut byte, RecvFlags::OOB)?;
    Ok(byte[0])
}

// ---- reading and writing --------------------------------------------------------------------------

#[test]
fn ready_resolves_to_all_that_is_true_and_nothing_else() {
    let mut core = Core::new().unwrap();
    let (stream, mut peer) = unix_pair(&core.handle());
    let both = Interest::READ | Interest::WRITE;
    let drain = || stream.try_read_with(|mut io| io.read(&mut [0; 64]));
    assert!(drain().is_err());
    assert_eq!(run(&mut core, stream.ready(both)).unwrap(), Interest::WRITE);
    peer.write_all(b"x").unwrap();
    run(&mut core, stream.readable()).unwrap();
    assert_eq!(run(&mut core, stream.ready(both)).unwrap(), both);
    let filled = fill(&stream);
    assert_eq!(run(&mut core, stream.ready(both)).unwrap(), Interest::READ);
    assert_eq!(drain().unwrap(), 1);
    assert!(drain().is_err());
    // Neither; then room.
    let (count, waker) = CountWakes::new();
    let mut ready = stream.ready(both);
    assert!(poll_with(&mut ready, &waker).is_pending());
    settle(&mut core);
    assert_eq!(count.get(), 0);
    peer.read_exact(&mut vec![0; filled]).unwrap();
    turn_until(&mut core, || count.get() > 0);
    let Poll::Ready(Ok(seen)) = poll_with(&mut ready, &waker) else {
        panic!("there is room");
    };
    assert_eq!(seen, Interest::WRITE);
}

#[test]
fn ready_for_both_is_woken_by_either() {
    for first in [Direction::Read, Direction::Write] {
        let mut core = Core::new().unwrap();
        let (stream, mut peer) = unix_pair(&core.handle());
        let filled = fill(&stream);
        assert!(take_unix(&stream).is_err());
        let act = async {
            match first {
                Direction::Read => peer.write_all(b"x").unwrap(),
                Direction::Write => peer.read_exact(&mut vec![0; filled]).unwrap(),
            }
        };
        let ready = stream.ready(Interest::READ | Interest::WRITE);
        let (seen, ()) = run(&mut core, futures::future::join(ready, act));
        assert_eq!(seen.unwrap(), Interest::from(first));
    }
}

fn take_unix(io: &PollEvented<UnixStream>) -> io::Result<usize> {
    io.try_read_with(|mut io| io.read(&mut [0; 64]))
}

#[test]
fn an_operation_for_either_direction_is_tried_when_one_is_ready() {
    let mut core = Core::new().unwrap();
    let (stream, mut peer) = unix_pair(&core.handle());
    let both = Interest::READ | Interest::WRITE;
    let filled = fill(&stream);
    assert!(take_unix(&stream).is_err());
    // As of a protocol that may have to write before it can read, and the other way round.
    let either = |mut io: &UnixStream| match io.read(&mut [0; 8]) {
        Err(error) if error.kind() == ErrorKind::WouldBlock => io.write(b"w").map(|_| 'w'),
        read => read.map(|_| 'r'),
    };
    assert_eq!(
        stream.try_with(both, either).unwrap_err().kind(),
        ErrorKind::WouldBlock
    );
    let mut operation = std::future::poll_fn(|cx| stream.poll_with(both, cx, either));
    let (count, waker) = CountWakes::new();
    assert!(poll_with(&mut operation, &waker).is_pending());
    peer.write_all(b"x").unwrap();
    turn_until(&mut core, || count.get() > 0);
    let done = poll_with(&mut operation, &waker);
    assert!(matches!(done, Poll::Ready(Ok('r'))));
    assert!(poll_with(&mut operation, &waker).is_pending());
    let before = count.get();
    peer.read_exact(&mut vec![0; filled]).unwrap();
    turn_until(&mut core, || count.get() > before);
    let done = poll_with(&mut operation, &waker);
    assert!(matches!(done, Poll::Ready(Ok('w'))));
}

// ---- what is taken back ---------------------------------------------------------------------------

/// What is ready of an object of which everything is.
fn all_but_what_blocks(interest: Interest, polled: bool) -> Interest {
    let mut core = Core::new().unwrap();
    let (stream, peer) = tcp_pair(&core.handle(), Options::new().watch_urgent());
    send(&peer, b"!", SendFlags::OOB).unwrap();
    run(&mut core, stream.ready(Interest::PRIORITY)).unwrap();
    let blocks = |_: &TcpStream| Err::<(), _>(ErrorKind::WouldBlock.into());
    if polled {
        with_cx(Waker::noop(), |cx| {
            assert!(stream.poll_with(interest, cx, blocks).is_pending());
        });
    } else {
        assert!(stream.try_with(interest, blocks).is_err());
    }
    let everything = Interest::READ | Interest::WRITE | Interest::PRIORITY;
    run(&mut core, stream.ready(everything)).unwrap()
}

#[test]
#[cfg_attr(mio_unsupported_force_poll_poll, ignore = "poll(2) has no edges")]
fn an_operation_that_blocks_takes_back_what_it_was_for_and_nothing_else() {
    let (read, write, urgent) = (Interest::READ, Interest::WRITE, Interest::PRIORITY);
    for polled in [false, true] {
        let left = |interest| all_but_what_blocks(interest, polled);
        assert_eq!(left(read), write | urgent);
        assert_eq!(left(urgent), read | write);
        assert_eq!(left(write), read | urgent);
        assert_eq!(left(read | urgent), write);
        assert_eq!(left(read | write), urgent);
        assert_eq!(left(write | urgent), read);
    }
}

#[test]
fn a_clear_of_one_direction_leaves_the_other_alone() {
    let mut core = Core::new().unwrap();
    for (direction, other) in [
        (Direction::Write, Direction::Read),
        (Direction::Read, Direction::Write),
    ] {
        let blocks = |_: &UnixStream| Err::<(), _>(ErrorKind::WouldBlock.into());
        let (stream, mut peer) = unix_pair(&core.handle());
        peer.write_all(b"x").unwrap();
        settle(&mut core);
        let result = match direction {
            Direction::Read => stream.try_read_with(blocks),
            Direction::Write => stream.try_write_with(blocks),
        };
        assert!(result.is_err());
        assert!(
            !parks(&stream, other, Waker::noop()),
            "{other:?} was cleared"
        );
        assert!(parks(&stream, direction, Waker::noop()));
    }
}

// ---- urgent data ----------------------------------------------------------------------------------

#[test]
#[cfg_attr(mio_unsupported_force_poll_poll, ignore = "poll(2) has no edges")]
fn urgent_data_is_waited_for_beside_other_data_that_stays_unread() {
    let mut core = Core::new().unwrap();
    let (stream, mut peer) = tcp_pair(&core.handle(), Options::new().watch_urgent());
    let (count, waker) = CountWakes::new();
    let mut wait = stream.ready(Interest::PRIORITY);
    assert!(poll_with(&mut wait, &waker).is_pending());
    peer.write_all(b"ordinary").unwrap();
    turn_until(&mut core, || count.get() > 0);
    assert!(
        poll_with(&mut wait, &waker).is_pending(),
        "that was not urgent"
    );
    let before = count.get();
    assert_idle(&mut core);
    assert_eq!(count.get(), before);
    send(&peer, b"!", SendFlags::OOB).unwrap();
    turn_until(&mut core, || count.get() > before);
    let Poll::Ready(Ok(seen)) = poll_with(&mut wait, &waker) else {
        panic!("there is urgent data");
    };
    assert_eq!(seen, Interest::PRIORITY);
    let byte = stream.try_with(Interest::PRIORITY, urgent);
    assert_eq!(byte.unwrap(), b'!');
    assert_eq!(take(&stream).unwrap(), 8);
}

/// Also when the urgent data has been taken, and everything else.
#[test]
#[cfg_attr(mio_unsupported_force_poll_poll, ignore = "poll(2) has no edges")]
fn that_there_was_urgent_data_is_known_from_its_event_on_and_for_ever() {
    let mut core = Core::new().unwrap();
    let (stream, mut peer) = tcp_pair(&core.handle(), Options::new().watch_urgent());
    let (other, other_peer) = tcp_pair(&core.handle(), Options::new());
    peer.write_all(b"ordinary").unwrap();
    run(&mut core, stream.ready(Interest::READ)).unwrap();
    assert_eq!(take(&stream).unwrap(), 8);
    assert!(!stream.has_told_of_urgent_data());
    for peer in [&peer, &other_peer] {
        send(peer, b"!", SendFlags::OOB).unwrap();
    }
    run(&mut core, stream.ready(Interest::PRIORITY)).unwrap();
    assert!(stream.has_told_of_urgent_data());
    let byte = stream.try_with(Interest::PRIORITY, urgent);
    assert_eq!(byte.unwrap(), b'!');
    assert!(take(&stream).is_err());
    assert!(stream.has_told_of_urgent_data());
    // This one does not watch for it.
    settle(&mut core);
    assert!(!other.has_told_of_urgent_data());
}

#[test]
#[cfg_attr(mio_unsupported_force_poll_poll, ignore = "poll(2) has no edges")]
fn urgent_data_is_not_reported_unless_it_is_watched() {
    let mut core = Core::new().unwrap();
    let (stream, peer) = tcp_pair(&core.handle(), Options::new());
    let mut wait = stream.ready(Interest::PRIORITY);
    assert!(poll_with(&mut wait, Waker::noop()).is_pending());
    assert!(take(&stream).is_err());
    send(&peer, b"!", SendFlags::OOB).unwrap();
    // It is readable by what comes behind.
    (&peer).write_all(b"x").unwrap();
    run(&mut core, stream.readable()).unwrap();
    assert!(poll_with(&mut wait, Waker::noop()).is_pending());
}

#[test]
fn of_an_object_that_is_only_watched_for_urgent_data_nothing_else_makes_it_readable() {
    for trigger in [Trigger::Edge, Trigger::Level, Trigger::Oneshot] {
        let mut core = Core::new().unwrap();
        let options = Options::new()
            .urgent_only()
            .assume_unready()
            .trigger(trigger);
        let (stream, mut peer) = tcp_pair(&core.handle(), options);
        let (count, waker) = CountWakes::new();
        let mut readable = stream.readable();
        assert!(poll_with(&mut readable, &waker).is_pending());
        peer.write_all(b"ordinary").unwrap();
        assert_idle(&mut core);
        assert_eq!(count.get(), 0);
        send(&peer, b"!", SendFlags::OOB).unwrap();
        turn_until(&mut core, || count.get() > 0);
        assert!(poll_with(&mut readable, &waker).is_ready());
        assert_eq!(stream.try_read_with(urgent).unwrap(), b'!');
    }
}

// ---- errors ---------------------------------------------------------------------------------------

/// A UDP socket whose datagram was refused: the system reports nothing but an error.
fn with_refused_datagram(test: &str, options: Options, then: fn(Core, PollEvented<UdpSocket>)) {
    child::alone(test, || {
        let core = Core::new().unwrap();
        let gone = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let socket = UdpSocket::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        socket.connect(gone.local_addr().unwrap()).unwrap();
        drop(gone);
        let socket = PollEvented::with_options(socket, &core.handle(), options).unwrap();
        assert!(socket.try_read_with(|io| io.recv(&mut [0])).is_err());
        then(core, socket);
    });
}

#[test]
fn every_way_to_wait_hears_of_an_error() {
    let test = "every_way_to_wait_hears_of_an_error";
    with_refused_datagram(test, Options::new(), |mut core, socket| {
        let recv = |io: &UdpSocket| io.recv(&mut [0]);
        let read = std::future::poll_fn(|cx| socket.poll_read_with(cx, recv));
        let read_or_error = Interest::READ | Interest::ERROR;
        let either = std::future::poll_fn(|cx| socket.poll_with(read_or_error, cx, recv));
        let seen = |seen: io::Result<Interest>| seen.and_then(|_| recv(socket.get_ref()));
        let mut ways = vec![
            socket.readable().map(seen).boxed_local(),
            socket.writable().map(seen).boxed_local(),
            socket.ready(read_or_error).map(seen).boxed_local(),
            read.boxed_local(),
            either.boxed_local(),
        ];
        if cfg!(not(mio_unsupported_force_poll_poll)) {
            ways.push(socket.ready(Interest::ERROR).map(seen).boxed_local());
        }
        for (way, wait) in ways.into_iter().enumerate() {
            // Nothing is known of earlier ones, nor assumed.
            let everything = read_or_error | Interest::WRITE;
            let blocks = |_: &UdpSocket| Err::<(), _>(ErrorKind::WouldBlock.into());
            assert!(socket.try_with(everything, blocks).is_err());
            let mut wait = wait;
            let is_pending = poll_with(&mut wait, Waker::noop()).is_pending();
            assert!(is_pending, "way {way}");
            // Around the object, which thinks that there is no room.
            socket.get_ref().send(b"?").unwrap();
            let error = run(&mut core, wait).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ConnectionRefused, "way {way}");
        }
    });
}

#[test]
#[cfg_attr(mio_unsupported_force_poll_poll, ignore = "poll(2) has no edges")]
fn an_error_stays_true_until_an_operation_for_errors_finds_none() {
    let test = "an_error_stays_true_until_an_operation_for_errors_finds_none";
    with_refused_datagram(test, Options::new(), |mut core, socket| {
        assert!(socket.ready(Interest::ERROR).now_or_never().is_none());
        socket.try_write_with(|io| io.send(b"?")).unwrap();
        let seen = run(&mut core, socket.ready(Interest::ERROR)).unwrap();
        assert_eq!(seen, Interest::ERROR);
        let error = socket.try_with(Interest::ERROR, |io| io.take_error());
        assert_eq!(error.unwrap().unwrap().kind(), ErrorKind::ConnectionRefused);
        assert!(socket.ready(Interest::ERROR).now_or_never().is_some());
        let error = socket.try_with(Interest::ERROR, |io| match io.take_error()? {
            Some(error) => Ok(error),
            None => Err(ErrorKind::WouldBlock.into()),
        });
        assert_eq!(error.unwrap_err().kind(), ErrorKind::WouldBlock);
        assert!(socket.ready(Interest::ERROR).now_or_never().is_none());
        // A reader still has to find out for itself.
        assert!(socket.readable().now_or_never().is_some());
    });
}

/// What a message in the error queue is about.
fn next_error(socket: &UdpSocket) -> io::Result<i32> {
    let mut memory = [0; 64];
    let mut bufs = [IoSliceMut::new(&mut memory)];
    let mut control = nix::cmsg_space!([u8; 128]);
    let flags = MsgFlags::MSG_ERRQUEUE;
    let message = recvmsg::<SockaddrIn>(socket.as_raw_fd(), &mut bufs, Some(&mut control), flags)?;
    let error = message.cmsgs()?.find_map(|control| match control {
        ControlMessageOwned::Ipv4RecvErr(error, _) => Some(error.ee_errno as i32),
        _ => None,
    });
    Ok(error.expect("a message of the queue tells of an error"))
}

#[test]
#[cfg_attr(mio_unsupported_force_poll_poll, ignore = "poll(2) has no edges")]
fn an_error_queue_is_read_to_its_end_beside_the_data() {
    let test = "an_error_queue_is_read_to_its_end_beside_the_data";
    child::alone(test, || {
        let mut core = Core::new().unwrap();
        let (socket, refusing) = socket_with_error_queue();
        let socket = PollEvented::on_demand(socket, &core.handle()).unwrap();
        let refused = nix::errno::Errno::ECONNREFUSED as i32;
        let errors =
            || std::future::poll_fn(|cx| socket.poll_with(Interest::ERROR, cx, next_error));
        for _ in 0..3 {
            assert!(errors().now_or_never().is_none());
            socket.try_write_with(|io| io.send(b"?")).unwrap();
            assert_eq!(run(&mut core, errors()).unwrap(), refused);
            // The same error, as it is told to whoever reads.
            assert!(socket.get_ref().take_error().is_ok());
        }
        // Data comes; that the queue is empty says nothing about it.
        let late = std::net::UdpSocket::bind(refusing).unwrap();
        late.connect(socket.get_ref().local_addr().unwrap())
            .unwrap();
        late.send(b"here").unwrap();
        run(&mut core, socket.readable()).unwrap();
        assert!(errors().now_or_never().is_none());
        let read = socket.try_read_with(|io| io.recv(&mut [0; 8]));
        assert_eq!(read.unwrap(), 4);
    });
}

// ---- without edges --------------------------------------------------------------------------------

/// Data that nobody reads would wake the task over and over.
#[test]
fn urgent_data_or_an_error_alone_cannot_be_waited_for_without_edges() {
    let core = Core::new().unwrap();
    for trigger in [Trigger::Level, Trigger::Oneshot] {
        let (stream, mut peer) = unix_pair_with(&core.handle(), Options::new().trigger(trigger));
        peer.write_all(b"x").unwrap();
        for _ in 0..3 {
            for interest in [
                Interest::PRIORITY,
                Interest::ERROR,
                Interest::ERROR | Interest::PRIORITY,
            ] {
                let error = stream.ready(interest).now_or_never().expect("a hang");
                assert_eq!(error.unwrap_err().kind(), ErrorKind::Unsupported);
                let nothing = |_: &UnixStream| Ok(());
                let polled = with_cx(Waker::noop(), |cx| stream.poll_with(interest, cx, nothing));
                let error = common::ready_err(polled);
                assert_eq!(error.kind(), ErrorKind::Unsupported);
            }
        }
        let with_reading = stream.ready(Interest::READ | Interest::ERROR);
        assert_eq!(
            with_reading.now_or_never().unwrap().unwrap(),
            Interest::READ
        );
    }
}

#[test]
fn a_reader_hears_of_the_peers_end_by_every_trigger() {
    for trigger in [Trigger::Edge, Trigger::Level, Trigger::Oneshot] {
        let mut core = Core::new().unwrap();
        let (stream, peer) = unix_pair_with(&core.handle(), Options::new().trigger(trigger));
        assert!(take_unix(&stream).is_err());
        let (count, waker) = CountWakes::new();
        assert!(parks(&stream, Direction::Read, &waker));
        drop(peer);
        turn_until(&mut core, || count.get() > 0);
        assert_eq!(take_unix(&stream).unwrap(), 0);
    }
}
