//! Nobody starves: not I/O, not timers, not other tasks, not messages from other threads.

mod common;

use std::{
    cell::Cell,
    future::poll_fn,
    io::{Read, Write},
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::Poll,
    thread,
    time::Duration,
};

use common::{run, unix_pair, within_reason};
use futures::{channel::oneshot, future::join_all};
use io_traits::{io as async_io, task};
use reactor::Core;

/// A task that is always ready, until the flag falls.
fn busy(core: &Core) -> Rc<Cell<bool>> {
    let on = Rc::new(Cell::new(true));
    let still_on = on.clone();
    drop(core.spawner().spawn(poll_fn(move |cx| {
        if !still_on.get() {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })));
    on
}

#[test]
fn tasks_that_wake_themselves_starve_neither_io_nor_timers_nor_messages() {
    within_reason(|| {
        let mut core = Core::new().unwrap();
        let busy: Vec<_> = (0..200).map(|_| busy(&core)).collect();
        let handle = core.handle();
        let (stream, mut peer) = unix_pair(&handle);
        let echo = core.spawner().spawn(async move {
            let (mut reader, mut writer) = (&stream, &stream);
            async_io::copy(&mut reader, &mut writer).await.unwrap()
        });
        let client = thread::spawn(move || {
            for n in 0..50 {
                peer.write_all(&[n]).unwrap();
                let mut answer = [0; 1];
                peer.read_exact(&mut answer).unwrap();
                assert_eq!(answer, [n]);
            }
        });
        let copied = run(&mut core, async {
            for _ in 0..20 {
                handle.sleep(Duration::from_micros(200)).await.unwrap();
                let (send, receive) = oneshot::channel();
                thread::spawn(move || send.send(()).unwrap());
                receive.await.unwrap();
            }
            echo.await.unwrap()
        });
        assert_eq!(copied, 50);
        client.join().unwrap();
        busy.iter().for_each(|on| on.set(false));
    });
}

#[test]
fn a_root_future_that_wakes_itself_lets_tasks_io_and_timers_go_on() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let (stream, mut peer) = unix_pair(&handle);
    peer.write_all(b"x").unwrap();
    let task = core.spawner().spawn(async move {
        handle.sleep(Duration::from_millis(1)).await.unwrap();
        async_io::read_exact(&mut &stream, &mut [0; 1])
            .await
            .unwrap();
    });
    run(
        &mut core,
        poll_fn(|cx| {
            if task.is_finished() {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        }),
    );
}

#[test]
fn the_poller_is_asked_at_least_once_every_64_polls() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let on = busy(&core);
    let mut left = 6_400;
    let before = handle.metrics();
    run(
        &mut core,
        poll_fn(|cx| {
            left -= 1;
            if left == 0 {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        }),
    );
    let after = handle.metrics();
    assert!(after.turns - before.turns >= 2 * 6_400 / 64 - 2);
    assert_eq!(after.sleeps, before.sleeps, "there was work all the time");
    on.set(false);
}

/// A socket that always has data is a task that is never done.
#[test]
fn a_socket_that_always_has_data_does_not_starve_another_task() {
    // Guarded from outside: who starves the others starves the timers, too.
    within_reason(read_a_flood);
}

fn read_a_flood() {
    let mut core = Core::new().unwrap();
    let (stream, mut peer) = unix_pair(&core.handle());
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = stop.clone();
    // The peer keeps the socket full, however fast it is read.
    let flood = thread::spawn(move || {
        while !stopped.load(Ordering::Relaxed) {
            if peer.write_all(&[7; 16 * 1024]).is_err() {
                break;
            }
        }
    });
    let read = Rc::new(Cell::new(0));
    let (hot, hot_read) = (read.clone(), read);
    let hot = core.spawner().spawn(async move {
        let mut stream = stream;
        // One byte at a time: there always are more.
        let mut byte = [0; 1];
        while task::io(|| stream.read(&mut byte)).await.unwrap() > 0 {
            hot.set(hot.get() + 1);
        }
    });
    let most = Rc::new(Cell::new(0));
    let turns = poll_fn({
        let (mut last, most) = (0, most.clone());
        move |cx| {
            most.set(most.get().max(hot_read.get() - last));
            last = hot_read.get();
            if last >= 100_000 {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        }
    });
    run(&mut core, turns);
    // Another task is polled after each budget's worth of reads.
    assert!(
        (1..=128).contains(&most.get()),
        "{} reads in one poll",
        most.get()
    );
    stop.store(true, Ordering::Relaxed);
    drop((hot, core));
    flood.join().unwrap();
}

#[test]
fn tasks_that_are_ready_take_turns() {
    let mut core = Core::new().unwrap();
    let polls: Vec<_> = (0..50).map(|_| Rc::new(Cell::new(0_usize))).collect();
    let tasks: Vec<_> = polls
        .iter()
        .map(|polls| {
            let polls = polls.clone();
            core.spawner().spawn(poll_fn(move |cx| {
                polls.set(polls.get() + 1);
                if polls.get() == 100 {
                    return Poll::Ready(());
                }
                cx.waker().wake_by_ref();
                Poll::Pending
            }))
        })
        .collect();
    let watched = polls.clone();
    drop(core.spawner().spawn(async move {
        loop {
            let counts = watched.iter().map(|polls| polls.get());
            let (least, most) = (counts.clone().min().unwrap(), counts.max().unwrap());
            assert!(
                most - least <= 1,
                "one was polled {most} times, another {least}"
            );
            let mut yielded = false;
            poll_fn(|cx| {
                cx.waker().wake_by_ref();
                if std::mem::replace(&mut yielded, true) {
                    Poll::Ready(())
                } else {
                    Poll::Pending
                }
            })
            .await;
        }
    }));
    for task in run(&mut core, join_all(tasks)) {
        task.unwrap();
    }
}

#[test]
fn spawns_from_another_thread_while_it_runs_starve_nobody_and_are_all_run() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let done = Arc::new(AtomicUsize::new(0));
    let counted = done.clone();
    let threads: Vec<_> = (0..2)
        .map(|_| {
            let (handle, done) = (handle.clone(), counted.clone());
            thread::spawn(move || {
                for _ in 0..20_000 {
                    let done = done.clone();
                    drop(handle.spawn(async move {
                        done.fetch_add(1, Ordering::Relaxed);
                    }));
                }
            })
        })
        .collect();
    let ticks = run(&mut core, async {
        let mut ticks = 0;
        while done.load(Ordering::Relaxed) < 40_000 {
            handle.sleep(Duration::from_micros(100)).await.unwrap();
            ticks += 1;
        }
        ticks
    });
    assert!(ticks > 0);
    threads
        .into_iter()
        .for_each(|thread| thread.join().unwrap());
    assert_eq!(core.spawner().task_count(), 0);
}

/// A message that leads to the next message, for ever, must not keep the loop in its queue.
#[test]
fn a_task_that_spawns_its_successor_for_ever_starves_nobody() {
    fn next(handle: reactor::Handle, spawned: Arc<AtomicUsize>) {
        let again = handle.clone();
        drop(handle.spawn(async move {
            spawned.fetch_add(1, Ordering::Relaxed);
            next(again, spawned);
        }));
    }
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let spawned = Arc::new(AtomicUsize::new(0));
    next(handle.clone(), spawned.clone());
    run(&mut core, handle.sleep(Duration::from_millis(5))).unwrap();
    assert!(spawned.load(Ordering::Relaxed) > 0);
}

/// Inside of a task the budget does not come back until its poll is over, and `block_on` is a poll that is
/// not over before its future is done: it asked for ever.
#[test]
fn a_nested_block_on_is_not_held_up_by_the_budget_of_its_task() {
    let all = within_reason(|| {
        let mut core = Core::new().unwrap();
        run(&mut core, async {
            let (mut reader, bytes) = (&[7; 10_000][..], &mut [0; 10_000]);
            futures::executor::block_on(async {
                for byte in bytes.iter_mut() {
                    async_io::read_exact(&mut reader, std::slice::from_mut(byte)).await?;
                }
                std::io::Result::Ok(())
            })
            .unwrap();
            bytes.iter().all(|byte| *byte == 7)
        })
    });
    assert!(all);
}

/// Sleeps and ticks that are over at once used to cost nothing, so that a loop of them never let go.
#[test]
fn a_loop_of_sleeps_or_ticks_that_are_over_at_once_lets_others_run() {
    within_reason(|| {
        let mut core = Core::new().unwrap();
        let handle = core.handle();
        let ticks = handle.clone();
        drop(core.spawner().spawn(async move {
            let mut interval = ticks.interval(Duration::from_nanos(1)).unwrap();
            while interval.tick().await.is_ok() {}
        }));
        let sleeps = handle.clone();
        drop(
            core.spawner()
                .spawn(async move { while sleeps.sleep(Duration::ZERO).await.is_ok() {} }),
        );
        run(&mut core, handle.sleep(Duration::from_millis(20))).unwrap();
    });
}

/// A limit that were charged like a sleep would find nothing left of the budget each time.
#[test]
fn a_limit_ends_what_uses_up_the_budget_at_every_poll() {
    within_reason(|| {
        let mut core = Core::new().unwrap();
        let handle = core.handle();
        let endless = async {
            loop {
                handle.sleep(Duration::ZERO).await.unwrap();
            }
        };
        let limited = handle.timeout::<std::pin::Pin<Box<dyn Future<Output = ()>>>>(
            Duration::from_millis(20),
            Box::pin(endless),
        );
        assert!(core.run(limited).unwrap().is_err());
    });
}
