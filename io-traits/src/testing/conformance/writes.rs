//! What the checks of a writer have in common. The other end reads.

use std::{
    sync::Arc,
    task::{Poll, Waker},
    time::{Duration, Instant},
};

use super::{
    Law,
    bench::{Bench, Verdict},
    message,
};
use crate::{AsyncRead, AsyncWrite, testing::alarm::Alarm};

/// Writes until the writer takes no more and stays so; false if it takes everything.
pub(super) fn fills<W: AsyncWrite>(bench: &mut Bench<'_>, writer: &mut W) -> Verdict<bool> {
    bench.tell("writes until the writer is full");
    let (alarm, waker) = Alarm::new();
    let chunk = message::of(CHUNK);
    // What has no room for much may have room for a byte.
    let mut sizes = [1].into_iter();
    let mut size = CHUNK;
    let (mut taken, mut idle_wakes) = (0, 0);
    loop {
        let seen = alarm.wakes();
        match bench.write(writer, &waker, &chunk[..size])? {
            Poll::Ready(0) => return bench.broken(Law::Works, "a write took 0 bytes"),
            Poll::Ready(n) => {
                taken += n;
                idle_wakes = 0;
                if taken > NEVER_FULL {
                    return Ok(false);
                }
            }
            Poll::Pending => {
                if !bench.wait_for(&alarm, seen, A_WHILE) {
                    match sizes.next() {
                        Some(next) => size = next,
                        None => return Ok(true),
                    }
                    continue;
                }
                idle_wakes += 1;
                bench.require(Law::NoWakeupLost, idle_wakes < SPURIOUS, || {
                    format!("its task was woken {idle_wakes} times, each time for nothing")
                })?;
            }
        }
    }
}

/// Fills the writer and has all these tasks wait; false if it takes everything.
///
/// A full socket may have room again a moment later, when its peer's system makes some. Then it is
/// filled again.
pub(super) fn waits<W: AsyncWrite>(
    bench: &mut Bench<'_>,
    writer: &mut W,
    tasks: &[Waker],
) -> Verdict<bool> {
    for _ in 0..REFILLS {
        if !fills(bench, writer)? {
            return Ok(false);
        }
        bench.tell(format!(
            "a write of {} tasks, the writer is full",
            tasks.len()
        ));
        let mut pending = 0;
        for waker in tasks {
            if bench.write(writer, waker, b"x")?.is_pending() {
                pending += 1;
            }
        }
        if pending == tasks.len() {
            return Ok(true);
        }
    }
    bench.broken(
        Law::WouldBlockRegisters,
        format!("the writer says that it is full, and never stays so, {REFILLS} times"),
    )
}

/// Reads what the peer has got so far.
pub(super) fn drains<P: AsyncRead>(bench: &mut Bench<'_>, peer: &mut P) -> Verdict {
    bench.tell("the peer reads what is there");
    let (alarm, waker) = Alarm::new();
    let mut buf = vec![0; CHUNK];
    loop {
        let seen = alarm.wakes();
        match bench.read(peer, &waker, &mut buf)? {
            Poll::Ready(0) => return bench.broken(Law::End, "the peer came to an end"),
            Poll::Ready(_) => {}
            Poll::Pending => {
                if !bench.wait_for(&alarm, seen, A_WHILE) {
                    return Ok(());
                }
            }
        }
    }
}

/// Has the peer read until the tasks that wait for room are woken; each comes with the wakes it has seen.
///
/// What a full socket has taken may take its time to come through, so the peer goes on reading: when it is told
/// that there is something, as each further look could be what wakes the others.
pub(super) fn drains_until_woken<P: AsyncRead>(
    bench: &mut Bench<'_>,
    peer: &mut P,
    tasks: &[(Arc<Alarm>, u64)],
    law: Law,
) -> Verdict {
    bench.tell("the peer reads what is there, and what comes");
    let (alarm, waker) = Alarm::new();
    let mut buf = vec![0; CHUNK];
    let since = Instant::now();
    let sleeps = |(alarm, seen): &(Arc<Alarm>, u64)| alarm.wakes() <= *seen;
    loop {
        let seen = alarm.wakes();
        match bench.read(peer, &waker, &mut buf)? {
            Poll::Ready(0) => return bench.broken(Law::End, "the peer came to an end"),
            Poll::Ready(_) => continue,
            Poll::Pending => {}
        }
        while !bench.wait_for(&alarm, seen, A_WHILE) {
            let Some(n) = tasks.iter().position(sleeps) else {
                return Ok(());
            };
            let patience = bench.patience;
            if since.elapsed() > patience {
                let of = tasks.len();
                let how = format!("task {n} of {of} was not woken within {patience:?}");
                return bench.broken(law, how);
            }
        }
    }
}

pub(super) const CHUNK: usize = 4_096;
pub(super) const REFILLS: u32 = 50;
pub(super) const A_WHILE: Duration = Duration::from_millis(30);
const NEVER_FULL: usize = 1 << 26;
const SPURIOUS: u32 = 1_000;
