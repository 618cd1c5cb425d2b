//! Models: small programs of the crate's own types, run by [loom] once for each way in which their
//! threads can interleave. `make model` builds and runs them.
//!
//! | | what meets | files | rows of the plan |
//! |---|---|---|---|
//! | `slot` | an event, a clear and a waiter, in a slot whose directions have a word each | `readiness.rs`, `slot.rs`, `waker_set.rs` | M1 |
//! | `on_demand` | a task that parks, and one that drops interest that nobody has asked for | `slot/rearm.rs` | M1 |
//! | `crowd` | more waiters than a set has room for, and an event | `waker_set.rs`, `waker_set/crowd.rs`, `slot.rs` | M1 |
//! | `trigger` | the same for level-triggered and oneshot objects, errors that last, pauses, an object that the poller loses | `slot/without_edges.rs`, `slot/rearm.rs` | M1 |
//! | `slots` | a registration or its end, and an event or the end of the core | `slots.rs` | M4, M7 |
//! | `evented` | the same, through objects and futures as users see them | `poll_evented.rs`, `registration.rs`, `ready.rs`, `time/sleep.rs` | M1, M4, M7 |
//! | `doorbell` | work, and a loop that spins and falls asleep | `doorbell.rs`, `shared.rs` | M2 |
//! | `timer` | a timer that is due, and whoever cancels, resets or moves it; one that is made or given up, and a loop that falls asleep | `time/shared_timers.rs`, `time/sleep.rs`, `doorbell.rs` | M2, M5 |
//! | `task` | a wake or an abort, and a poll; a waker that is kept, and the poll of another task | `executor/task.rs`, `executor/number.rs`, `executor/spare_waker.rs` | M3 |
//! | `run_queue` | wakes from the loop's own thread and from elsewhere, and a loop that polls and falls asleep | `executor/task.rs`, `doorbell.rs` | M2, M3 |
//! | `background` | an owner that stops a thread with a reactor, and whoever waits there | `background.rs`, `executor/join.rs` | M7 |
//! | `join` | a result, and the handle that waits for it | `executor/join.rs`, `executor/job.rs` | M3, M8 |
//!
//! # What is claimed
//!
//! * Every operation that could make progress is woken in the end. What a task waits for is modelled as
//!   sleeping, so a lost wakeup is a deadlock, and that loom reports. This is in all of them.
//! * An object, a future or a set that goes has let go of every waker that it stored, while what it was
//!   registered with is still there: `evented` and `crowd`.
//! * Wakes and polls stay bounded: `slot`, `trigger` ("the loop is kept awake"), `task`, `run_queue`,
//!   `doorbell` (one write for one sleep).
//! * What was written before a wake is seen in the poll that follows: `task`, `run_queue`, `doorbell`.
//!
//! A test's name is what it promises. Beside the promises are the tests `…_is_caught`: each puts a mistake
//! ([`Fault`]) into the very same model, or makes it in the model itself, and sees it fail with the symptom
//! that it should have. A model that cannot fail shows nothing.
//!
//! # What is not
//!
//! * loom tries all orders of two or three threads, with two preemptions at most, of a few steps each. More
//!   threads and longer runs are for the tests, which cannot choose the order.
//! * The system is a `Mutex` here, whatever it does in one step: loom 0.7 reports plain stores that race an
//!   exchange of the same atomic as more than they are. What epoll does is checked by tests alone.
//! * Threads must meet in loom's types, as it tries no order of what it does not see. A model's threads are
//!   one thread to the system, so what is found by the thread (the loop that this thread is inside of, the
//!   current task) is out of reach: `run_queue` puts the parts together itself, and that a task of the core
//!   waits by its number is in `slot` alone.
//! * A set has room for two in a model, and for 32 otherwise.

mod background;
mod crowd;
mod doorbell;
mod epoll;
mod evented;
mod join;
mod on_demand;
mod reactors;
mod run_queue;
mod slot;
mod slots;
mod task;
mod timer;
mod trigger;

use std::{
    any::Any,
    cell::{Cell, RefCell},
    mem,
    panic::{self, AssertUnwindSafe},
    sync::{
        Arc, Once, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Poll, Wake, Waker},
    time::Instant,
};

use loom::{model::Builder, sync::Condvar};

use crate::{
    executor::TaskId,
    fault::{self, Fault},
    slot::Wakes,
    sync::{Mutex, lock},
    waker_set::Drained,
};

/// Runs `model` in all its interleavings; panics if one of them does.
fn check(model: fn()) {
    let started = Instant::now();
    let executions = Arc::new(AtomicUsize::new(0));
    run(model, &executions);
    report("held", &executions, started);
    let executions = executions.load(Ordering::Relaxed);
    assert!(executions > 1, "there was nothing to interleave");
}

/// Runs `model` with a mistake in place; panics unless it fails, and with that symptom.
#[track_caller]
fn catches(mistake: Fault, symptom: &str, model: fn()) {
    caught(symptom, |executions| {
        fault::model::with(mistake, || quietly(|| run(model, executions)))
    });
}

/// Runs a `model` that has the mistake in its own code; panics unless it fails with that symptom.
#[track_caller]
fn fails(symptom: &str, model: fn()) {
    caught(symptom, |executions| quietly(|| run(model, executions)));
}

#[track_caller]
fn caught(symptom: &str, run: impl FnOnce(&Arc<AtomicUsize>) -> Result<(), String>) {
    let started = Instant::now();
    let executions = Arc::new(AtomicUsize::new(0));
    let Err(message) = run(&executions) else {
        panic!("the mistake was not noticed");
    };
    report("caught", &executions, started);
    assert!(message.contains(symptom), "failed otherwise: {message}");
}

fn run(model: fn(), executions: &Arc<AtomicUsize>) {
    let executions = executions.clone();
    let mut builder = Builder::new();
    builder.preemption_bound.get_or_insert(2);
    builder.max_branches = builder.max_branches.max(20_000);
    builder.check(move || {
        executions.fetch_add(1, Ordering::Relaxed);
        TASKS.take();
        model();
    });
}

fn report(outcome: &str, executions: &AtomicUsize, started: Instant) {
    let thread = std::thread::current();
    let name = thread.name().unwrap_or_default();
    let executions = executions.load(Ordering::Relaxed);
    println!(
        "{name}: {outcome}, {executions} executions, {:.1?}",
        started.elapsed()
    );
}

/// Calls `f` and returns what it panics with, without printing it.
fn quietly(f: impl FnOnce()) -> Result<(), String> {
    std::thread_local! {
        static QUIET: Cell<bool> = const { Cell::new(false) };
    }
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let loud = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                loud(info);
            }
        }));
    });
    QUIET.set(true);
    let result = panic::catch_unwind(AssertUnwindSafe(f));
    QUIET.set(false);
    result.map_err(|payload| message(&*payload))
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("not a text").to_owned()
}

/// Runs a task to its end: polls it, sleeps until it is woken, and so on. Says how often it was polled.
fn block_on<T>(mut poll: impl FnMut(&Waker) -> Poll<T>) -> (T, usize) {
    let alarm = Alarm::new();
    TASKS.with_borrow_mut(|tasks| tasks.push(Arc::downgrade(&alarm)));
    let waker = Waker::from(alarm.clone());
    let mut polls = 0;
    loop {
        polls += 1;
        if let Poll::Ready(value) = poll(&waker) {
            return (value, polls);
        }
        alarm.wait();
    }
}

/// [`block_on`] for a task that moves once it has been polled: the second waker is the one that counts.
fn block_on_after_a_move<T>(mut poll: impl FnMut(&Waker) -> Poll<T>) -> T {
    let elsewhere = Waker::from(Alarm::new());
    match poll(&elsewhere) {
        Poll::Ready(value) => value,
        Poll::Pending => block_on(poll).0,
    }
}

/// What threads sleep on: the eventfd of a loop, or whatever runs a task.
struct Alarm {
    rings: Mutex<u32>,
    rung: Condvar,
}

impl Alarm {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            rings: Mutex::new(0),
            rung: Condvar::new(),
        })
    }

    fn ring(&self) {
        *lock(&self.rings) += 1;
        self.rung.notify_one();
    }

    /// Sleeps until there was a ring, and takes back all there were.
    fn wait(&self) {
        let mut rings = lock(&self.rings);
        while *rings == 0 {
            rings = self.rung.wait(rings).expect("loom poisons no lock");
        }
        *rings = 0;
    }

    /// Takes back all rings; says whether there were any.
    fn reset(&self) -> bool {
        mem::take(&mut *lock(&self.rings)) > 0
    }
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.ring();
    }
}

/// Where events of a model send those whom they wake. No task of a model is the core's own.
#[derive(Default)]
struct Woken(Drained);

impl Wakes for Woken {
    fn wake_own(&mut self, task: TaskId) {
        unreachable!("{task:?} is nobody's own");
    }

    fn drained(&mut self) -> &mut Drained {
        &mut self.0
    }
}

/// Fails if a waker that the model has given away is still somewhere.
#[track_caller]
fn no_other_has<T>(task: Arc<T>, waker: Waker) {
    drop(waker);
    assert_eq!(Arc::strong_count(&task), 1, "{KEPT}");
}

/// Fails if a waker of a task that has [run to its end](block_on) is still somewhere.
#[track_caller]
fn nobody_has_a_waker() {
    let kept = TASKS.take().iter().any(|task| task.strong_count() > 0);
    assert!(!kept, "{KEPT}");
}

std::thread_local! {
    /// Those of the execution that runs now.
    static TASKS: RefCell<Vec<Weak<Alarm>>> = const { RefCell::new(Vec::new()) };
}

/// For a slot of which the poller can be asked for something else later. It is never really asked.
fn any_descriptor() -> Option<crate::sys::Descriptor> {
    use std::os::fd::AsFd;

    let stdin = std::io::stdin();
    Some(crate::sys::descriptor(stdin.as_fd()))
}

/// What loom says when all threads wait: somebody was not woken.
const HANG: &str = "deadlock";

/// Whoever stored a waker has not let go of it.
const KEPT: &str = "a waker is kept";
