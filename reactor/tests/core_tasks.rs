//! Tasks: spawning, joining, aborting, and how they end.

mod common;

use std::{
    cell::{Cell, RefCell},
    future::{pending, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Poll, Wake, Waker},
    thread::{self, ThreadId},
    time::Duration,
};

use common::{CountWakes, Elsewhere, block_on, poll_with, run, settle, turn_until, within_reason};
use futures::{FutureExt, future::join_all};
use reactor::{Core, Handle, JoinHandle};

/// Writes down on which thread it was dropped.
struct NotesDrop(Arc<Mutex<Vec<ThreadId>>>);

impl Drop for NotesDrop {
    fn drop(&mut self) {
        self.0.lock().unwrap().push(thread::current().id());
    }
}

#[test]
fn tasks_that_are_not_send_run_on_the_cores_thread_and_give_their_output() {
    let mut core = Core::new().unwrap();
    let spawner = core.spawner();
    let shared = Rc::new(RefCell::new(Vec::new()));
    let tasks: Vec<_> = (0..100)
        .map(|n| {
            let shared = shared.clone();
            spawner.spawn(async move {
                shared.borrow_mut().push(n);
                Rc::new(n)
            })
        })
        .collect();
    let outputs = run(&mut core, join_all(tasks));
    assert!(
        outputs
            .into_iter()
            .map(|output| *output.unwrap())
            .eq(0..100)
    );
    assert!(
        shared.borrow().iter().copied().eq(0..100),
        "in the order of spawning"
    );
    assert_eq!(spawner.task_count(), 0);
}

#[test]
fn send_tasks_come_from_any_thread_and_run_on_the_cores_thread() {
    let core = Elsewhere::new();
    let home = block_on(core.handle.spawn(async { thread::current().id() })).unwrap();
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let handle = core.handle.clone();
            thread::spawn(move || {
                let tasks =
                    (0..250).map(|n| handle.spawn(async move { (n, thread::current().id()) }));
                block_on(join_all(tasks.collect::<Vec<_>>()))
            })
        })
        .collect();
    for thread in threads {
        for (n, output) in thread.join().unwrap().into_iter().enumerate() {
            assert_eq!(output.unwrap(), (n, home));
        }
    }
    assert!(core.handle.metrics().spawned >= 1_001);
}

#[test]
fn tasks_begin_in_the_order_in_which_a_thread_has_spawned_them() {
    const TASKS: usize = 2_000;
    let core = Elsewhere::new();
    let begun = Arc::new(Mutex::new(Vec::new()));
    let threads = ["one", "two"].map(|name| {
        let (handle, begun) = (core.handle.clone(), begun.clone());
        thread::spawn(move || {
            let tasks = (0..TASKS).map(|n| {
                let begun = begun.clone();
                handle.spawn(async move { begun.lock().unwrap().push((name, n)) })
            });
            block_on(join_all(tasks.collect::<Vec<_>>()));
        })
    });
    for thread in threads {
        thread.join().unwrap();
    }
    let begun = begun.lock().unwrap();
    for name in ["one", "two"] {
        let of_one = begun.iter().filter(|(of, _)| *of == name).map(|(_, n)| *n);
        assert!(of_one.eq(0..TASKS), "{name}");
    }
}

#[test]
fn a_panic_stays_in_the_join_handle() {
    let mut core = Core::new().unwrap();
    let spawner = core.spawner();
    let tasks: Vec<_> = (0..100)
        .map(|n| spawner.spawn(async move { if n % 10 == 0 { panic!("task {n}") } else { n } }))
        .collect();
    for (n, output) in run(&mut core, join_all(tasks)).into_iter().enumerate() {
        match output {
            Ok(output) => assert_eq!(output, n),
            Err(error) => {
                assert!(error.is_panic() && !error.is_cancelled() && n % 10 == 0);
                assert!(error.to_string().contains(&format!("task {n}")));
                let payload = error.try_into_panic().unwrap();
                assert_eq!(
                    payload.downcast_ref::<String>().unwrap(),
                    &format!("task {n}")
                );
            }
        }
    }
    assert_eq!(spawner.task_count(), 0);
}

#[test]
fn a_panic_in_a_futures_drop_harms_nobody_wherever_it_is_dropped() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            if !thread::panicking() {
                panic!("in drop, on purpose");
            }
        }
    }
    let mut core = Core::new().unwrap();
    let (spawner, handle) = (core.spawner(), core.handle());
    let bomb = Bomb;
    let done = spawner.spawn(async move {
        let _bomb = bomb;
    });
    let bomb = Bomb;
    let aborted = spawner.spawn(async move {
        let _bomb = bomb;
        pending::<()>().await;
    });
    let bomb = Bomb;
    let unfinished = spawner.spawn(async move {
        let _bomb = bomb;
        pending::<()>().await;
    });
    settle(&mut core);
    aborted.abort();
    settle(&mut core);
    assert!(done.now_or_never().unwrap().unwrap_err().is_panic());
    assert!(aborted.now_or_never().unwrap().unwrap_err().is_cancelled());
    assert_eq!(run(&mut core, async { 7 }), 7);
    // One has not been polled, one has not even arrived when the core goes.
    let bomb = Bomb;
    let unpolled = spawner.spawn(async move { drop(bomb) });
    let bomb = Bomb;
    let on_its_way = handle.spawn(async move { drop(bomb) });
    let dropped = catch_unwind(AssertUnwindSafe(|| drop(core)));
    assert!(
        unfinished
            .now_or_never()
            .unwrap()
            .unwrap_err()
            .is_cancelled()
    );
    assert!(unpolled.now_or_never().unwrap().unwrap_err().is_cancelled());
    assert!(
        on_its_way
            .now_or_never()
            .unwrap()
            .unwrap_err()
            .is_cancelled()
    );
    assert!(dropped.is_ok(), "the panic came out of the core's drop");
}

/// What is dropped after a panic may panic as well.
#[test]
fn a_future_that_panics_in_its_poll_and_then_in_its_drop_harms_its_task_alone() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("in drop, on purpose");
        }
    }
    let mut core = Core::new().unwrap();
    let spawner = core.spawner();
    let bomb = Bomb;
    let twice = spawner.spawn(poll_fn(move |_| -> Poll<()> {
        let _ = &bomb;
        panic!("in poll, on purpose")
    }));
    let other = spawner.spawn(async { 7 });
    let turned = catch_unwind(AssertUnwindSafe(|| settle(&mut core)));
    assert!(turned.is_ok(), "the second panic came out of the loop");
    let error = twice.now_or_never().unwrap().unwrap_err();
    assert!(error.to_string().contains("in poll"), "{error}");
    assert_eq!(other.now_or_never().unwrap().unwrap(), 7);
    assert_eq!(spawner.task_count(), 0);
}

#[test]
fn an_aborted_task_is_dropped_on_its_cores_thread_and_not_polled_again() {
    let core = Elsewhere::new();
    let home = block_on(core.handle.spawn(async { thread::current().id() })).unwrap();
    let drops = Arc::new(Mutex::new(Vec::new()));
    let polls = Arc::new(AtomicUsize::new(0));
    let tasks: Vec<_> = (0..100)
        .map(|_| {
            let guard = NotesDrop(drops.clone());
            let polls = polls.clone();
            core.handle.spawn(poll_fn(move |_| {
                let _ = &guard;
                polls.fetch_add(1, Ordering::SeqCst);
                Poll::<()>::Pending
            }))
        })
        .collect();
    block_on(core.handle.spawn(async {})).unwrap();
    assert_eq!(polls.load(Ordering::SeqCst), 100);
    let aborter = thread::spawn(move || {
        tasks.iter().for_each(|task| task.abort());
        tasks
    });
    for output in block_on(join_all(aborter.join().unwrap())) {
        assert!(output.unwrap_err().is_cancelled());
    }
    assert_eq!(polls.load(Ordering::SeqCst), 100);
    assert!(drops.lock().unwrap().iter().all(|thread| *thread == home));
    assert_eq!(drops.lock().unwrap().len(), 100);
}

#[test]
fn a_task_that_is_aborted_before_it_has_arrived_on_its_core_is_not_polled() {
    let mut core = Core::new().unwrap();
    let (handle, spawner) = (core.handle(), core.spawner());
    let polled = || poll_fn(|_| -> Poll<()> { panic!("it was polled") });
    let tasks = [handle.spawn(polled()), spawner.spawn(polled())];
    tasks.iter().chain(&tasks).for_each(JoinHandle::abort);
    settle(&mut core);
    for task in tasks {
        assert!(task.now_or_never().unwrap().unwrap_err().is_cancelled());
    }
    assert_eq!(spawner.task_count(), 0);
}

#[test]
fn an_abort_after_the_end_changes_nothing_and_one_of_oneself_ends_the_task() {
    let mut core = Core::new().unwrap();
    let done = core.spawner().spawn(async { 5 });
    settle(&mut core);
    assert!(done.is_finished());
    done.abort();
    settle(&mut core);
    assert_eq!(run(&mut core, done).unwrap(), 5);

    let own = Rc::new(RefCell::new(None::<JoinHandle<()>>));
    let inside = own.clone();
    let task = core.spawner().spawn(async move {
        inside.borrow().as_ref().unwrap().abort();
        pending().await
    });
    *own.borrow_mut() = Some(task);
    settle(&mut core);
    let task = own.borrow_mut().take().unwrap();
    assert!(run(&mut core, task).unwrap_err().is_cancelled());
}

#[test]
fn a_dropped_join_handle_lets_the_task_go_on() {
    let mut core = Core::new().unwrap();
    let (count, waker) = CountWakes::new();
    let mut turns = 0;
    drop(core.spawner().spawn(poll_fn(move |cx| {
        turns += 1;
        if turns < 5 {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        waker.wake_by_ref();
        Poll::Ready(())
    })));
    turn_until(&mut core, || count.get() == 1);
}

#[test]
fn dropping_the_core_drops_its_tasks_on_its_thread_and_says_cancelled() {
    let mut core = Elsewhere::new();
    let home = block_on(core.handle.spawn(async { thread::current().id() })).unwrap();
    let drops = Arc::new(Mutex::new(Vec::new()));
    let wakers = Arc::new(Mutex::new(Vec::new()));
    let tasks: Vec<_> = (0..100)
        .map(|_| {
            let (guard, wakers) = (NotesDrop(drops.clone()), wakers.clone());
            core.handle.spawn(poll_fn(move |cx| {
                let _ = &guard;
                wakers.lock().unwrap().push(cx.waker().clone());
                Poll::<()>::Pending
            }))
        })
        .collect();
    block_on(core.handle.spawn(async {})).unwrap();
    core.stop();
    // Wakers that live on are not what keeps a future, nor what drops it.
    drop(wakers);
    assert_eq!(*drops.lock().unwrap(), vec![home; 100]);
    for output in block_on(join_all(tasks)) {
        assert!(output.unwrap_err().is_cancelled());
    }
}

/// Uses everything there is while it is dropped.
struct BusyDrop {
    handle: Handle,
    spawner: reactor::Spawner,
    waker: Waker,
    drops: Rc<Cell<usize>>,
}

impl Drop for BusyDrop {
    fn drop(&mut self) {
        self.drops.set(self.drops.get() + 1);
        self.waker.wake_by_ref();
        drop(self.spawner.spawn(async {}));
        drop(self.handle.spawn(async {}));
        let mut sleep = self.handle.sleep(Duration::from_millis(1));
        let _ = poll_with(&mut sleep, &self.waker);
        let (stream, _peer) = std::os::unix::net::UnixStream::pair().unwrap();
        let stream = mio::net::UnixStream::from_std(stream);
        drop(reactor::PollEvented::new(stream, &self.handle));
        let _ = (self.handle.metrics(), self.spawner.task_count());
    }
}

#[test]
fn a_futures_drop_may_spawn_wake_sleep_and_register_whenever_it_comes() {
    within_reason(|| {
        let mut core = Core::new().unwrap();
        let drops = Rc::new(Cell::new(0));
        let task = |core: &Core| {
            let (handle, spawner, drops) = (core.handle(), core.spawner(), drops.clone());
            let mut busy = None;
            core.spawner().spawn(poll_fn(move |cx| {
                busy.get_or_insert_with(|| BusyDrop {
                    handle: handle.clone(),
                    spawner: spawner.clone(),
                    waker: cx.waker().clone(),
                    drops: drops.clone(),
                });
                Poll::<()>::Pending
            }))
        };
        let aborted = task(&core);
        let unfinished: Vec<_> = (0..10).map(|_| task(&core)).collect();
        settle(&mut core);
        aborted.abort();
        settle(&mut core);
        assert_eq!(drops.get(), 1);
        drop(core);
        assert_eq!(drops.get(), 11);
        for task in unfinished {
            assert!(task.now_or_never().unwrap().unwrap_err().is_cancelled());
        }
    });
}

#[test]
fn a_wake_during_the_own_poll_leads_to_exactly_one_more_poll() {
    let mut core = Core::new().unwrap();
    let polls = Rc::new(Cell::new(0));
    let counted = polls.clone();
    drop(core.spawner().spawn(poll_fn(move |cx| {
        counted.set(counted.get() + 1);
        if counted.get() == 1 {
            // However often and from wherever.
            cx.waker().wake_by_ref();
            let waker = cx.waker().clone();
            thread::spawn(move || waker.wake()).join().unwrap();
        }
        Poll::<()>::Pending
    })));
    for _ in 0..5 {
        settle(&mut core);
    }
    assert_eq!(polls.get(), 2);
}

#[test]
fn what_was_written_before_a_wake_is_seen_in_the_poll_that_it_causes() {
    let mut core = Core::new().unwrap();
    let value = Arc::new(AtomicUsize::new(0));
    let (send, wakers) = std::sync::mpsc::channel::<Waker>();
    let written = value.clone();
    let writer = thread::spawn(move || {
        for (n, waker) in wakers.iter().enumerate() {
            written.store(n + 1, Ordering::Relaxed);
            waker.wake();
        }
    });
    let mut expected = 0;
    let task = poll_fn(move |cx| {
        assert_eq!(value.load(Ordering::Relaxed), expected);
        expected += 1;
        if expected > 5_000 {
            return Poll::Ready(());
        }
        send.send(cx.waker().clone()).unwrap();
        Poll::Pending
    });
    let task = core.spawner().spawn(task);
    run(&mut core, task).unwrap();
    writer.join().unwrap();
}

#[test]
fn a_chain_of_a_hundred_thousand_wakes_takes_no_stack() {
    let chain = || {
        let mut core = Core::new().unwrap();
        let mut next: Option<Waker> = None;
        let done = Rc::new(Cell::new(0));
        let wakers = Rc::new(RefCell::new(Vec::new()));
        // Each is told its successor before it is woken; woken, it wakes that one.
        for _ in 0..100_000 {
            let (done, wakers, next) = (done.clone(), wakers.clone(), next.take());
            let mut polled = false;
            drop(core.spawner().spawn(poll_fn(move |cx| {
                if !std::mem::replace(&mut polled, true) {
                    wakers.borrow_mut().push(cx.waker().clone());
                    return Poll::Pending;
                }
                let _ = &next;
                let successor = wakers.borrow_mut().pop();
                successor.into_iter().for_each(Waker::wake);
                done.set(done.get() + 1);
                Poll::Ready(())
            })));
        }
        while wakers.borrow().len() < 100_000 {
            core.turn(Some(Duration::ZERO)).unwrap();
        }
        let first = wakers.borrow_mut().pop().unwrap();
        first.wake();
        while done.get() < 100_000 {
            core.turn(Some(Duration::ZERO)).unwrap();
        }
    };
    let small = thread::Builder::new().stack_size(256 * 1024);
    small.spawn(chain).unwrap().join().unwrap();
}

#[test]
fn a_hundred_thousand_waiting_tasks_are_dropped_with_their_core_on_a_small_stack() {
    let drop_all = || {
        let mut core = Core::new().unwrap();
        let (dropped, waker) = CountWakes::new();
        for _ in 0..100_000 {
            let guard = OnDrop(waker.clone());
            drop(core.spawner().spawn(async move {
                pending::<()>().await;
                drop(guard);
            }));
        }
        while core.next_deadline().is_some() {
            core.turn(Some(Duration::ZERO)).unwrap();
        }
        drop(core);
        dropped.get()
    };
    assert_eq!(
        within_reason(move || {
            let small = thread::Builder::new().stack_size(256 * 1024);
            small.spawn(drop_all).unwrap().join().unwrap()
        }),
        100_000
    );
}

struct OnDrop(Waker);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.wake_by_ref();
    }
}

#[test]
fn a_large_future_is_boxed_and_not_copied_over_the_stack() {
    // A debug build moves a future a few times before it is boxed; these are not the runtime's.
    let large = || {
        let mut core = Core::new().unwrap();
        let memory = vec![1_u8; 1 << 20];
        let task = core.spawner().spawn(async move {
            let memory = memory;
            futures::pending!();
            memory.len()
        });
        settle(&mut core);
        task.abort();
        settle(&mut core);
        assert!(task.is_finished());
    };
    thread::Builder::new()
        .stack_size(256 * 1024)
        .spawn(large)
        .unwrap()
        .join()
        .unwrap();
}

#[test]
fn spawning_from_another_thread_while_the_core_goes_runs_or_cancels_each_task_once() {
    for _ in 0..30 {
        let mut core = Elsewhere::new();
        let handle = core.handle.clone();
        let (gone, waker) = CountWakes::new();
        let (begun, begin) = std::sync::mpsc::channel();
        let spawner = thread::spawn(move || {
            let mut tasks = Vec::new();
            for n in 0..300 {
                let guard = OnDrop(waker.clone());
                tasks.push(handle.spawn(async move { drop(guard) }));
                if n == 50 {
                    begun.send(()).unwrap();
                }
            }
            tasks
        });
        begin.recv().unwrap();
        core.stop();
        let tasks = spawner.join().unwrap();
        for output in block_on(join_all(tasks)) {
            assert!(output.is_ok() || output.unwrap_err().is_cancelled());
        }
        // Nothing is stranded in a queue that nobody reads.
        assert_eq!(gone.get(), 300);
    }
}

#[test]
fn a_task_spawned_after_the_core_is_gone_is_cancelled_and_dropped_at_once() {
    let core = Core::new().unwrap();
    let (handle, spawner) = (core.handle(), core.spawner());
    drop(core);
    let (dropped, waker) = CountWakes::new();
    let guard = OnDrop(waker.clone());
    let remote = handle.spawn(async move { drop(guard) });
    let guard = OnDrop(waker);
    let local = spawner.spawn(async move { drop(guard) });
    assert_eq!(dropped.get(), 2);
    assert!(remote.now_or_never().unwrap().unwrap_err().is_cancelled());
    assert!(local.now_or_never().unwrap().unwrap_err().is_cancelled());
    assert_eq!(spawner.task_count(), 0);
}

#[test]
fn tasks_dropped_while_they_are_queued_are_not_polled() {
    let mut core = Core::new().unwrap();
    let polls = Rc::new(Cell::new(0));
    let tasks: Vec<_> = (0..10_000)
        .map(|_| {
            let polls = polls.clone();
            core.spawner()
                .spawn(async move { polls.set(polls.get() + 1) })
        })
        .collect();
    tasks.iter().for_each(|task| task.abort());
    drop(tasks);
    while core.next_deadline().is_some() {
        settle(&mut core);
    }
    assert_eq!(polls.get(), 0);
    assert_eq!(core.spawner().task_count(), 0);
}

#[test]
fn a_join_handle_polled_again_after_its_end_says_so() {
    let mut core = Core::new().unwrap();
    let mut task = core.spawner().spawn(async {});
    run(&mut core, &mut task).unwrap();
    let again = catch_unwind(AssertUnwindSafe(|| poll_with(&mut task, Waker::noop())));
    let message = *again.unwrap_err().downcast::<&str>().unwrap();
    assert!(message.contains("JoinHandle"));
}

/// Takes the output as soon as it hears of it: while the task is not done with the place where it has left it.
#[derive(Default)]
struct TakesAtOnce(Mutex<Option<JoinHandle<u32>>>, AtomicUsize);

impl Wake for TakesAtOnce {
    fn wake(self: Arc<Self>) {
        let mut handle = self.0.lock().unwrap();
        if let Poll::Ready(output) = poll_with(handle.as_mut().unwrap(), Waker::noop()) {
            self.1.store(output.unwrap() as usize, Ordering::SeqCst);
        }
    }
}

#[test]
fn an_output_that_is_taken_within_the_wake_is_taken_once() {
    let mut core = Core::new().unwrap();
    let takes = Arc::new(TakesAtOnce::default());
    let mut task = core.spawner().spawn(async { 7 });
    assert!(poll_with(&mut task, &takes.clone().into()).is_pending());
    *takes.0.lock().unwrap() = Some(task);
    settle(&mut core);
    assert_eq!(takes.1.load(Ordering::SeqCst), 7);
    let mut task = takes.0.lock().unwrap().take().unwrap();
    assert!(task.is_finished());
    task.abort();
    let again = catch_unwind(AssertUnwindSafe(|| poll_with(&mut task, Waker::noop())));
    let message = *again.unwrap_err().downcast::<&str>().unwrap();
    assert!(message.contains("JoinHandle"));
}
