//! A result meets the handle that waits for it.

use std::{
    future::{self, Future},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll, Waker},
};

use loom::thread;

use super::{HANG, block_on, block_on_after_a_move, catches, check, reactors::reactor};
use crate::{
    JoinError, JoinHandle,
    executor::{SendTask, TaskId, new_task},
    fault::Fault,
};

/// An output that counts how many of it there were in the end.
struct Output(Arc<AtomicU32>);

impl Drop for Output {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn task<F>(future: F) -> (SendTask, JoinHandle<F::Output>)
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    let (task, handle) = new_task(future, &reactor(), None);
    (task, handle)
}

fn poll<T>(handle: &mut JoinHandle<T>, waker: &Waker) -> Poll<Result<T, JoinError>> {
    Pin::new(handle).poll(&mut Context::from_waker(waker))
}

/// The core's part: polls the task, and drops it.
fn finish(mut task: SendTask) {
    let polled = task.as_mut().poll(&reactor(), TaskId::ROOT, Waker::noop());
    assert!(polled.is_ready());
    drop(task);
}

fn a_task_that_is_done() {
    let drops = Arc::new(AtomicU32::new(0));
    let (task, mut handle) = task(future::ready(Output(drops.clone())));
    let core = thread::spawn(move || finish(task));
    let (result, polls) = block_on(|waker| poll(&mut handle, waker));
    core.join().unwrap();
    assert!(polls <= 2, "{polls} polls for one result");
    let Ok(output) = result else {
        panic!("the drop of a task that was done has cancelled it");
    };
    assert!(handle.is_finished());
    assert_eq!(drops.load(Ordering::Relaxed), 0);
    drop((output, handle));
    assert_eq!(drops.load(Ordering::Relaxed), 1);
}

#[test]
fn a_handle_gets_its_result_or_is_woken_for_it() {
    check(a_task_that_is_done);
}

#[test]
fn a_result_that_wakes_nobody_is_caught() {
    catches(Fault::CompleteWithoutWake, HANG, a_task_that_is_done);
}

fn a_handle_that_moves() {
    let (task, mut handle) = task(future::ready(7));
    let core = thread::spawn(move || finish(task));
    let result = block_on_after_a_move(|waker| poll(&mut handle, waker));
    core.join().unwrap();
    assert_eq!(result.unwrap(), 7);
}

#[test]
fn a_handle_that_comes_back_with_another_waker_is_woken_by_that_one() {
    check(a_handle_that_moves);
}

fn a_task_that_is_dropped() {
    let (task, mut handle) = task(future::pending());
    let core = thread::spawn(move || drop(task));
    let result: Result<(), _> = block_on(|waker| poll(&mut handle, waker)).0;
    core.join().unwrap();
    assert!(result.unwrap_err().is_cancelled());
}

#[test]
fn a_handle_of_a_task_that_is_dropped_hears_that_it_was_cancelled() {
    check(a_task_that_is_dropped);
}

#[test]
fn a_cancelled_task_that_wakes_nobody_is_caught() {
    catches(Fault::CompleteWithoutWake, HANG, a_task_that_is_dropped);
}

/// The handle is dropped while the task ends: its output is dropped once, wherever it is then.
fn a_handle_that_is_dropped() {
    let drops = Arc::new(AtomicU32::new(0));
    let (task, mut handle) = task(future::ready(Output(drops.clone())));
    let core = thread::spawn(move || finish(task));
    let result = poll(&mut handle, Waker::noop());
    drop((result, handle));
    core.join().unwrap();
    assert_eq!(drops.load(Ordering::Relaxed), 1);
}

#[test]
fn an_output_that_nobody_takes_is_dropped_once() {
    check(a_handle_that_is_dropped);
}
