//! Whether the tasks that wait for a write are woken.

use std::{
    future::{Future, poll_fn},
    io::ErrorKind,
    pin::Pin,
    task::{Context, Poll, ready},
};

use super::{
    Law,
    bench::{Bench, Verdict},
    writes::{CHUNK, REFILLS, drains_until_woken, fills, waits},
};
use crate::{AsyncRead, AsyncWrite, io, task::attempt::enter_once, testing::alarm::Alarm};

pub(super) fn a_write_that_waits_is_woken<W: AsyncWrite, P: AsyncRead>(
    bench: &mut Bench<'_>,
    mut writer: W,
    mut peer: P,
) -> Verdict {
    let (alarm, waker) = Alarm::new();
    let seen = alarm.wakes();
    if !waits(bench, &mut writer, &[waker])? {
        return Ok(());
    }
    let law = Law::WouldBlockRegisters;
    drains_until_woken(bench, &mut peer, &[(alarm, seen)], law)?;
    // It was woken because it may make progress; so in the end it does, if the peer goes on reading.
    let mut write = io::write(&mut writer, b"x");
    let mut buf = vec![0; CHUNK];
    let goes_on = poll_fn(|cx| {
        loop {
            if let Poll::Ready(n) = Pin::new(&mut write).poll(cx)? {
                return Poll::Ready(Ok(n));
            }
            if ready!(Pin::new(&mut io::read(&mut peer, &mut buf)).poll(cx))? == 0 {
                return Poll::Ready(Err(ErrorKind::UnexpectedEof.into()));
            }
        }
    });
    bench.finish("the write that waited, while the peer reads", goes_on)?;
    Ok(())
}

pub(super) fn a_plain_write_that_would_block_registers<W: AsyncWrite, P: AsyncRead>(
    bench: &mut Bench<'_>,
    mut writer: W,
    mut peer: P,
) -> Verdict {
    let (alarm, waker) = Alarm::new();
    for _ in 0..REFILLS {
        if !fills(bench, &mut writer)? {
            return Ok(());
        }
        let seen = alarm.wakes();
        bench.tell("Write::write in a task, the writer is full");
        let mut cx = Context::from_waker(&waker);
        let (result, registered) = bench.at_once(|| enter_once(&mut cx, || writer.write(b"x")))?;
        match result {
            // It has room again.
            Ok(1) => continue,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            result => return bench.broken(Law::Works, format!("it returned {result:?}")),
        }
        bench.require(Law::WouldBlockRegisters, registered, || {
            "it returned WouldBlock, and had the task registered with nobody".to_owned()
        })?;
        let law = Law::WouldBlockRegisters;
        return drains_until_woken(bench, &mut peer, &[(alarm, seen)], law);
    }
    Ok(())
}

pub(super) fn all_tasks_that_write_are_woken<W: AsyncWrite, P: AsyncRead>(
    bench: &mut Bench<'_>,
    mut writer: W,
    mut peer: P,
) -> Verdict {
    let (tasks, wakers): (Vec<_>, Vec<_>) = (0..TASKS)
        .map(|_| Alarm::new())
        .map(|(alarm, waker)| ((alarm, 0), waker))
        .unzip();
    if !waits(bench, &mut writer, &wakers)? {
        return Ok(());
    }
    drains_until_woken(bench, &mut peer, &tasks, Law::NoWakeupLost)
}

const TASKS: usize = 50;
