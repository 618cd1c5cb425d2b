//! The loop itself: running, turning, and being driven by somebody else.

mod common;

use std::{
    cell::Cell,
    future::{pending, poll_fn},
    io::{ErrorKind, Write},
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    task::{Poll, Waker},
    thread,
    time::{Duration, Instant},
};

use common::{
    CountWakes, child, open_descriptors, poll_with, run, settle, unix_pair, within_reason,
};
use futures::channel::oneshot;
use io_traits::{io as async_io, task};
use reactor::Core;

const NOW: Option<Duration> = Some(Duration::ZERO);

#[test]
fn run_takes_futures_that_borrow_and_are_not_send_and_returns_their_output() {
    let mut core = Core::new().unwrap();
    let local = Rc::new(Cell::new(1));
    let borrowed = &local;
    let output = core.run(async { borrowed.replace(2) }).unwrap();
    assert_eq!((output, local.get()), (1, 2));
    let error: Result<(), &str> = core.run(async { Err("its own") }).unwrap();
    assert_eq!(error, Err("its own"));
}

#[test]
fn tasks_that_are_not_done_when_run_returns_go_on_at_the_next_run() {
    let mut core = Core::new().unwrap();
    let (send, receive) = oneshot::channel();
    let task = core.spawner().spawn(async { receive.await.unwrap() });
    core.run(async {}).unwrap();
    core.run(async {}).unwrap();
    assert!(!task.is_finished());
    send.send(7).unwrap();
    assert_eq!(run(&mut core, task).unwrap(), 7);
}

#[test]
fn a_panic_of_the_root_future_unwinds_and_leaves_the_core_usable() {
    let mut core = Core::new().unwrap();
    let (stream, mut peer) = unix_pair(&core.handle());
    let task = core.spawner().spawn(async move {
        let mut stream = stream;
        async_io::read_exact(&mut stream, &mut [0; 3])
            .await
            .unwrap();
    });
    for round in 0..3 {
        let unwound = catch_unwind(AssertUnwindSafe(|| {
            core.run(poll_fn(|cx| -> Poll<()> {
                if round == 2 {
                    cx.waker().wake_by_ref();
                }
                panic!("on purpose")
            }))
        }));
        assert_eq!(
            *unwound.unwrap_err().downcast::<&str>().unwrap(),
            "on purpose"
        );
        // No task is current, no run is under way.
        assert!(task::NotInTask::is_source_of(
            &task::poll(|_| Poll::Ready(Ok(()))).unwrap_err()
        ));
        peer.write_all(b"x").unwrap();
        core.turn(NOW).unwrap();
        assert_eq!(run(&mut core, async { 7 }), 7);
    }
    run(&mut core, task).unwrap();
}

#[test]
fn a_wake_of_a_root_future_that_has_ended_does_nothing() {
    let mut core = Core::new().unwrap();
    let waker = core
        .run(poll_fn(|cx| Poll::Ready(cx.waker().clone())))
        .unwrap();
    let polls = Rc::new(Cell::new(0));
    for _ in 0..3 {
        waker.wake_by_ref();
        let elsewhere = waker.clone();
        thread::spawn(move || elsewhere.wake()).join().unwrap();
        settle(&mut core);
    }
    let (_, quiet) = CountWakes::new();
    let counted = polls.clone();
    let limit = core.handle().sleep(Duration::from_millis(5));
    let mut limit = limit;
    core.run(poll_fn(|_| {
        counted.set(counted.get() + 1);
        poll_with(&mut limit, &waker)
    }))
    .unwrap()
    .unwrap();
    assert!(polls.get() <= 3, "{} polls", polls.get());
    drop(quiet);
}

#[test]
fn a_spawned_task_runs_at_exactly_the_next_turn() {
    let mut core = Core::new().unwrap();
    let runs = Rc::new(Cell::new(0));
    for n in 1..=5 {
        let counted = runs.clone();
        drop(
            core.spawner()
                .spawn(async move { counted.set(counted.get() + 1) }),
        );
        assert_eq!(runs.get(), n - 1, "spawning polls nothing");
        core.turn(NOW).unwrap();
        assert_eq!(runs.get(), n);
    }
    // The same from another thread.
    let (count, waker) = CountWakes::new();
    let handle = core.handle();
    thread::spawn(move || drop(handle.spawn(async move { waker.wake() })))
        .join()
        .unwrap();
    core.turn(NOW).unwrap();
    assert_eq!(count.get(), 1);
}

#[test]
fn turn_waits_no_longer_than_it_is_told_and_not_at_all_while_there_is_work() {
    let mut core = Core::new().unwrap();
    let begin = Instant::now();
    core.turn(Some(Duration::from_millis(20))).unwrap();
    assert!(begin.elapsed() >= Duration::from_millis(20));
    drop(core.spawner().spawn(pending::<()>()));
    within_reason(move || {
        let mut core = Core::new().unwrap();
        drop(core.spawner().spawn(pending::<()>()));
        // With work, it would wait for ever otherwise.
        core.turn(None).unwrap();
    });
}

#[test]
fn a_wake_from_another_thread_ends_a_wait_without_limit() {
    within_reason(|| {
        let mut core = Core::new().unwrap();
        for _ in 0..100 {
            let (send, receive) = oneshot::channel();
            let sender = thread::spawn(move || send.send(()).unwrap());
            core.run(receive).unwrap().unwrap();
            sender.join().unwrap();
        }
    });
}

#[test]
fn next_deadline_is_none_now_or_the_next_timer() {
    let mut core = Core::new().unwrap();
    assert!(core.next_deadline().is_none());
    let begin = Instant::now();
    let handle = core.handle();
    let mut far = handle.sleep(Duration::from_secs(3_600));
    let mut near = handle.sleep(Duration::from_secs(60));
    assert!(core.next_deadline().is_none(), "nobody has polled a timer");
    assert!(poll_with(&mut far, Waker::noop()).is_pending());
    assert!(poll_with(&mut near, Waker::noop()).is_pending());
    let deadline = core.next_deadline().unwrap();
    // A little before is allowed (it costs a turn), after is not.
    assert!(deadline <= begin + Duration::from_secs(61));
    assert!(deadline >= begin + Duration::from_secs(50));
    drop(near);
    assert!(core.next_deadline().unwrap() > begin + Duration::from_secs(1_000));
    drop(far);
    assert!(core.next_deadline().is_none());
    drop(core.spawner().spawn(async {}));
    assert!(core.next_deadline().unwrap() <= Instant::now());
    settle(&mut core);
    assert!(core.next_deadline().is_none());
}

#[test]
fn a_core_inside_of_a_foreign_block_on_inside_of_a_task_is_refused_and_both_go_on() {
    let mut core = Core::new().unwrap();
    let mut other = Core::new().unwrap();
    let output = core
        .run(async {
            futures::executor::block_on(async {
                assert_eq!(other.run(async {}).unwrap_err().kind(), ErrorKind::Deadlock);
            });
            5
        })
        .unwrap();
    assert_eq!(output, 5);
    other.run(async {}).unwrap();
}

#[test]
fn a_core_may_be_dropped_inside_of_another_ones_task() {
    let mut core = Core::new().unwrap();
    let other = Core::new().unwrap();
    let (stream, _peer) = unix_pair(&other.handle());
    let task = other.spawner().spawn(pending::<()>());
    run(&mut core, async {
        drop(other);
        common::assert_gone(stream.readable().await);
        assert!(task.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn a_thousand_cores_leave_no_descriptor_behind() {
    child::alone("a_thousand_cores_leave_no_descriptor_behind", || {
        let descriptors = open_descriptors();
        for n in 0..1_000 {
            let mut core = Core::new().unwrap();
            let handle = core.handle();
            let (stream, peer) = unix_pair(&handle);
            let task = core.spawner().spawn(async move {
                stream.readable().await.unwrap();
                pending::<()>().await;
                drop(stream);
            });
            if n % 2 == 0 {
                settle(&mut core);
            }
            drop((peer, task, core));
        }
        assert_eq!(open_descriptors(), descriptors);
        let many: Vec<_> = (0..64).map(|_| Core::new().unwrap()).collect();
        drop(many);
        assert_eq!(open_descriptors(), descriptors);
    });
}

#[test]
fn no_descriptor_is_inherited_by_a_program_that_is_started() {
    let core = Core::new().unwrap();
    let (_stream, _peer) = unix_pair(&core.handle());
    let list = std::process::Command::new("ls")
        .arg("-l")
        .arg("/proc/self/fd")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&list.stdout);
    assert!(
        !text.contains("eventpoll") && !text.contains("eventfd"),
        "{text}"
    );
}

#[test]
fn metrics_count_what_happened() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    assert_eq!(handle.metrics(), reactor::Metrics::default());
    let (stream, mut peer) = unix_pair(&handle);
    assert_eq!(handle.metrics().registered, 1);
    let task = core.spawner().spawn(async move {
        async_io::read_exact(&mut &stream, &mut [0; 2])
            .await
            .unwrap();
    });
    settle(&mut core);
    for n in 1..=2 {
        peer.write_all(b"x").unwrap();
        settle(&mut core);
        assert_eq!((handle.metrics().events, handle.metrics().wakeups), (n, n));
    }
    let metrics = handle.metrics();
    assert_eq!((metrics.spawned, metrics.polls), (1, 3));
    assert_eq!((metrics.registered, metrics.stale_events), (0, 0));
    assert!(task.is_finished());
    run(&mut core, handle.sleep(Duration::from_millis(1))).unwrap();
    assert_eq!(handle.metrics().timers_fired, 1);
}
