//! Counted, not timed: system calls and wakes, in a child process that strace watches. They are those of
//! epoll.
#![cfg(not(mio_unsupported_force_poll_poll))]

mod common;

use std::{
    cell::Cell,
    future::{Future, poll_fn},
    pin::pin,
    rc::Rc,
    sync::{Arc, Barrier},
    task::{Poll, Waker},
    thread,
    time::Duration,
};

use common::{child, run};
use futures::channel::oneshot;
use reactor::Core;

/// How a remote wake looks to strace: written to an eventfd, or to a pipe.
const RING: &str = match cfg!(mio_unsupported_force_waker_pipe) {
    true => "\"\\1\", 1)",
    false => "\"\\1\\0\\0\\0\\0\\0\\0\\0\", 8)",
};

/// Outside of `run` the loop counts as asleep: that is once before it and once after it. Whoever wakes last
/// may still have to ring when the loop has already seen the wake.
const OUTSIDE: u64 = 2;

#[test]
fn ten_thousand_wakes_from_another_thread_write_no_more_often_than_the_loop_slept() {
    let test = "ten_thousand_wakes_from_another_thread_write_no_more_often_than_the_loop_slept";
    let trace = child::traced(test, &["-e", "trace=write,statx"], || {
        let mut core = Core::new().unwrap();
        let handle = core.handle();
        let waker = Rc::new(Cell::new(None));
        let given = waker.clone();
        let task = core.spawner().spawn(poll_fn(move |cx| {
            given.set(Some(cx.waker().clone()));
            Poll::<()>::Pending
        }));
        core.turn(Some(Duration::ZERO)).unwrap();
        let waker: Waker = waker.take().unwrap();
        let before = handle.metrics();
        child::watched(|| {
            let (send, receive) = oneshot::channel();
            let other = thread::spawn(move || {
                for _ in 0..10_000 {
                    waker.wake_by_ref();
                }
                send.send(()).unwrap();
            });
            run(&mut core, receive).unwrap();
            other.join().unwrap();
        });
        let after = handle.metrics();
        let (rings, sleeps) = (
            after.interrupts - before.interrupts,
            after.sleeps - before.sleeps,
        );
        assert!(
            rings <= sleeps + OUTSIDE,
            "{rings} rings in {sleeps} sleeps"
        );
        // For the parent: it is told how often the loop slept by writing to nowhere.
        let told = format!("slept {sleeps} rang {rings}");
        std::io::Write::write_all(
            &mut std::fs::File::create("/dev/null").unwrap(),
            told.as_bytes(),
        )
        .unwrap();
        drop(task);
    });
    if let Some(trace) = trace {
        let told = trace.line("slept ");
        let number = |word: &str| -> usize {
            let after = told.split(word).nth(1).unwrap();
            after
                .trim_start()
                .split(|c: char| !c.is_ascii_digit())
                .next()
                .unwrap()
                .parse()
                .unwrap()
        };
        let writes = trace.lines_of_all_threads(RING);
        assert_eq!(writes, number("rang"), "the metric is what strace sees");
        assert!(writes <= number("slept") + OUTSIDE as usize);
    }
}

/// The metric is what strace sees: the test before.
#[test]
fn a_million_wakes_from_eight_threads_interrupt_each_sleep_once_at_most() {
    const THREADS: usize = 8;
    const WAKES: usize = 125_000;
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let waker = Rc::new(Cell::new(None));
    let given = waker.clone();
    let task = core.spawner().spawn(poll_fn(move |cx| {
        given.set(Some(cx.waker().clone()));
        Poll::<()>::Pending
    }));
    core.turn(Some(Duration::ZERO)).unwrap();
    let waker: Waker = waker.take().unwrap();
    let before = handle.metrics();
    let (done, ended): (Vec<_>, Vec<_>) = (0..THREADS).map(|_| oneshot::channel()).unzip();
    let threads: Vec<_> = done
        .into_iter()
        .map(|done| {
            let waker = waker.clone();
            thread::spawn(move || {
                (0..WAKES).for_each(|_| waker.wake_by_ref());
                done.send(()).unwrap();
            })
        })
        .collect();
    run(&mut core, futures::future::join_all(ended));
    threads
        .into_iter()
        .for_each(|thread| thread.join().unwrap());
    let after = handle.metrics();
    let (rings, sleeps) = (
        after.interrupts - before.interrupts,
        after.sleeps - before.sleeps,
    );
    assert!(
        rings <= sleeps + OUTSIDE,
        "{rings} rings in {sleeps} sleeps"
    );
    // A wake of a task that is in the queue already is no work for the loop.
    let polls = after.polls - before.polls;
    assert!(polls < (THREADS * WAKES) as u64, "{polls} polls");
    drop(task);
}

/// A loop that does not sleep need not be woken.
#[test]
fn a_loop_that_never_sleeps_is_never_rung_for() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let (send, mut receive) = oneshot::channel();
    let start = Arc::new(Barrier::new(2));
    let started = start.clone();
    let remote = handle.clone();
    let other = thread::spawn(move || {
        started.wait();
        // At any moment of a turn, not one close after the other.
        let mut random = common::Random::new(1);
        for _ in 0..10_000 {
            drop(remote.spawn(async {}));
            (0..random.below(2_000)).for_each(|_| std::hint::spin_loop());
        }
        send.send(()).unwrap();
    });
    let mut start = Some(start);
    let before = handle.metrics();
    let during = run(
        &mut core,
        poll_fn(|cx| {
            if let Some(start) = start.take() {
                start.wait();
            }
            cx.waker().wake_by_ref();
            match receive.try_recv() {
                Ok(Some(())) => Poll::Ready(handle.metrics()),
                _ => Poll::Pending,
            }
        }),
    );
    other.join().unwrap();
    let (rings, sleeps) = (
        during.interrupts - before.interrupts,
        during.sleeps - before.sleeps,
    );
    assert_eq!(sleeps, 0, "it always had work");
    assert!(rings <= 1, "{rings} writes to a loop that never slept");
}

#[test]
fn sixty_sleeps_cost_sixty_waits_and_no_ring() {
    let test = "sixty_sleeps_cost_sixty_waits_and_no_ring";
    let trace = child::traced(test, &[], || {
        let mut core = Core::new().unwrap();
        let handle = core.handle();
        core.run(async {}).unwrap();
        child::watched(|| {
            core.run(async {
                for _ in 0..60 {
                    // The shortest that never take the alarm, not even on a busy machine.
                    handle.sleep(Duration::from_millis(8)).await.unwrap();
                }
            })
            .unwrap();
        });
        assert_eq!(handle.metrics().interrupts, 0);
    });
    if let Some(trace) = trace {
        // Fewer if the thread was kept from running until a sleep was over before it began.
        let calls = trace.all_calls();
        assert!((45..=60).contains(&calls.len()), "{} calls", calls.len());
        assert!(calls.iter().all(|call| *call == "epoll_wait"), "{calls:?}");
    }
}

#[test]
fn a_short_sleep_costs_no_more_than_three_waits() {
    let test = "a_short_sleep_costs_no_more_than_three_waits";
    let trace = child::traced(test, &[], || {
        let mut core = Core::new().unwrap();
        let handle = core.handle();
        child::watched(|| {
            core.run(handle.sleep(Duration::from_micros(300)))
                .unwrap()
                .unwrap()
        });
    });
    if let Some(trace) = trace {
        assert!(trace.calls("epoll_wait") <= 3);
    }
}

/// The poller's limit is of whole milliseconds: the alarm is for what that is too long for.
#[test]
fn a_sleep_of_a_fraction_of_a_millisecond_sets_the_alarm_once_and_waits_once() {
    let test = "a_sleep_of_a_fraction_of_a_millisecond_sets_the_alarm_once_and_waits_once";
    let trace = child::traced(test, &[], || {
        let mut core = Core::new().unwrap();
        let handle = core.handle();
        core.run(handle.sleep(Duration::from_micros(300)))
            .unwrap()
            .unwrap();
        child::watched(|| {
            core.run(async {
                for _ in 0..100 {
                    handle.sleep(Duration::from_micros(300)).await.unwrap();
                }
                // Long ones need none.
                for _ in 0..3 {
                    handle.sleep(Duration::from_micros(20_300)).await.unwrap();
                }
            })
            .unwrap();
        });
        assert_eq!(handle.metrics().interrupts, 0);
    });
    if let Some(trace) = trace {
        // Fewer if the thread was kept from running until a sleep was over before it began.
        let alarms = trace.calls("timerfd_settime");
        assert!((50..=100).contains(&alarms), "{alarms} alarms");
        let calls = trace.all_calls();
        assert!(calls.len() <= 2 * 100 + 3 * 2, "{calls:?}");
    }
}

/// Too many open files: a sleep is as exact as the poller's limit then.
#[test]
fn without_an_alarm_short_sleeps_end_all_the_same() {
    let test = "without_an_alarm_short_sleeps_end_all_the_same";
    let refused = "inject=timerfd_create:error=EMFILE";
    let trace = child::traced(test, &["-e", refused], || {
        let mut core = Core::new().unwrap();
        let handle = core.handle();
        child::watched(|| {
            core.run(async {
                for _ in 0..10 {
                    let begin = std::time::Instant::now();
                    handle.sleep(Duration::from_micros(300)).await.unwrap();
                    assert!(begin.elapsed() >= Duration::from_micros(300));
                }
            })
            .unwrap();
        });
    });
    if let Some(trace) = trace {
        assert!(trace.calls("timerfd_create") > 0, "it was not asked for");
        assert_eq!(trace.calls("timerfd_settime"), 0);
        // It neither spins nor waits twice for a sleep.
        assert!(trace.calls("epoll_wait") <= 2 * 10);
    }
}

#[test]
fn a_wake_on_the_loops_own_thread_takes_no_system_call() {
    let test = "a_wake_on_the_loops_own_thread_takes_no_system_call";
    const ROUNDS: u32 = 6_400;
    let trace = child::traced(test, &[], || {
        let mut core = Core::new().unwrap();
        // Two tasks wake each other.
        let wakers: Rc<[Cell<Option<Waker>>; 2]> = Rc::default();
        for own in 0..2 {
            let wakers = wakers.clone();
            drop(core.spawner().spawn(poll_fn(move |cx| {
                wakers[own].set(Some(cx.waker().clone()));
                if let Some(other) = wakers[1 - own].take() {
                    other.wake();
                }
                Poll::<()>::Pending
            })));
        }
        let mut left = ROUNDS;
        child::watched(|| {
            core.run(poll_fn(|cx| {
                left -= 1;
                cx.waker().wake_by_ref();
                if left == 0 {
                    Poll::Ready(())
                } else {
                    Poll::Pending
                }
            }))
            .unwrap();
        });
        assert!(core.handle().metrics().polls > u64::from(ROUNDS) / 2);
        assert_eq!(core.handle().metrics().interrupts, 0);
    });
    if let Some(trace) = trace {
        let calls = trace.all_calls();
        assert!(calls.iter().all(|call| *call == "epoll_wait"), "{calls:?}");
        // Only the poller is asked, once every 64 polls.
        assert!(
            calls.len() <= 3 * ROUNDS as usize / 64 + 2,
            "{}",
            calls.len()
        );
    }
}

#[test]
fn spawning_and_joining_on_the_loops_own_thread_takes_no_system_call() {
    let test = "spawning_and_joining_on_the_loops_own_thread_takes_no_system_call";
    let trace = child::traced(test, &[], || {
        let mut core = Core::new().unwrap();
        let (handle, spawner) = (core.handle(), core.spawner());
        let rounds = async |n: u32| {
            for _ in 0..n {
                spawner.spawn(async {}).await.unwrap();
                handle.spawn(async {}).await.unwrap();
            }
        };
        // The allocator has what it needs after the first rounds.
        core.run(rounds(100)).unwrap();
        child::watched(|| core.run(rounds(500)).unwrap());
    });
    if let Some(trace) = trace {
        let calls = trace.all_calls();
        assert!(calls.iter().all(|call| *call == "epoll_wait"), "{calls:?}");
    }
}

#[test]
fn a_timer_made_and_dropped_unpolled_takes_no_system_call_at_all() {
    let test = "a_timer_made_and_dropped_unpolled_takes_no_system_call_at_all";
    let trace = child::traced(test, &[], || {
        let mut core = Core::new().unwrap();
        let handle = core.handle();
        child::watched(|| {
            for _ in 0..1_000 {
                drop(handle.sleep(Duration::from_millis(1)));
            }
        });
        run(&mut core, async {});
    });
    if let Some(trace) = trace {
        assert_eq!(trace.all_calls(), Vec::<&str>::new());
    }
}

/// An object that nobody waits to write to costs no change of its registration.
#[test]
fn an_object_is_registered_with_one_call_and_changed_only_when_a_task_parks_on_writing() {
    use std::io::{Read, Write};
    let test =
        "an_object_is_registered_with_one_call_and_changed_only_when_a_task_parks_on_writing";
    let trace = child::traced(test, &[], || {
        let mut core = Core::new().unwrap();
        let handle = core.handle();
        child::watched(|| {
            let (stream, mut peer) = common::unix_pair(&handle);
            let message = vec![0; 1 << 20];
            run(&mut core, async {
                for _ in 0..10 {
                    io_traits::io::write_all(&mut &stream, b"x").await.unwrap();
                    peer.read_exact(&mut [0; 1]).unwrap();
                    peer.write_all(b"y").unwrap();
                    io_traits::io::read_exact(&mut &stream, &mut [0; 1])
                        .await
                        .unwrap();
                }
                let mut stream = &stream;
                let mut write = pin!(io_traits::io::write_all(&mut stream, &message));
                // Nobody reads before it waits, or it would not have to.
                let waits = poll_fn(|cx| Poll::Ready(write.as_mut().poll(cx).is_pending())).await;
                assert!(waits, "a message that fits");
                let reader = thread::spawn(move || {
                    peer.read_exact(&mut vec![0; 1 << 20]).unwrap();
                    peer
                });
                write.await.unwrap();
                reader.join().unwrap();
            });
        });
    });
    if let Some(trace) = trace {
        assert_eq!(trace.lines_of_all_threads("EPOLL_CTL_ADD"), 1);
        assert_eq!(trace.lines_of_all_threads("EPOLL_CTL_MOD"), 1);
        assert_eq!(trace.lines_of_all_threads("EPOLL_CTL_DEL"), 1);
    }
}
