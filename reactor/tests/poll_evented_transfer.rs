//! Operations between two objects, such as splice(2).

mod common;

use std::{
    cell::Cell,
    fs::File,
    io::{self, ErrorKind, Read, Write},
    os::unix::net::UnixStream as Peer,
    task::{Poll, Waker},
    thread,
    time::Duration,
};

use common::{
    CountWakes, Elsewhere, assert_gone, block_on, fill, parks, pipe, ready_err, run, settle,
    turn_until, unix_pair, unix_pair_with, with_cx,
};
use futures::future::{join, try_join};
use io_traits::task::{self, NotInTask};
use reactor::{Core, Direction, Fd, Handle, Options, PollEvented, Trigger, mio::net::UnixStream};
use rustix::pipe::{SpliceFlags, splice};

type Stream = PollEvented<UnixStream>;
type Pipe = PollEvented<Fd<File>>;

fn registered_pipe(handle: &Handle, trigger: Trigger) -> (Pipe, Pipe) {
    let (reader, writer) = pipe();
    let reads = Options::new().trigger(trigger);
    let writes = Options::write_only().trigger(trigger);
    let reader = PollEvented::with_options(Fd::new(reader).unwrap(), handle, reads);
    let writer = PollEvented::with_options(Fd::new(writer).unwrap(), handle, writes);
    (reader.unwrap(), writer.unwrap())
}

fn move_bytes(from: &impl std::os::fd::AsFd, to: &impl std::os::fd::AsFd) -> io::Result<usize> {
    let flags = SpliceFlags::NONBLOCK;
    Ok(splice(from, None, to, None, 1 << 16, flags)?)
}

/// Moves all bytes from one stream to another, by way of a pipe.
async fn relay(from: Stream, pipe: (Pipe, Pipe), to: Stream) -> io::Result<u64> {
    let (reader, writer) = pipe;
    let fill = async {
        while task::io(|| from.transfer_with(&writer, move_bytes)).await? > 0 {}
        // The end.
        drop(writer);
        io::Result::Ok(())
    };
    let drain = async {
        let mut moved = 0;
        loop {
            let poll =
                |cx: &mut std::task::Context<'_>| reader.poll_transfer_with(&to, cx, move_bytes);
            match std::future::poll_fn(poll).await? {
                0 => return Ok(moved),
                n => moved += n as u64,
            }
        }
    };
    let ((), moved) = try_join(fill, drain).await?;
    Ok(moved)
}

fn pattern(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|n| (n % 251) as u8).collect()
}

/// Sends all at once, and reads in small steps with pauses.
fn push_and_pull(
    mut source: Peer,
    mut sink: Peer,
) -> (thread::JoinHandle<()>, thread::JoinHandle<()>) {
    let push = thread::spawn(move || source.write_all(&pattern(BYTES)).unwrap());
    let pull = thread::spawn(move || {
        sink.set_read_timeout(Some(common::HANG)).unwrap();
        let mut received = Vec::new();
        let mut buf = vec![0; 300_000];
        loop {
            let n = sink.read(&mut buf).expect("a wakeup was lost");
            if n == 0 {
                break;
            }
            received.extend_from_slice(&buf[..n]);
            // Now and then everything fills up.
            if received.len() % 7 == 0 {
                thread::sleep(Duration::from_micros(500));
            }
        }
        assert!(received == pattern(BYTES));
    });
    (push, pull)
}

const BYTES: usize = 8 << 20;

#[test]
fn megabytes_go_through_a_full_pipe_to_a_slow_reader() {
    for trigger in [Trigger::Edge, Trigger::Level, Trigger::Oneshot] {
        let mut core = Core::new().unwrap();
        let handle = core.handle();
        let options = Options::new().trigger(trigger);
        let (from, source) = unix_pair_with(&handle, options);
        let (to, sink) = unix_pair_with(&handle, options);
        let (push, pull) = push_and_pull(source, sink);
        let relayed = relay(from, registered_pipe(&handle, trigger), to);
        assert_eq!(run(&mut core, relayed).unwrap(), BYTES as u64);
        push.join().unwrap();
        pull.join().unwrap();
    }
}

/// Each object has a reactor of its own, and the task is elsewhere.
#[test]
fn megabytes_go_between_objects_of_different_reactors_on_a_foreign_executor() {
    let cores = [Elsewhere::new(), Elsewhere::new(), Elsewhere::new()];
    let (from, source) = unix_pair(&cores[0].handle);
    let (to, sink) = unix_pair(&cores[1].handle);
    let (push, pull) = push_and_pull(source, sink);
    let pipe = registered_pipe(&cores[2].handle, Trigger::Edge);
    let moved = block_on(relay(from, pipe, to));
    assert_eq!(moved.unwrap(), BYTES as u64);
    push.join().unwrap();
    pull.join().unwrap();
}

#[test]
fn whichever_of_the_two_blocks_is_the_one_that_is_waited_for() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let (from, mut source) = unix_pair(&handle);
    let (reader, writer) = registered_pipe(&handle, Trigger::Edge);
    let (count, waker) = CountWakes::new();
    let poll = || {
        with_cx(&waker, |cx| {
            from.poll_transfer_with(&writer, cx, move_bytes)
        })
    };
    // Nothing to read.
    assert!(poll().is_pending());
    settle(&mut core);
    let before = count.get();
    source.write_all(b"one").unwrap();
    turn_until(&mut core, || count.get() > before);
    assert!(matches!(poll(), Poll::Ready(Ok(3))));
    // No room.
    let mut filled = 3;
    while let Ok(n) = writer.try_write_with(|mut io| io.write(&[0; 4096])) {
        filled += n;
    }
    source.write_all(b"two").unwrap();
    assert!(poll().is_pending());
    settle(&mut core);
    assert!(poll().is_pending());
    let before = count.get();
    let mut end = reader.get_ref();
    end.read_exact(&mut vec![0; filled]).unwrap();
    turn_until(&mut core, || count.get() > before);
    assert!(matches!(poll(), Poll::Ready(Ok(3))));
}

/// "Would block" does not say of which of the two it is true.
#[test]
fn what_is_still_ready_of_the_other_one_is_not_taken_back() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let (from, mut source) = unix_pair(&handle);
    let (to, _sink) = unix_pair(&handle);
    source.write_all(b"x").unwrap();
    run(&mut core, from.readable()).unwrap();
    // There is no room, and the reactor does not know.
    while (to.get_ref()).write(&[0; 4096]).is_ok() {}
    let blocks = |_: &UnixStream, _: &UnixStream| Err::<(), _>(ErrorKind::WouldBlock.into());
    let polled = with_cx(Waker::noop(), |cx| from.poll_transfer_with(&to, cx, blocks));
    assert!(polled.is_pending());
    assert!(!parks(&from, Direction::Read, Waker::noop()));
    assert!(parks(&to, Direction::Write, Waker::noop()));
    // The other way round.
    let (to, _sink) = unix_pair(&handle);
    assert_eq!(
        from.try_read_with(|mut io| io.read(&mut [0; 8])).unwrap(),
        1
    );
    let polled = with_cx(Waker::noop(), |cx| from.poll_transfer_with(&to, cx, blocks));
    assert!(polled.is_pending());
    assert!(!parks(&to, Direction::Write, Waker::noop()));
    assert!(parks(&from, Direction::Read, Waker::noop()));
}

/// What comes between the operation and the question to the system is the business of neither.
#[test]
fn an_event_that_comes_while_the_operation_blocks_is_not_lost() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let (from, mut source) = unix_pair(&handle);
    let (to, _sink) = unix_pair(&handle);
    let mut first = true;
    let polled = with_cx(Waker::noop(), |cx| {
        from.poll_transfer_with(&to, cx, |mut from, _| {
            let read = from.read(&mut [0; 8]);
            if std::mem::take(&mut first) {
                source.write_all(b"x").unwrap();
                settle(&mut core);
            }
            read
        })
    });
    assert!(matches!(polled, Poll::Ready(Ok(1))));
}

#[test]
fn an_operation_that_blocks_for_ever_though_both_are_ready_lets_others_go_on() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let (from, mut source) = unix_pair(&handle);
    let (to, _sink) = unix_pair(&handle);
    source.write_all(b"x").unwrap();
    let (calls, polls) = (Cell::new(0_u64), Cell::new(0_u64));
    let stubborn = std::future::poll_fn(|cx| {
        polls.set(polls.get() + 1);
        from.poll_transfer_with(&to, cx, |_, _| {
            calls.set(calls.get() + 1);
            Err::<(), _>(ErrorKind::WouldBlock.into())
        })
    });
    let limited = handle.timeout(Duration::from_millis(50), stubborn);
    let echo = async {
        let (a, b) = unix_pair(&handle);
        let mut b = b;
        for _ in 0..100 {
            b.write_all(b"x").unwrap();
            io_traits::io::read_exact(&mut &a, &mut [0]).await.unwrap();
        }
    };
    let (limited, ()) = run(&mut core, join(limited, echo));
    assert!(limited.is_err(), "it is over by the timer alone");
    assert!(polls.get() > 1, "the task was not woken to try again");
    assert!(
        calls.get() <= 16 * polls.get(),
        "{} calls in {} polls",
        calls.get(),
        polls.get()
    );
}

#[test]
fn errors_pass_signals_do_not_and_the_end_is_the_end() {
    let core = Core::new().unwrap();
    let handle = core.handle();
    let (from, source) = unix_pair(&handle);
    let (_reader, writer) = registered_pipe(&handle, Trigger::Edge);
    let mut answers = vec![
        Ok(9),
        Err(io::Error::from(ErrorKind::BrokenPipe)),
        Err(ErrorKind::Interrupted.into()),
    ];
    let mut poll = || {
        with_cx(Waker::noop(), |cx| {
            from.poll_transfer_with(&writer, cx, |_, _| {
                answers.pop().expect("one call too many")
            })
        })
    };
    assert_eq!(ready_err(poll()).kind(), ErrorKind::BrokenPipe);
    assert!(matches!(poll(), Poll::Ready(Ok(9))));
    drop(source);
    for _ in 0..3 {
        let polled = with_cx(Waker::noop(), |cx| {
            from.poll_transfer_with(&writer, cx, move_bytes)
        });
        assert!(matches!(polled, Poll::Ready(Ok(0))));
    }
}

#[test]
fn an_object_without_a_known_descriptor_is_refused_the_same_way_each_time() {
    let core = Core::new().unwrap();
    let handle = core.handle();
    let (known, mut peer) = unix_pair(&handle);
    let (ours, _other) = UnixStream::pair().unwrap();
    let unknown = PollEvented::new(ours, &handle).unwrap();
    peer.write_all(b"x").unwrap();
    let never = |_: &UnixStream, _: &UnixStream| -> io::Result<()> {
        unreachable!("the operation was called")
    };
    for _ in 0..2 {
        for (from, to) in [(&known, &unknown), (&unknown, &known), (&unknown, &unknown)] {
            let polled = with_cx(Waker::noop(), |cx| from.poll_transfer_with(to, cx, never));
            assert_eq!(ready_err(polled).kind(), ErrorKind::Unsupported);
        }
    }
}

#[test]
fn a_task_is_needed_and_both_reactors() {
    let (one, two) = (Core::new().unwrap(), Core::new().unwrap());
    let (from, _source) = unix_pair(&one.handle());
    let (to, _sink) = unix_pair(&two.handle());
    fill(&to);
    let never = |_: &UnixStream, _: &UnixStream| -> io::Result<()> {
        unreachable!("the operation was called")
    };
    let error = from.transfer_with(&to, never).unwrap_err();
    assert!(NotInTask::is_source_of(&error));
    drop(two);
    for (from, to) in [(&from, &to), (&to, &from)] {
        with_cx(Waker::noop(), |cx| {
            match from.poll_transfer_with(to, cx, never) {
                Poll::Ready(result) => assert_gone(result),
                Poll::Pending => panic!("a hang"),
            }
        });
    }
}

/// It needs no task, calls once, and takes back the readiness of the one that blocks alone.
#[test]
fn a_transfer_that_is_tried_takes_back_the_readiness_of_the_one_that_blocks() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let (from, mut source) = unix_pair(&handle);
    let (to, _sink) = unix_pair(&handle);
    let mut calls = 0;
    let mut pass = || {
        from.try_transfer_with(&to, |mut from, mut to| {
            calls += 1;
            let mut buf = [0; 8];
            let n = from.read(&mut buf)?;
            to.write(&buf[..n])
        })
    };
    assert_eq!(pass().unwrap_err().kind(), ErrorKind::WouldBlock);
    assert!(!parks(&to, Direction::Write, Waker::noop()));
    assert!(parks(&from, Direction::Read, Waker::noop()));
    source.write_all(b"x").unwrap();
    run(&mut core, from.readable()).unwrap();
    assert_eq!(pass().unwrap(), 1);
    assert_eq!(calls, 2, "one call each");
    // What says "interrupted" is passed on, as by every form that tries.
    let error = from.try_transfer_with(&to, |_, _| Err::<(), _>(ErrorKind::Interrupted.into()));
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Interrupted);
    drop(core);
    let never = |_: &UnixStream, _: &UnixStream| -> io::Result<()> {
        unreachable!("the operation was called")
    };
    assert_gone(from.try_transfer_with(&to, never));
}
