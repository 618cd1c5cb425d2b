//! Directions that are not reported for a while.

mod common;

use std::io::{ErrorKind, Read, Write};

use common::{
    CountWakes, assert_gone, assert_idle, fill, parks, pipe, run, settle, turn_until, unix_pair,
    unix_pair_with,
};
use io_traits::io as async_io;
use reactor::{
    Core, Direction, Fd, Options, PollEvented, Trigger,
    mio::net::{UdpSocket, UnixStream},
};

const TRIGGERS: [Trigger; 3] = [Trigger::Edge, Trigger::Level, Trigger::Oneshot];

/// Reads once: what was known is used up.
fn forget(stream: &PollEvented<UnixStream>) {
    let read = stream.try_read_with(|mut io| io.read(&mut [0; 1]));
    assert_eq!(read.unwrap_err().kind(), ErrorKind::WouldBlock);
}

fn take(core: &mut Core, stream: &PollEvented<UnixStream>, amount: usize) {
    let mut buf = vec![0; amount];
    run(core, async_io::read_exact(&mut &*stream, &mut buf)).unwrap();
}

#[test]
fn what_comes_during_a_pause_costs_no_event_and_is_reported_at_its_end() {
    for trigger in TRIGGERS {
        let mut core = Core::new().unwrap();
        let handle = core.handle();
        let options = Options::new().trigger(trigger);
        let (stream, mut peer) = unix_pair_with(&handle, options);
        settle(&mut core);
        forget(&stream);
        let (count, waker) = CountWakes::new();
        assert!(parks(&stream, Direction::Read, &waker));
        settle(&mut core);
        stream.pause(Direction::Read).unwrap();
        stream.pause(Direction::Read).unwrap();
        let before = handle.metrics().events;
        for _ in 0..10 {
            peer.write_all(b"x").unwrap();
            settle(&mut core);
        }
        // The change itself may have led to one, of an object that was ready in another direction.
        let events = handle.metrics().events - before;
        assert!(events <= 1, "{events} events in a pause, {trigger:?}");
        assert_eq!(count.get(), 0, "a task was woken in a pause, {trigger:?}");
        assert_idle(&mut core);
        stream.resume(Direction::Read).unwrap();
        turn_until(&mut core, || count.get() > 0);
        take(&mut core, &stream, 10);
    }
}

/// A task that comes during the pause waits as well, and is woken at its end.
#[test]
fn who_parks_during_a_pause_is_woken_after_it() {
    for trigger in TRIGGERS {
        let mut core = Core::new().unwrap();
        let options = Options::new().trigger(trigger);
        let (stream, mut peer) = unix_pair_with(&core.handle(), options);
        stream.pause(Direction::Read).unwrap();
        forget(&stream);
        let (count, waker) = CountWakes::new();
        assert!(parks(&stream, Direction::Read, &waker));
        peer.write_all(b"x").unwrap();
        assert_idle(&mut core);
        assert_eq!(count.get(), 0);
        stream.resume(Direction::Read).unwrap();
        turn_until(&mut core, || count.get() > 0);
    }
}

/// Nobody waits when the pause ends: whoever comes then is served.
#[test]
fn who_comes_after_a_pause_gets_what_came_during_it() {
    for trigger in TRIGGERS {
        let mut core = Core::new().unwrap();
        let options = Options::new().trigger(trigger);
        let (stream, mut peer) = unix_pair_with(&core.handle(), options);
        forget(&stream);
        stream.pause(Direction::Read).unwrap();
        peer.write_all(b"x").unwrap();
        settle(&mut core);
        stream.resume(Direction::Read).unwrap();
        settle(&mut core);
        take(&mut core, &stream, 1);
    }
}

#[test]
fn what_is_known_before_a_pause_stays_known() {
    let mut core = Core::new().unwrap();
    let (stream, mut peer) = unix_pair(&core.handle());
    peer.write_all(b"xy").unwrap();
    run(&mut core, stream.readable()).unwrap();
    stream.pause(Direction::Read).unwrap();
    for _ in 0..2 {
        let read = run(&mut core, async_io::read(&mut &stream, &mut [0; 1]));
        assert_eq!(read.unwrap(), 1);
    }
}

#[test]
fn a_pause_of_one_direction_leaves_the_other_alone() {
    for trigger in TRIGGERS {
        let mut core = Core::new().unwrap();
        let options = Options::new().trigger(trigger);
        let (stream, mut peer) = unix_pair_with(&core.handle(), options);
        stream.pause(Direction::Read).unwrap();
        forget(&stream);
        let (reader, read_waker) = CountWakes::new();
        assert!(parks(&stream, Direction::Read, &read_waker));
        let filled = fill(&stream);
        peer.write_all(b"x").unwrap();
        let (writer, write_waker) = CountWakes::new();
        assert!(parks(&stream, Direction::Write, &write_waker));
        peer.read_exact(&mut vec![0; filled]).unwrap();
        turn_until(&mut core, || writer.get() > 0);
        assert_eq!(reader.get(), 0, "{trigger:?}");
        // And the other way round.
        stream.pause(Direction::Write).unwrap();
        stream.resume(Direction::Read).unwrap();
        turn_until(&mut core, || reader.get() > 0);
    }
}

#[test]
#[cfg_attr(
    mio_unsupported_force_poll_poll,
    ignore = "poll(2) has no interest in nothing: an object in a pause is not watched at all"
)]
fn an_error_is_told_in_a_pause_too_and_once() {
    for trigger in TRIGGERS {
        let mut core = Core::new().unwrap();
        let (reader, writer) = pipe();
        let options = Options::write_only().trigger(trigger);
        let writer = PollEvented::with_options(Fd::new(writer).unwrap(), &core.handle(), options);
        let writer = writer.unwrap();
        while writer.try_write_with(|mut io| io.write(&[0; 4096])).is_ok() {}
        writer.pause(Direction::Write).unwrap();
        let (count, waker) = CountWakes::new();
        assert!(parks(&writer, Direction::Write, &waker));
        drop(reader);
        turn_until(&mut core, || count.get() > 0);
        assert_idle(&mut core);
        let error = writer.try_write_with(|mut io| io.write(b"x")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    }
}

#[test]
fn a_pause_goes_on_at_another_reactor() {
    let (mut one, mut two) = (Core::new().unwrap(), Core::new().unwrap());
    let (stream, mut peer) = unix_pair(&one.handle());
    stream.pause(Direction::Read).unwrap();
    let stream = stream.rebind(&two.handle()).unwrap();
    forget(&stream);
    let (count, waker) = CountWakes::new();
    assert!(parks(&stream, Direction::Read, &waker));
    peer.write_all(b"x").unwrap();
    settle(&mut one);
    settle(&mut two);
    assert_eq!(count.get(), 0);
    stream.resume(Direction::Read).unwrap();
    turn_until(&mut two, || count.get() > 0);
}

#[test]
fn without_a_known_descriptor_or_a_core_a_pause_is_refused_the_same_way_each_time() {
    let core = Core::new().unwrap();
    let socket = UdpSocket::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let unknown = PollEvented::new(socket, &core.handle()).unwrap();
    let (known, _peer) = unix_pair(&core.handle());
    for _ in 0..2 {
        for direction in [Direction::Read, Direction::Write] {
            let error = unknown.pause(direction).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            let error = unknown.resume(direction).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported);
        }
    }
    drop(core);
    for _ in 0..2 {
        assert_gone(known.pause(Direction::Read));
        assert_gone(known.resume(Direction::Read));
    }
}

/// A resume without a pause, and a pause that ends before anything has come.
#[test]
fn a_pause_that_changes_nothing_loses_nothing() {
    for trigger in TRIGGERS {
        let mut core = Core::new().unwrap();
        let options = Options::new().trigger(trigger);
        let (stream, mut peer) = unix_pair_with(&core.handle(), options);
        for _ in 0..3 {
            stream.resume(Direction::Read).unwrap();
            forget(&stream);
            let (count, waker) = CountWakes::new();
            assert!(parks(&stream, Direction::Read, &waker));
            stream.pause(Direction::Read).unwrap();
            settle(&mut core);
            stream.resume(Direction::Read).unwrap();
            settle(&mut core);
            peer.write_all(b"x").unwrap();
            turn_until(&mut core, || count.get() > 0);
            take(&mut core, &stream, 1);
        }
    }
}
