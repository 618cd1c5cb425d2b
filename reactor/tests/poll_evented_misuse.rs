//! Mistakes with an object that a debug build sees, and tells with the place where they were made.

mod common;

use std::{
    io::{self, ErrorKind, Read, Write},
    task::{Context, Poll, Waker},
};

use common::{fill, poll_once, settle, unix_pair, unix_pair_with, wakers::Log};
use io_traits::task;
use reactor::{
    Core, Options, PollEvented, ReadWitness, Trigger, WriteWitness,
    mio::net::{UdpSocket, UnixStream},
};

/// What is logged as a warning meanwhile.
fn warnings(f: impl FnOnce()) -> Vec<String> {
    let log = Log::default();
    tracing::subscriber::with_default(log.clone(), f);
    let log = log.0.lock().unwrap();
    let warnings = log.iter().filter(|event| event.starts_with("WARN"));
    warnings.cloned().collect()
}

/// One warning, that names the line; none in a release build.
#[track_caller]
fn assert_told(warnings: &[String], line: u32, text: &str) {
    if cfg!(debug_assertions) {
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        let place = format!("caller={}:{line}:", file!());
        assert!(warnings[0].contains(&place), "{place}: {warnings:?}");
        assert!(warnings[0].contains(text), "{warnings:?}");
    } else {
        assert!(warnings.is_empty(), "{warnings:?}");
    }
}

fn readable<'a>(io: &'a PollEvented<UnixStream>, cx: &mut Context<'_>) -> ReadWitness<'a> {
    match io.poll_read(cx) {
        Poll::Ready(witness) => witness.unwrap(),
        Poll::Pending => panic!("not even assumed to be ready"),
    }
}

fn writable<'a>(io: &'a PollEvented<UnixStream>, cx: &mut Context<'_>) -> WriteWitness<'a> {
    match io.poll_write(cx) {
        Poll::Ready(witness) => witness.unwrap(),
        Poll::Pending => panic!("not even assumed to be ready"),
    }
}

#[test]
fn a_need_read_while_there_is_something_to_read_is_told_with_its_place() {
    for trigger in [Trigger::Edge, Trigger::Level, Trigger::Oneshot] {
        let core = Core::new().unwrap();
        let options = Options::new().trigger(trigger);
        let (stream, mut peer) = unix_pair_with(&core.handle(), options);
        peer.write_all(b"unread").unwrap();
        let mut cx = Context::from_waker(Waker::noop());
        let mut line = 0;
        let told = warnings(|| {
            let witness = readable(&stream, &mut cx);
            line = line!() + 1;
            stream.need_read(&mut cx, witness).unwrap();
        });
        assert_told(&told, line, "but the object is ready");
        assert!(told.iter().all(|told| told.contains("direction=Read")));
    }
}

#[test]
fn a_need_write_while_there_is_room_is_told_with_its_place() {
    let core = Core::new().unwrap();
    let (stream, _peer) = unix_pair(&core.handle());
    let mut cx = Context::from_waker(Waker::noop());
    let mut line = 0;
    let told = warnings(|| {
        let witness = writable(&stream, &mut cx);
        line = line!() + 1;
        stream.need_write(&mut cx, witness).unwrap();
    });
    assert_told(&told, line, "but the object is ready");
    assert!(told.iter().all(|told| told.contains("direction=Write")));
}

/// The peer's end is something to read, too.
#[test]
fn a_need_read_at_the_end_of_the_stream_is_told() {
    let core = Core::new().unwrap();
    let (stream, peer) = unix_pair(&core.handle());
    drop(peer);
    let mut cx = Context::from_waker(Waker::noop());
    let mut line = 0;
    let told = warnings(|| {
        let witness = readable(&stream, &mut cx);
        line = line!() + 1;
        stream.need_read(&mut cx, witness).unwrap();
    });
    assert_told(&told, line, "but the object is ready");
}

#[test]
fn operations_that_did_block_are_not_told_of() {
    let mut core = Core::new().unwrap();
    let (stream, mut peer) = unix_pair(&core.handle());
    let told = warnings(|| {
        let mut cx = Context::from_waker(Waker::noop());
        let witness = readable(&stream, &mut cx);
        assert!((stream.get_ref()).read(&mut [0; 8]).is_err());
        stream.need_read(&mut cx, witness).unwrap();
        // By way of the closure forms, too.
        assert!(poll_once(&mut task::io(|| (&stream).read(&mut [0; 8]))).is_pending());
        peer.write_all(b"x").unwrap();
        settle(&mut core);
        let read = poll_once(&mut task::io(|| (&stream).read(&mut [0; 8])));
        assert!(matches!(read, Poll::Ready(Ok(1))));
        assert!(poll_once(&mut task::io(|| (&stream).read(&mut [0; 8]))).is_pending());
        fill(&stream);
        assert!(poll_once(&mut task::io(|| (&stream).write(b"x"))).is_pending());
    });
    assert!(told.is_empty(), "{told:?}");
}

/// The object's own `read` asks nobody for a wakeup: it was called past its `PollEvented`.
#[test]
fn an_operation_past_the_object_is_told_with_its_place_and_ends_as_an_error() {
    let core = Core::new().unwrap();
    let (stream, _peer) = unix_pair(&core.handle());
    let mut line = 0;
    let told = warnings(|| {
        line = line!() + 1;
        let mut past = task::io(|| stream.get_ref().read(&mut [0; 8]));
        let error = (0..100).find_map(|_| match poll_once(&mut past) {
            Poll::Ready(result) => Some(result.unwrap_err()),
            Poll::Pending => None,
        });
        let error = error.expect("it would go on for ever");
        assert!(task::Stalled::is_source_of(&error), "{error:?}");
    });
    assert_told(&told, line, "nobody was asked to wake the task");
}

/// Copied from the classic documentation, and with the "would block" of today's mio: the task is not
/// registered, and that is seen.
#[test]
fn the_classic_example_without_need_read_is_told_of() {
    let core = Core::new().unwrap();
    let socket = UdpSocket::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let io = PollEvented::new(socket, &core.handle()).unwrap();
    let recv_from = |buf: &mut [u8]| -> io::Result<usize> {
        task::poll(|cx| io.poll_read(cx).map_ok(drop))?;
        match io.get_ref().recv_from(buf) {
            Ok((n, _)) => Ok(n),
            // "Ok(None) => …" has become an error, which is passed on.
            Err(error) => Err(error),
        }
    };
    let mut line = 0;
    let told = warnings(|| {
        line = line!() + 1;
        let mut received = task::io(|| recv_from(&mut [0; 8]));
        assert!(poll_once(&mut received).is_pending());
    });
    assert_told(&told, line, "nobody was asked to wake the task");
    // Outside of a task it is an error of its own.
    let error = recv_from(&mut [0; 8]).unwrap_err();
    assert_ne!(error.kind(), ErrorKind::WouldBlock);
}
