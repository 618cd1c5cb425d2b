//! `handshake`: objects that are half-made while they would block.

mod common;

use std::{
    cell::Cell,
    future::Future,
    io::{self, ErrorKind},
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    task::Poll,
};

use common::{CountWakes, drive, poll_once, poll_with};
use io_traits::{
    layer::{Handshake, Step, handshake},
    task::{self, Stalled},
};

/// Has so many steps behind it.
#[derive(Debug, PartialEq, Eq)]
struct Mid(usize);

/// Would block, and wakes the task at once.
fn registered() {
    let _ = task::poll::<()>(|cx| {
        cx.waker().wake_by_ref();
        Poll::Pending
    });
}

/// A handshake that would block `total` times; `block` says what it does about it.
fn blocks(
    total: usize,
    block: impl Fn(usize),
) -> impl Future<Output = io::Result<&'static str>> + Unpin {
    let block = Rc::new(block);
    let first = block.clone();
    let step = move |done: usize, block: &dyn Fn(usize)| {
        if done == total {
            return Ok(Step::Done("made"));
        }
        block(done);
        Ok(Step::Blocked(Mid(done + 1)))
    };
    handshake(
        move || step(0, &*first),
        move |Mid(done)| step(done, &*block),
    )
}

#[test]
fn a_handshake_goes_on_from_where_it_was_whatever_the_number_of_steps() {
    for total in 0..100 {
        let (result, polls) = drive(blocks(total, |_| registered()));
        assert_eq!((result.unwrap(), polls), ("made", total + 1));
    }
}

#[test]
fn it_is_not_begun_before_it_is_polled_and_only_once() {
    let begun = Cell::new(0);
    let start = || {
        begun.set(begun.get() + 1);
        registered();
        io::Result::Ok(Step::Blocked(Mid(1)))
    };
    let mut resumed = Vec::new();
    let mut future = handshake(start, |mid| {
        resumed.push(mid);
        registered();
        Ok(if resumed.len() == 3 {
            Step::Done(())
        } else {
            Step::Blocked(Mid(resumed.len() + 1))
        })
    });
    assert_eq!(begun.get(), 0);
    drive(&mut future).0.unwrap();
    drop(future);
    assert_eq!(begun.get(), 1);
    assert_eq!(resumed, [Mid(1), Mid(2), Mid(3)]);
}

#[test]
fn a_handshake_that_waits_for_nothing_ends_as_stalled() {
    let calls = Cell::new(0);
    let (result, polls) = drive(blocks(usize::MAX, |_| calls.set(calls.get() + 1)));
    assert!(Stalled::is_source_of(&result.unwrap_err()));
    assert_eq!((polls, calls.get()), (16, 16));
}

#[test]
fn steps_that_wait_for_nothing_are_gone_through_and_only_a_series_of_them_is_a_stall() {
    for total in 0..16 {
        let (result, polls) = drive(blocks(total, |_| {}));
        assert_eq!((result.unwrap(), polls), ("made", total + 1));
    }
    let (result, _) = drive(blocks(200, |done| {
        if done % 15 == 0 {
            registered();
        }
    }));
    assert_eq!(result.unwrap(), "made");
}

#[test]
fn a_wait_is_no_stall_however_long_it_takes() {
    let mut future = blocks(usize::MAX, |_| {
        let _ = task::poll::<()>(|_| Poll::Pending);
    });
    for _ in 0..10_000 {
        assert!(poll_once(&mut future).is_pending());
    }
}

#[test]
fn an_error_at_any_step_is_the_error_of_the_handshake() {
    #[derive(Debug)]
    enum Failure {
        AtStep(usize),
        Io(io::Error),
    }
    impl From<io::Error> for Failure {
        fn from(error: io::Error) -> Self {
            Self::Io(error)
        }
    }
    for at in 0..10 {
        let step = |done: usize| {
            if done == at {
                return Err(Failure::AtStep(done));
            }
            registered();
            Ok(Step::<(), _>::Blocked(Mid(done + 1)))
        };
        match drive(handshake(|| step(0), |Mid(done)| step(done))).0 {
            Err(Failure::AtStep(step)) => assert_eq!(step, at),
            other => panic!("{other:?}"),
        }
    }
    let stalled = drive(handshake(
        || Ok::<_, Failure>(Step::<(), _>::Blocked(())),
        |()| Ok(Step::Blocked(())),
    ));
    assert!(matches!(stalled.0, Err(Failure::Io(error)) if Stalled::is_source_of(&error)));
}

#[test]
fn a_handshake_that_is_dropped_drops_what_is_half_made() {
    let half_made = Rc::new(());
    let mut future = handshake(
        || {
            registered();
            io::Result::Ok(Step::<(), _>::Blocked(half_made.clone()))
        },
        |half_made| {
            registered();
            Ok(Step::Blocked(half_made))
        },
    );
    for _ in 0..3 {
        assert!(poll_once(&mut future).is_pending());
        assert_eq!(Rc::strong_count(&half_made), 2);
    }
    drop(future);
    assert_eq!(Rc::strong_count(&half_made), 1);
}

#[test]
fn an_error_drops_what_is_half_made() {
    let half_made = Rc::new(());
    let mut future = handshake(
        || {
            registered();
            Ok(Step::<(), _>::Blocked(half_made.clone()))
        },
        |_| Err(io::Error::from(ErrorKind::ConnectionReset)),
    );
    assert!(poll_once(&mut future).is_pending());
    assert!(matches!(poll_once(&mut future), Poll::Ready(Err(_))));
    assert_eq!(Rc::strong_count(&half_made), 1);
}

#[test]
fn polling_it_after_the_end_panics() {
    let mut future = blocks(0, |_| {});
    assert!(poll_once(&mut future).is_ready());
    catch_unwind(AssertUnwindSafe(|| poll_once(&mut future))).unwrap_err();
}

#[test]
fn a_stalled_handshake_keeps_its_half_made_object_to_the_end() {
    // Not resumed by accident with nothing in hand: the next poll goes on, or the future is dropped.
    let mut future = blocks(20, |_| {});
    let (result, _) = drive(&mut future);
    assert!(Stalled::is_source_of(&result.unwrap_err()));
}

#[test]
fn the_task_of_the_poll_is_the_current_one_in_every_step() {
    let mut future = blocks(3, |_| registered());
    for _ in 0..3 {
        let (wakes, waker) = CountWakes::new();
        assert!(poll_with(&mut future, &waker).is_pending());
        assert_eq!(wakes.get(), 1);
    }
    assert!(poll_once(&mut future).is_ready());
}

#[test]
fn its_future_can_be_named() {
    type Start = fn() -> io::Result<Step<u8, ()>>;
    type Resume = fn(()) -> io::Result<Step<u8, ()>>;
    struct Connecting(Handshake<(), Start, Resume>);
    let start: Start = || Ok(Step::Done(7));
    let resume: Resume = |()| Ok(Step::Done(8));
    let connecting = Connecting(handshake(start, resume));
    assert_eq!(drive(connecting.0).0.unwrap(), 7);
}
