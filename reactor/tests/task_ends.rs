//! In what order a task ends: what it held goes first, the news of it comes then.

mod common;

use std::{
    cell::{Cell, RefCell},
    future::{Future, pending, poll_fn},
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll},
};

use common::{CountWakes, run, settle};
use futures::FutureExt;
use reactor::{Core, JoinHandle};

/// Asks a handle, while a future is dropped, whether that task is said to be done.
#[derive(Default, Clone)]
struct Asks {
    handle: Rc<RefCell<Option<JoinHandle<()>>>>,
    was_finished: Rc<Cell<Option<bool>>>,
}

impl Drop for Held {
    fn drop(&mut self) {
        let handle = self.0.handle.borrow();
        let finished = handle.as_ref().map(JoinHandle::is_finished);
        self.0.was_finished.set(finished);
    }
}

/// What a future holds until it is dropped: a socket, say, whose port somebody waits for.
struct Held(Asks);

/// Whoever had waited for an aborted task found its port still in use.
#[test]
fn what_an_aborted_future_held_is_dropped_before_its_handle_says_so() {
    let mut core = Core::new().unwrap();
    let asks = Asks::default();
    let held = Held(asks.clone());
    let task = core.spawner().spawn(async move {
        let _held = held;
        pending().await
    });
    settle(&mut core);
    task.abort();
    *asks.handle.borrow_mut() = Some(task);
    settle(&mut core);
    assert_eq!(asks.was_finished.get(), Some(false));
    let task = asks.handle.take().unwrap();
    assert!(run(&mut core, task).unwrap_err().is_cancelled());
}

#[test]
fn what_a_future_held_is_dropped_before_its_handle_says_that_it_has_panicked() {
    let mut core = Core::new().unwrap();
    let asks = Asks::default();
    let held = Held(asks.clone());
    let task = core.spawner().spawn(poll_fn(move |_| {
        let _ = &held;
        panic!("on purpose")
    }));
    *asks.handle.borrow_mut() = Some(task);
    settle(&mut core);
    assert_eq!(asks.was_finished.get(), Some(false));
    let task = asks.handle.take().unwrap();
    assert!(run(&mut core, task).unwrap_err().is_panic());
}

#[test]
fn what_a_future_held_is_dropped_before_its_handle_says_that_it_is_done() {
    let mut core = Core::new().unwrap();
    let asks = Asks::default();
    let held = Held(asks.clone());
    let task = core.spawner().spawn(poll_fn(move |_| {
        let _ = &held;
        Poll::Ready(())
    }));
    *asks.handle.borrow_mut() = Some(task);
    settle(&mut core);
    assert_eq!(asks.was_finished.get(), Some(false));
    let task = asks.handle.take().unwrap();
    run(&mut core, task).unwrap();
}

#[test]
fn what_futures_held_is_dropped_before_their_handles_say_that_the_core_is_gone() {
    let core = Core::new().unwrap();
    let asks = Asks::default();
    let held = Held(asks.clone());
    let task = core.spawner().spawn(async move { drop(held) });
    *asks.handle.borrow_mut() = Some(task);
    drop(core);
    assert_eq!(asks.was_finished.get(), Some(false));
}

/// A task that is never done kept the wakers of all who had once waited for it, and with them, under some
/// executors, whole tasks.
#[test]
fn a_dropped_join_handle_keeps_no_waker() {
    let mut core = Core::new().unwrap();
    let mut task = core.spawner().spawn(pending::<()>());
    let (count, waker) = CountWakes::new();
    let polled = Pin::new(&mut task).poll(&mut Context::from_waker(&waker));
    assert!(polled.is_pending());
    drop((task, waker));
    assert_eq!(Arc::strong_count(&count), 1);
    settle(&mut core);
}

/// The news is told once, and the output dropped once, whatever panics.
#[test]
fn panics_of_drops_are_told_once() {
    struct Bad(&'static str, Rc<RefCell<Vec<&'static str>>>);
    impl Drop for Bad {
        fn drop(&mut self) {
            self.1.borrow_mut().push(self.0);
            panic!("in drop of {}", self.0);
        }
    }
    let mut core = Core::new().unwrap();
    let log = Rc::new(RefCell::new(Vec::new()));
    // The future's drop panics when it is ready: its output is lost.
    let bad = Bad("future", log.clone());
    let task = core.spawner().spawn(poll_fn(move |_| {
        let _ = &bad;
        Poll::Ready(5)
    }));
    settle(&mut core);
    assert!(task.now_or_never().unwrap().unwrap_err().is_panic());
    assert_eq!(log.take(), ["future"]);
    // Nobody wants the output, and its drop panics.
    let output = Bad("output", log.clone());
    let mut output = Some(output);
    drop(
        core.spawner()
            .spawn(poll_fn(move |_| Poll::Ready(output.take()))),
    );
    settle(&mut core);
    assert_eq!(log.take(), ["output"]);
    // Aborted, and its drop panics.
    let bad = Bad("aborted", log.clone());
    let task = core.spawner().spawn(async move {
        let _bad = bad;
        pending::<()>().await
    });
    settle(&mut core);
    task.abort();
    settle(&mut core);
    assert!(task.now_or_never().unwrap().unwrap_err().is_cancelled());
    assert_eq!(log.take(), ["aborted"]);
    // With the core.
    let bad = Bad("core", log.clone());
    let task: JoinHandle<()> = core.spawner().spawn(async move {
        let _bad = bad;
        pending().await
    });
    drop(core);
    assert!(task.now_or_never().unwrap().unwrap_err().is_cancelled());
    assert_eq!(log.take(), ["core"]);
}
