//! A core that a foreign loop drives, by its descriptor. With mio's poll(2) there is none.

#![cfg(not(mio_unsupported_force_poll_poll))]

mod common;

use std::{
    io::Write,
    os::fd::AsFd,
    thread,
    time::{Duration, Instant},
};

use common::{CountWakes, is_readable, poll_with, run, settle, unix_pair, within_reason};
use futures::channel::oneshot;
use io_traits::io as async_io;
use reactor::Core;

#[test]
fn the_descriptor_becomes_readable_upon_a_wake_from_another_thread_between_turns() {
    let mut core = Core::new().unwrap();
    let (send, receive) = oneshot::channel();
    let task = core.spawner().spawn(receive);
    let handle = core.handle();
    let mut send = Some(send);
    // Before the first turn, after one, and after a run.
    for round in 0..3 {
        match round {
            0 => {}
            1 => settle(&mut core),
            _ => core.run(async {}).unwrap(),
        }
        while is_readable(core.as_fd(), 0) {
            core.turn(NOW).unwrap();
        }
        let handle = handle.clone();
        thread::spawn(move || drop(handle.spawn(async {})))
            .join()
            .unwrap();
        assert!(
            is_readable(core.as_fd(), 2_000),
            "round {round}: nobody rang"
        );
        settle(&mut core);
    }
    let sender = send.take().unwrap();
    thread::spawn(move || sender.send(5).unwrap())
        .join()
        .unwrap();
    assert!(is_readable(core.as_fd(), 2_000));
    settle(&mut core);
    assert_eq!(run(&mut core, task).unwrap(), Ok(5));
}

#[test]
fn the_descriptor_becomes_readable_upon_an_event_and_a_timer_from_another_thread() {
    let mut core = Core::new().unwrap();
    let (stream, mut peer) = unix_pair(&core.handle());
    settle(&mut core);
    peer.write_all(b"x").unwrap();
    assert!(is_readable(core.as_fd(), 2_000));
    settle(&mut core);
    drop(stream);
    assert!(core.next_deadline().is_none());

    let handle = core.handle();
    let sleeper = thread::spawn(move || {
        let mut sleep = handle.sleep(Duration::from_millis(30));
        let (count, waker) = CountWakes::new();
        assert!(poll_with(&mut sleep, &waker).is_pending());
        (sleep, count)
    });
    let (_sleep, count) = sleeper.join().unwrap();
    // The loop outside has to hear that there is a deadline now.
    assert!(
        is_readable(core.as_fd(), 2_000),
        "nobody rang for the new deadline"
    );
    common::turn_until(&mut core, || count.get() == 1);
}

/// The wait of a foreign loop may be of whole milliseconds as well.
#[test]
fn the_descriptor_becomes_readable_when_a_short_timer_is_due_that_was_asked_for() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    for round in 0..20 {
        let mut sleep = handle.sleep(Duration::from_micros(700));
        let (count, waker) = CountWakes::new();
        if poll_with(&mut sleep, &waker).is_ready() {
            continue;
        }
        settle(&mut core);
        let deadline = core.next_deadline();
        if deadline.is_some_and(|deadline| deadline > Instant::now()) {
            assert!(is_readable(core.as_fd(), 2_000), "round {round}: a hang");
        }
        core.turn(NOW).unwrap();
        assert_eq!(count.get(), 1, "round {round}: early");
    }
}

/// A foreign loop drives the core by what it is promised alone: the descriptor and the deadline.
#[test]
fn a_foreign_loop_can_drive_a_core_with_remote_wakes_events_and_timers() {
    within_reason(|| {
        let mut core = Core::new().unwrap();
        let handle = core.handle();
        let (stream, mut peer) = unix_pair(&handle);
        let (to_peer, from_core) = std::sync::mpsc::channel();
        let task = core.spawner().spawn(async move {
            let mut stream = stream;
            for _ in 0..50 {
                to_peer.send(()).unwrap();
                async_io::read_exact(&mut stream, &mut [0; 1])
                    .await
                    .unwrap();
                handle.sleep(Duration::from_micros(300)).await.unwrap();
                let (send, receive) = oneshot::channel();
                thread::spawn(move || send.send(()).unwrap());
                receive.await.unwrap();
            }
        });
        let writer = thread::spawn(move || {
            for () in from_core {
                peer.write_all(b"x").unwrap();
            }
        });
        while !task.is_finished() {
            let wait = match core.next_deadline() {
                Some(deadline) => {
                    deadline
                        .saturating_duration_since(Instant::now())
                        .as_millis()
                        + 1
                }
                None => 5_000,
            };
            let readable = is_readable(core.as_fd(), wait as i64);
            assert!(readable || wait < 5_000, "the loop stood still");
            core.turn(NOW).unwrap();
        }
        drop(core);
        writer.join().unwrap();
    });
}

const NOW: Option<Duration> = Some(Duration::ZERO);
