//! `task::io`: any implicit operation as a future.

mod common;

use std::{
    io::{self, ErrorKind, Read},
    task::{Context, Poll},
};

use common::{CountWakes, Log, drive, poll_once, poll_with};
use futures::executor::block_on;
use io_traits::{
    task::{self, NotInTask, Stalled},
    testing::Script,
};

/// An object that takes a message at the first call and needs more calls to send it.
#[derive(Default)]
struct Slow {
    accepted: Vec<String>,
    calls: u32,
}

impl Slow {
    fn send(&mut self, message: Option<String>) -> io::Result<usize> {
        self.accepted.extend(message);
        self.calls += 1;
        if self.calls < 5 {
            return task::poll(|cx| {
                cx.waker().wake_by_ref();
                Poll::Pending
            });
        }
        Ok(self.accepted.len())
    }
}

#[test]
fn a_closure_called_again_hands_its_message_over_once() {
    let mut slow = Slow::default();
    let mut message = Some(String::from("once"));
    let (result, polls) = drive(task::io(|| slow.send(message.take())));
    assert_eq!((result.unwrap(), polls), (1, 5));
    assert_eq!(slow.accepted, ["once"]);
}

#[test]
fn a_wait_is_not_a_stall_however_long_it_takes() {
    let mut script = Script::new().never_gives();
    let mut future = task::io(|| script.read(&mut [0; 1]));
    for _ in 0..10_000 {
        assert!(poll_once(&mut future).is_pending());
    }
}

#[test]
fn a_would_block_of_somebody_elses_making_ends_as_stalled() {
    let (result, polls) = drive(task::io(|| Err::<(), _>(ErrorKind::WouldBlock.into())));
    let error = result.unwrap_err();
    assert!(Stalled::is_source_of(&error) && !NotInTask::is_source_of(&error));
    assert!(polls <= 16);
}

#[test]
fn a_stall_that_makes_progress_in_between_is_none() {
    let mut calls = 0;
    let result = drive(task::io(|| {
        calls += 1;
        if calls < 40 {
            Err(ErrorKind::WouldBlock.into())
        } else {
            Ok(calls)
        }
    }));
    assert_eq!(result.0.unwrap(), 40);
}

#[test]
fn a_registration_for_another_task_does_not_count() {
    // The closure waits for the waker of an inner task, so nobody would wake the outer one.
    let (_, inner) = CountWakes::new();
    let (result, _) = drive(task::io(|| {
        task::enter(&mut Context::from_waker(&inner), || {
            task::poll::<()>(|_| Poll::Pending)
        })
    }));
    assert!(Stalled::is_source_of(&result.unwrap_err()));
}

#[test]
fn a_future_dropped_between_two_calls_has_done_nothing() {
    let mut script = Script::new().would_block().gives(b"late");
    let mut buf = [0; 4];
    assert!(poll_once(&mut task::io(|| script.read(&mut buf))).is_pending());
    assert_eq!(block_on(task::io(|| script.read(&mut buf))).unwrap(), 4);
}

#[test]
fn would_block_and_interrupted_never_come_out() {
    let mut script = Script::new()
        .fails(ErrorKind::Interrupted)
        .would_block()
        .fails(ErrorKind::Interrupted)
        .would_block()
        .fails(ErrorKind::ConnectionAborted);
    let error = drive(task::io(|| script.read(&mut [0; 4]))).0.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionAborted);
}

#[test]
fn a_long_series_of_interrupts_is_neither_an_error_nor_a_stall() {
    let mut calls = 0;
    let result = drive(task::io(|| {
        calls += 1;
        if calls < 1_000 {
            Err(ErrorKind::Interrupted.into())
        } else {
            Ok(calls)
        }
    }));
    assert_eq!(result.0.unwrap(), 1_000);
}

#[test]
fn the_waker_of_the_latest_poll_is_the_one_that_is_registered() {
    let wakers: Vec<_> = (0..3).map(|_| CountWakes::new()).collect();
    let mut future = task::io(|| {
        task::poll::<()>(|cx| {
            cx.waker().wake_by_ref();
            Poll::Pending
        })
    });
    for (count, waker) in &wakers {
        assert!(poll_with(&mut future, waker).is_pending());
        assert_eq!(count.get(), 1);
    }
}

#[test]
fn poll_io_wakes_a_task_that_nobody_else_would_wake() {
    let (count, waker) = CountWakes::new();
    let mut cx = Context::from_waker(&waker);
    assert!(task::poll_io(&mut cx, || Err::<(), _>(ErrorKind::WouldBlock.into())).is_pending());
    assert_eq!(count.get(), 1);
    // One that is registered is left alone.
    let pending = || task::poll::<()>(|_| Poll::Pending);
    assert!(task::poll_io(&mut cx, pending).is_pending());
    assert_eq!(count.get(), 1);
}

#[test]
fn outside_of_a_task_an_operation_answers_the_same_with_and_without_data() {
    for script in [
        Script::new().gives(b"data"),
        Script::new().never_gives(),
        Script::new(),
    ] {
        let mut script = script;
        for _ in 0..3 {
            let error = script.read(&mut [0; 4]).unwrap_err();
            assert!(NotInTask::is_source_of(&error));
            assert_eq!(error.kind(), ErrorKind::Other);
            assert!(error.to_string().contains("task::io"));
        }
    }
}

#[test]
fn a_context_that_is_made_elsewhere_can_be_entered_on_any_thread() {
    let (count, waker) = CountWakes::new();
    std::thread::spawn(move || {
        let mut cx = Context::from_waker(&waker);
        let mut script = Script::new().would_block();
        let error = task::enter(&mut cx, || script.read(&mut [0; 1])).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
    })
    .join()
    .unwrap();
    assert_eq!(count.get(), 1);
    // And that thread's task is not the current one here.
    let outside = task::poll(|_| Poll::Ready(Ok(())));
    assert!(NotInTask::is_source_of(&outside.unwrap_err()));
}

#[test]
fn a_would_block_with_nobody_to_wake_is_told_with_its_place_once_in_a_debug_build() {
    let log = Log::default();
    let line = tracing::subscriber::with_default(log.clone(), || {
        let line = line!() + 1;
        let mut stalls = task::io(|| -> io::Result<()> { Err(ErrorKind::WouldBlock.into()) });
        for _ in 0..3 {
            assert!(poll_once(&mut stalls).is_pending());
        }
        let mut waits = task::io(|| task::poll::<()>(|_| Poll::Pending));
        assert!(poll_once(&mut waits).is_pending());
        line
    });
    let log = log.0.lock().unwrap();
    if cfg!(debug_assertions) {
        assert_eq!(log.len(), 1, "{log:?}");
        let place = format!("caller={}:{line}:", file!());
        assert!(
            log[0].starts_with("WARN") && log[0].contains(&place),
            "{log:?}"
        );
    } else {
        assert!(log.is_empty(), "{log:?}");
    }
}
