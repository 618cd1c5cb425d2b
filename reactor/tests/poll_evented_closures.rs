//! Operations as closures: each form, for `&E` and `&mut E`, with a task and without.

mod common;

use std::{
    cell::Cell,
    io::{self, ErrorKind, Read, Write},
    os::unix::net::UnixStream as Peer,
    task::{Context, Poll, Waker},
};

use common::{
    CountWakes, Elsewhere, assert_gone, fill, ready_err, run, settle, turn_until, unix_pair,
    with_cx, within_reason,
};
use futures::executor::LocalPool;
use io_traits::task::{self, NotInTask};
use reactor::{Core, Direction, Handle, Interest, PollEvented, Progress, mio::net::UnixStream};

use Direction::{Read as Reading, Write as Writing};

type Object = PollEvented<UnixStream>;
type Operation<'a> = &'a mut dyn FnMut(&UnixStream) -> io::Result<usize>;
type Polled = Poll<io::Result<usize>>;

/// A form that waits, as a call for the task of a context.
type Waiting = fn(&mut Object, &mut Context<'_>, Operation<'_>) -> Polled;

const WAITING: [(&str, Direction, Waiting); 22] = [
    ("poll_read_with", Reading, |io, cx, op| {
        io.poll_read_with(cx, op)
    }),
    ("poll_read_with_mut", Reading, |io, cx, op| {
        io.poll_read_with_mut(cx, |io| op(io))
    }),
    ("poll_read_draining", Reading, |io, cx, op| {
        io.poll_read_draining(cx, |io| op(io).map(Progress::drained))
    }),
    ("poll_read_draining_mut", Reading, |io, cx, op| {
        io.poll_read_draining_mut(cx, |io| op(io).map(Progress::drained))
    }),
    ("read_with", Reading, |io, cx, op| {
        current(cx, || io.read_with(op))
    }),
    ("read_with_mut", Reading, |io, cx, op| {
        current(cx, || io.read_with_mut(|io| op(io)))
    }),
    ("poll_with(READ)", Reading, |io, cx, op| {
        io.poll_with(Interest::READ, cx, op)
    }),
    ("with(READ)", Reading, |io, cx, op| {
        current(cx, || io.with(Interest::READ, op))
    }),
    ("poll_write_with", Writing, |io, cx, op| {
        io.poll_write_with(cx, op)
    }),
    ("poll_write_with_mut", Writing, |io, cx, op| {
        io.poll_write_with_mut(cx, |io| op(io))
    }),
    ("poll_write_draining", Writing, |io, cx, op| {
        io.poll_write_draining(cx, |io| op(io).map(Progress::drained))
    }),
    ("poll_write_draining_mut", Writing, |io, cx, op| {
        io.poll_write_draining_mut(cx, |io| op(io).map(Progress::drained))
    }),
    ("write_with", Writing, |io, cx, op| {
        current(cx, || io.write_with(op))
    }),
    ("write_with_mut", Writing, |io, cx, op| {
        current(cx, || io.write_with_mut(|io| op(io)))
    }),
    ("poll_with(WRITE)", Writing, |io, cx, op| {
        io.poll_with(Interest::WRITE, cx, op)
    }),
    ("with(WRITE)", Writing, |io, cx, op| {
        current(cx, || io.with(Interest::WRITE, op))
    }),
    ("poll_with(READ | WRITE)", Writing, |io, cx, op| {
        io.poll_with(Interest::READ | Interest::WRITE, cx, op)
    }),
    ("poll_with_mut(READ)", Reading, |io, cx, op| {
        io.poll_with_mut(Interest::READ, cx, |io| op(io))
    }),
    ("with_mut(READ)", Reading, |io, cx, op| {
        current(cx, || io.with_mut(Interest::READ, |io| op(io)))
    }),
    ("poll_with_mut(WRITE)", Writing, |io, cx, op| {
        io.poll_with_mut(Interest::WRITE, cx, |io| op(io))
    }),
    ("with_mut(WRITE)", Writing, |io, cx, op| {
        current(cx, || io.with_mut(Interest::WRITE, |io| op(io)))
    }),
    ("poll_with_mut(READ | WRITE)", Writing, |io, cx, op| {
        io.poll_with_mut(Interest::READ | Interest::WRITE, cx, |io| op(io))
    }),
];

/// A form that is over at once.
type Trying = fn(&mut Object, Operation<'_>) -> io::Result<usize>;

const TRYING: [(&str, Direction, Trying); 8] = [
    ("try_read_with", Reading, |io, op| io.try_read_with(op)),
    ("try_read_with_mut", Reading, |io, op| {
        io.try_read_with_mut(|io| op(io))
    }),
    ("try_with(READ)", Reading, |io, op| {
        io.try_with(Interest::READ, op)
    }),
    ("try_write_with", Writing, |io, op| io.try_write_with(op)),
    ("try_write_with_mut", Writing, |io, op| {
        io.try_write_with_mut(|io| op(io))
    }),
    ("try_with(WRITE)", Writing, |io, op| {
        io.try_with(Interest::WRITE, op)
    }),
    ("try_with_mut(READ)", Reading, |io, op| {
        io.try_with_mut(Interest::READ, |io| op(io))
    }),
    ("try_with_mut(WRITE)", Writing, |io, op| {
        io.try_with_mut(Interest::WRITE, |io| op(io))
    }),
];

/// A form that finds its task by itself.
type Implicit = fn(&mut Object, Operation<'_>) -> io::Result<usize>;

const IMPLICIT: [(&str, Implicit); 8] = [
    ("read_with", |io, op| io.read_with(op)),
    ("read_with_mut", |io, op| io.read_with_mut(|io| op(io))),
    ("with(READ)", |io, op| io.with(Interest::READ, op)),
    ("write_with", |io, op| io.write_with(op)),
    ("write_with_mut", |io, op| io.write_with_mut(|io| op(io))),
    ("with(WRITE)", |io, op| io.with(Interest::WRITE, op)),
    ("with_mut(READ)", |io, op| {
        io.with_mut(Interest::READ, |io| op(io))
    }),
    ("with_mut(WRITE)", |io, op| {
        io.with_mut(Interest::WRITE, |io| op(io))
    }),
];

fn current(cx: &mut Context<'_>, call: impl FnOnce() -> io::Result<usize>) -> Polled {
    match task::enter(cx, call) {
        Err(error) if error.kind() == ErrorKind::WouldBlock => Poll::Pending,
        result => Poll::Ready(result),
    }
}

/// An object that is ready for nothing; says how many bytes are to be taken out for there to be room.
fn blocked(handle: &Handle) -> (Object, Peer, usize) {
    let (io, peer) = unix_pair(handle);
    let filled = fill(&io);
    assert!(io.try_read_with(|mut io| io.read(&mut [0])).is_err());
    (io, peer, filled)
}

fn unblock(mut peer: &Peer, direction: Direction, filled: usize) {
    match direction {
        Reading => peer.write_all(b"x").unwrap(),
        Writing => peer.read_exact(&mut vec![0; filled]).unwrap(),
    }
}

/// What the object is for.
fn operation(direction: Direction) -> impl FnMut(&UnixStream) -> io::Result<usize> {
    move |mut io| match direction {
        Reading => io.read(&mut [0; 8]),
        Writing => io.write(b"x"),
    }
}

#[test]
fn a_form_that_waits_calls_the_operation_again_once_it_is_worth_trying() {
    let mut core = Core::new().unwrap();
    for (form, direction, call) in WAITING {
        let (mut io, peer, filled) = blocked(&core.handle());
        let mut calls = 0;
        let mut operate = operation(direction);
        let mut counted = |io: &UnixStream| {
            calls += 1;
            operate(io)
        };
        let (count, waker) = CountWakes::new();
        let mut poll = || with_cx(&waker, |cx| call(&mut io, cx, &mut counted));
        for _ in 0..3 {
            assert!(poll().is_pending(), "{form}");
        }
        settle(&mut core);
        // "Writable" may be reported once when it is asked for.
        if count.get() > 0 {
            assert!(poll().is_pending(), "{form}");
        }
        let before = count.get();
        unblock(&peer, direction, filled);
        turn_until(&mut core, || count.get() > before);
        assert!(matches!(poll(), Poll::Ready(Ok(1))), "{form}");
        assert!((1..=3).contains(&calls), "{form}: {calls} calls");
    }
}

#[test]
fn a_form_that_waits_is_a_future_by_way_of_the_current_task() {
    let mut core = Core::new().unwrap();
    let (io, peer, filled) = blocked(&core.handle());
    let mut io = io;
    let act = async {
        unblock(&peer, Reading, 0);
        unblock(&peer, Writing, filled);
    };
    let operate = async {
        let read = task::io(|| io.read_with(operation(Reading))).await;
        let write = task::io(|| io.write_with(operation(Writing))).await;
        let write_mut = task::io(|| io.write_with_mut(|io| operation(Writing)(io))).await;
        let either = Interest::READ | Interest::WRITE;
        let any = task::io(|| io.with(either, operation(Writing))).await;
        [read, write, write_mut, any].map(Result::unwrap)
    };
    let (done, ()) = run(&mut core, futures::future::join(operate, act));
    assert_eq!(done, [1; 4]);
    let (io, peer, _) = blocked(&core.handle());
    let mut io = io;
    let act = async { unblock(&peer, Reading, 0) };
    let read = task::io(|| io.read_with_mut(|io| operation(Reading)(io)));
    let (read, ()) = run(&mut core, futures::future::join(read, act));
    assert_eq!(read.unwrap(), 1);
}

#[test]
fn the_forms_of_the_current_task_work_on_a_foreign_executor() {
    let core = Elsewhere::new();
    let (io, peer, filled) = blocked(&core.handle);
    let (mut other, mut other_peer) = unix_pair(&core.handle);
    within_reason(move || {
        let operate = async {
            let read = task::io(|| io.read_with(operation(Reading))).await.unwrap();
            let write = task::io(|| io.write_with(operation(Writing)))
                .await
                .unwrap();
            let mut buf = [0; 8];
            let other = task::io(|| other.read_with_mut(|io| io.read(&mut buf))).await;
            (read, write, other.unwrap())
        };
        let act = async {
            unblock(&peer, Reading, 0);
            unblock(&peer, Writing, filled);
            other_peer.write_all(b"yz").unwrap();
        };
        let both = futures::future::join(operate, act);
        let (done, ()) = LocalPool::new().run_until(both);
        assert_eq!(done, (1, 1, 2));
    });
}

#[test]
fn an_operation_is_called_again_after_a_signal_and_not_after_an_error() {
    let core = Core::new().unwrap();
    for (form, _, call) in WAITING {
        let (mut io, _peer) = unix_pair(&core.handle());
        let mut answers = vec![
            Ok(7),
            Err(ErrorKind::ConnectionReset.into()),
            Err(ErrorKind::Interrupted.into()),
            Err(ErrorKind::Interrupted.into()),
        ];
        let mut answer = |_: &UnixStream| answers.pop().expect("one call too many");
        let polled = with_cx(Waker::noop(), |cx| call(&mut io, cx, &mut answer));
        assert_eq!(
            ready_err(polled).kind(),
            ErrorKind::ConnectionReset,
            "{form}"
        );
        // And the object can still be used.
        let polled = with_cx(Waker::noop(), |cx| call(&mut io, cx, &mut answer));
        assert!(matches!(polled, Poll::Ready(Ok(7))), "{form}");
    }
}

#[test]
fn a_form_that_tries_calls_once_needs_no_task_and_takes_readiness_back() {
    let mut core = Core::new().unwrap();
    for (form, direction, call) in TRYING {
        let (mut io, _peer) = unix_pair(&core.handle());
        let calls = Cell::new(0);
        for kind in [ErrorKind::Interrupted, ErrorKind::ConnectionReset] {
            let fails = &mut |_: &UnixStream| {
                calls.set(calls.get() + 1);
                Err(kind.into())
            };
            assert_eq!(call(&mut io, fails).unwrap_err().kind(), kind, "{form}");
        }
        assert_eq!(calls.get(), 2, "{form}");
        assert!(!common::parks(&io, direction, Waker::noop()), "{form}");
        // Also when it is not worth trying.
        let (mut io, peer, filled) = blocked(&core.handle());
        for _ in 0..3 {
            let error = call(&mut io, &mut operation(direction)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::WouldBlock, "{form}");
        }
        let (count, waker) = CountWakes::new();
        assert!(common::parks(&io, direction, &waker), "{form}");
        unblock(&peer, direction, filled);
        turn_until(&mut core, || count.get() > 0);
        assert_eq!(
            call(&mut io, &mut operation(direction)).unwrap(),
            1,
            "{form}"
        );
    }
}

#[test]
fn outside_of_a_task_the_forms_that_need_one_say_so_and_do_nothing() {
    let mut core = Core::new().unwrap();
    let (mut io, mut peer) = unix_pair(&core.handle());
    for round in 0..3 {
        for (form, call) in IMPLICIT {
            let never = &mut |_: &UnixStream| unreachable!("the operation was called");
            let error = call(&mut io, never).unwrap_err();
            assert!(NotInTask::is_source_of(&error), "{form} in round {round}");
        }
        // First there is nothing, then something, then the reactor knows of it.
        match round {
            0 => peer.write_all(b"x").unwrap(),
            _ => settle(&mut core),
        }
    }
}

#[test]
fn once_the_core_is_gone_every_form_says_so_and_does_nothing() {
    let core = Core::new().unwrap();
    let (mut io, _peer) = unix_pair(&core.handle());
    drop(core);
    let never = &mut |_: &UnixStream| unreachable!("the operation was called");
    for _ in 0..2 {
        for (_, _, call) in WAITING {
            match with_cx(Waker::noop(), |cx| call(&mut io, cx, never)) {
                Poll::Ready(result) => assert_gone(result),
                Poll::Pending => panic!("a hang"),
            }
        }
        for (_, _, call) in TRYING {
            assert_gone(call(&mut io, never));
        }
    }
}

/// A form that says "drained" spares the call that would have found nothing.
#[test]
fn a_drained_object_is_waited_for_at_once() {
    let mut core = Core::new().unwrap();
    for (form, direction, call) in WAITING {
        let (mut io, _peer) = unix_pair(&core.handle());
        let mut calls = 0;
        let mut pretends = |_: &UnixStream| {
            calls += 1;
            Ok(1)
        };
        let polled = with_cx(Waker::noop(), |cx| call(&mut io, cx, &mut pretends));
        assert!(matches!(polled, Poll::Ready(Ok(1))), "{form}");
        let parked = common::parks(&io, direction, Waker::noop());
        let trusted = cfg!(not(mio_unsupported_force_poll_poll));
        assert_eq!(parked, form.contains("draining") && trusted, "{form}");
        assert_eq!(calls, 1);
    }
    settle(&mut core);
}
