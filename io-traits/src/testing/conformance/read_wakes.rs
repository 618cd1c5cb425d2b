//! Whether the tasks that wait for a read are woken, and no more often than that takes.

use std::{
    io::ErrorKind,
    sync::{Arc, Weak},
    task::Context,
    time::Duration,
};

use super::{
    Law,
    bench::{Bench, Verdict},
    message,
    reads::{BYTE, receives, sends, waits},
};
use crate::{AsyncRead, AsyncWrite, task::attempt::enter_once, testing::alarm::Alarm};

pub(super) fn a_read_that_waits_is_woken<R: AsyncRead, P: AsyncWrite>(
    bench: &mut Bench<'_>,
    mut reader: R,
    mut peer: P,
) -> Verdict {
    let (alarm, waker) = Alarm::new();
    for round in 0..3 {
        let seen = alarm.wakes();
        bench.tell(format!("poll_read_into, round {round}, nothing is there"));
        waits(bench, &mut reader, &waker)?;
        sends(bench, &mut peer)?;
        bench.woken(&alarm, seen, Law::WouldBlockRegisters, "the task")?;
        receives(bench, &mut reader)?;
    }
    Ok(())
}

pub(super) fn a_plain_read_that_would_block_registers<R: AsyncRead, P: AsyncWrite>(
    bench: &mut Bench<'_>,
    mut reader: R,
    mut peer: P,
) -> Verdict {
    let (alarm, waker) = Alarm::new();
    let seen = alarm.wakes();
    let mut cx = Context::from_waker(&waker);
    let mut buf = [7; 16];
    bench.tell("Read::read in a task, nothing is there");
    let mut tries = 0;
    loop {
        let (result, registered) =
            bench.at_once(|| enter_once(&mut cx, || reader.read(&mut buf)))?;
        match result {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                bench.require(Law::WouldBlockRegisters, registered, || {
                    "it returned WouldBlock, and had the task registered with nobody".to_owned()
                })?;
                break;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted && tries < 100 => tries += 1,
            Ok(0) => return bench.broken(Law::End, "it said 0 bytes, although the peer is there"),
            result => return bench.broken(Law::Works, format!("it returned {result:?}")),
        }
    }
    sends(bench, &mut peer)?;
    bench.woken(&alarm, seen, Law::WouldBlockRegisters, "the task")?;
    bench.tell("Read::read in the task that was woken");
    let mut got = Vec::new();
    while got.len() < BYTE.len() {
        let seen = alarm.wakes();
        match bench
            .at_once(|| enter_once(&mut cx, || reader.read(&mut buf)))?
            .0
        {
            Ok(n) if n <= buf.len() => {
                bench.require(Law::End, n > 0, || "it said 0 bytes".to_owned())?;
                got.extend_from_slice(&buf[..n]);
            }
            Ok(n) => {
                return bench.broken(
                    Law::BuffersOnlyWritten,
                    format!("it said {n} bytes, for a buffer of {}", buf.len()),
                );
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                bench.woken(&alarm, seen, Law::WouldBlockRegisters, "the task")?;
            }
            Err(error) => return bench.broken(Law::Works, format!("it failed: {error}")),
        }
    }
    bench.require(Law::BytesIntact, got == BYTE, || {
        message::difference(&got, BYTE)
    })
}

pub(super) fn all_tasks_that_read_are_woken<R: AsyncRead, P: AsyncWrite>(
    bench: &mut Bench<'_>,
    mut reader: R,
    mut peer: P,
) -> Verdict {
    let tasks: Vec<_> = (0..TASKS).map(|_| Alarm::new()).collect();
    let mut seen = Vec::new();
    bench.tell(format!("{TASKS} tasks read, nothing is there"));
    for (alarm, waker) in &tasks {
        seen.push(alarm.wakes());
        waits(bench, &mut reader, waker)?;
    }
    sends(bench, &mut peer)?;
    for (n, (alarm, _)) in tasks.iter().enumerate() {
        let who = format!("task {n} of {TASKS}");
        bench.woken(alarm, seen[n], Law::NoWakeupLost, &who)?;
    }
    receives(bench, &mut reader)
}

pub(super) fn a_waker_that_is_replaced_is_the_one_that_is_woken<R: AsyncRead, P: AsyncWrite>(
    bench: &mut Bench<'_>,
    mut reader: R,
    mut peer: P,
) -> Verdict {
    bench.tell("a task reads, nothing is there; then it is polled with another waker");
    let (_, first) = Alarm::new();
    waits(bench, &mut reader, &first)?;
    drop(first);
    let (alarm, second) = Alarm::new();
    let seen = alarm.wakes();
    waits(bench, &mut reader, &second)?;
    sends(bench, &mut peer)?;
    bench.woken(
        &alarm,
        seen,
        Law::NoWakeupLost,
        "the waker of the last poll",
    )?;
    receives(bench, &mut reader)
}

pub(super) fn fresh_wakers_are_not_kept_for_ever<R: AsyncRead, P: AsyncWrite>(
    bench: &mut Bench<'_>,
    mut reader: R,
    peer: P,
) -> Verdict {
    bench.tell(format!(
        "one task reads {FRESH} times, each time with a fresh waker; nothing is there"
    ));
    let mut all: Vec<Weak<Alarm>> = Vec::new();
    for _ in 0..FRESH {
        let (alarm, waker) = Alarm::new();
        waits(bench, &mut reader, &waker)?;
        all.push(Arc::downgrade(&alarm));
    }
    let kept = all.iter().filter(|one| one.strong_count() > 0).count();
    drop(peer);
    bench.require(Law::NoWakeupLost, kept < FRESH / 4, || {
        format!("{kept} of {FRESH} wakers are still kept")
    })
}

pub(super) fn a_read_that_waits_is_not_woken_for_ever<R: AsyncRead, P: AsyncWrite>(
    bench: &mut Bench<'_>,
    mut reader: R,
    peer: P,
) -> Verdict {
    let (alarm, waker) = Alarm::new();
    bench.tell("a task reads, nothing is there, and nothing comes");
    let mut wakes = 0;
    loop {
        let seen = alarm.wakes();
        waits(bench, &mut reader, &waker)?;
        if !bench.wait_for(&alarm, seen, A_WHILE) {
            break;
        }
        wakes += 1;
        bench.require(Law::NoWakeupLost, wakes < SPURIOUS, || {
            format!("it was woken {wakes} times, each time for nothing")
        })?;
    }
    drop(peer);
    Ok(())
}

const TASKS: usize = 50;
const FRESH: usize = 4_000;
const SPURIOUS: u32 = 1_000;
const A_WHILE: Duration = Duration::from_millis(30);
