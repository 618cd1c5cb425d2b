//! Aborts, at every moment in the life of a task and behind its end.

mod common;

use std::{
    cell::Cell,
    future::{Future, poll_fn},
    mem,
    pin::Pin,
    rc::Rc,
    task::Poll,
};

use common::{Elsewhere, block_on, settle};
use futures::FutureExt;
use reactor::{Core, yield_now};

/// An abort meets each moment in the life of a task.
#[test]
fn an_abort_from_elsewhere_is_heard_at_whatever_moment_it_comes() {
    let core = Elsewhere::new();
    for n in 0..3000_u64 {
        let keeps = n % 2 == 0;
        let task = core.handle.spawn(poll_fn(move |cx| {
            if keeps {
                mem::forget(cx.waker().clone());
            }
            Poll::<()>::Pending
        }));
        for _ in 0..(n % 300) * 10 {
            std::hint::spin_loop();
        }
        task.abort();
        task.abort();
        assert!(block_on(task).unwrap_err().is_cancelled());
    }
}

#[test]
fn an_abort_of_a_task_that_has_ended_reaches_nobody_in_its_place() {
    let mut core = Core::new().unwrap();
    let first = core.spawner().spawn(async {});
    settle(&mut core);
    let polls = Rc::new(Cell::new(0));
    let counted = polls.clone();
    let second = core.spawner().spawn(poll_fn(move |_| {
        counted.set(counted.get() + 1);
        Poll::<()>::Pending
    }));
    settle(&mut core);
    first.abort();
    settle(&mut core);
    assert!(!second.is_finished());
    assert_eq!(polls.get(), 1);
    drop(core);
    second.abort();
    assert!(second.now_or_never().unwrap().unwrap_err().is_cancelled());
}

#[test]
fn one_who_has_yielded_and_is_aborted_or_ends_wakes_nobody_in_its_place() {
    let mut core = Core::new().unwrap();
    let polls = Rc::new(Cell::new(0));
    let spawner = core.spawner();
    let counted = polls.clone();
    // It yields and ends in one poll; another takes its place before the poller has been asked.
    let inner = spawner.clone();
    let ends = core.spawner().spawn(poll_fn(move |cx| {
        let _ = Pin::new(&mut yield_now()).poll(cx);
        Poll::Ready(())
    }));
    let after = ends.then(move |_| async move {
        inner.spawn(poll_fn(move |_| {
            counted.set(counted.get() + 1);
            Poll::<()>::Pending
        }));
    });
    core.spawner().spawn(after);
    settle(&mut core);
    settle(&mut core);
    assert_eq!(polls.get(), 1);
    let aborted = core.spawner().spawn(async {
        loop {
            yield_now().await;
        }
    });
    settle(&mut core);
    aborted.abort();
    settle(&mut core);
    assert!(aborted.is_finished());
    assert_eq!(core.next_deadline(), None);
}
