//! What is checked of a reader. The other end writes.

use std::{
    future::Future,
    io::ErrorKind,
    pin::pin,
    sync::{Arc, Weak},
    task::{Context, Poll, Waker},
    time::Duration,
};

use super::{
    Law,
    bench::{Bench, Verdict},
    message,
};
use crate::{
    AsyncRead, AsyncWrite, io,
    task::{NotInTask, attempt::enter_once},
    testing::alarm::Alarm,
};

/// Nothing is there, so a read waits.
fn waits<R: AsyncRead>(bench: &mut Bench<'_>, reader: &mut R, waker: &Waker) -> Verdict {
    match bench.read(reader, waker, &mut [7; 16])? {
        Poll::Pending => Ok(()),
        Poll::Ready(0) => bench.broken(Law::End, "a read said 0 bytes, although the peer is there"),
        Poll::Ready(n) => bench.broken(
            Law::BytesIntact,
            format!("a read gave {n} bytes that nobody has sent"),
        ),
    }
}

/// One byte, for which there is room everywhere.
fn sends<P: AsyncWrite>(bench: &mut Bench<'_>, peer: &mut P) -> Verdict {
    bench.tell("the peer sends a byte");
    bench.finish("the peer's write", io::write_all(peer, BYTE))?;
    bench.finish("the peer's flush", io::flush(peer))
}

/// The byte that has been sent.
fn receives<R: AsyncRead>(bench: &mut Bench<'_>, reader: &mut R) -> Verdict {
    let mut received = [0];
    bench.finish("read_exact", io::read_exact(reader, &mut received))?;
    bench.require(Law::BytesIntact, received == *BYTE, || {
        message::difference(&received, BYTE)
    })
}

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

pub(super) fn outside_of_a_task_a_read_says_so<R: AsyncRead, P: AsyncWrite>(
    bench: &mut Bench<'_>,
    mut reader: R,
    mut peer: P,
) -> Verdict {
    bench.tell("Read::read outside of any task, nothing is there");
    refuses(bench, &mut reader)?;
    let (alarm, waker) = Alarm::new();
    let seen = alarm.wakes();
    waits(bench, &mut reader, &waker)?;
    sends(bench, &mut peer)?;
    bench.woken(&alarm, seen, Law::WouldBlockRegisters, "the task")?;
    bench.tell("Read::read outside of any task, data is there");
    refuses(bench, &mut reader)?;
    receives(bench, &mut reader)
}

fn refuses<R: AsyncRead>(bench: &mut Bench<'_>, reader: &mut R) -> Verdict {
    match bench.at_once(|| reader.read(&mut [7; 16]))? {
        Err(error) if NotInTask::is_source_of(&error) => Ok(()),
        result => bench.broken(
            Law::NoSilentHang,
            format!("it returned {result:?}, not an error with the source NotInTask"),
        ),
    }
}

pub(super) fn what_is_in_the_buffer_makes_no_difference<R: AsyncRead, P: AsyncWrite>(
    bench: &mut Bench<'_>,
    mut reader: R,
    mut peer: P,
) -> Verdict {
    let (alarm, waker) = Alarm::new();
    let sent = message::of(24);
    for pattern in [0x00, 0xFF, 0x55, b'\n'] {
        bench.tell(format!(
            "the peer sends {} bytes; reads into buffers full of {pattern:#04x}",
            sent.len()
        ));
        let mut sends = pin!(async {
            io::write_all(&mut peer, &sent).await?;
            io::flush(&mut peer).await
        });
        let mut sending = true;
        let mut got = Vec::new();
        while got.len() < sent.len() || sending {
            let seen = alarm.wakes();
            if sending {
                let polled = sends.as_mut().poll(&mut Context::from_waker(&waker));
                sending = bench.works(polled)?.is_pending();
            }
            if got.len() >= sent.len() {
                if sending {
                    bench.woken(&alarm, seen, Law::NoWakeupLost, "the task of the peer")?;
                }
                continue;
            }
            let mut buf = [pattern; 7];
            match bench.read(&mut reader, &waker, &mut buf)? {
                Poll::Ready(0) => {
                    return bench.broken(Law::End, "a read said 0 bytes, although there are more");
                }
                Poll::Ready(n) => got.extend_from_slice(&buf[..n]),
                Poll::Pending => bench.woken(&alarm, seen, Law::WouldBlockRegisters, "the task")?,
            }
        }
        bench.require(Law::BuffersOnlyWritten, got == sent, || {
            message::difference(&got, &sent)
        })?;
    }
    Ok(())
}

pub(super) fn a_read_into_nothing_is_answered_at_once<R: AsyncRead, P: AsyncWrite>(
    bench: &mut Bench<'_>,
    mut reader: R,
    mut peer: P,
) -> Verdict {
    let (alarm, waker) = Alarm::new();
    bench.tell("a read into an empty buffer, nothing is there");
    nothing(bench, &mut reader)?;
    let seen = alarm.wakes();
    waits(bench, &mut reader, &waker)?;
    sends(bench, &mut peer)?;
    bench.woken(&alarm, seen, Law::WouldBlockRegisters, "the task")?;
    bench.tell("a read into an empty buffer, data is there");
    nothing(bench, &mut reader)?;
    receives(bench, &mut reader)?;
    bench.finish("the peer's shutdown", io::shutdown(&mut peer))?;
    bench.tell("a read into an empty buffer, at the end");
    nothing(bench, &mut reader)
}

fn nothing<R: AsyncRead>(bench: &mut Bench<'_>, reader: &mut R) -> Verdict {
    let polled = bench.read(reader, Waker::noop(), &mut [])?;
    bench.require(Law::EmptyBuffers, polled == Poll::Ready(0), || {
        format!("it was {polled:?}")
    })
}

pub(super) fn the_end_is_the_end<R: AsyncRead, P: AsyncWrite>(
    bench: &mut Bench<'_>,
    mut reader: R,
    mut peer: P,
) -> Verdict {
    sends(bench, &mut peer)?;
    receives(bench, &mut reader)?;
    let (alarm, waker) = Alarm::new();
    let seen = alarm.wakes();
    waits(bench, &mut reader, &waker)?;
    bench.tell("the peer shuts down while a read waits");
    bench.finish("the peer's shutdown", io::shutdown(&mut peer))?;
    bench.woken(&alarm, seen, Law::WouldBlockRegisters, "the task")?;
    for time in 1..=3 {
        let mut buf = [7; 4];
        let n = bench.finish_by(
            Law::End,
            "a read at the end",
            io::read(&mut reader, &mut buf),
        )?;
        bench.require(Law::End, n == 0, || {
            format!("read number {time} at the end said {n} bytes")
        })?;
    }
    drop(peer);
    Ok(())
}

pub(super) fn a_reader_dropped_while_it_waits_is_no_harm<R: AsyncRead, P: AsyncWrite>(
    bench: &mut Bench<'_>,
    mut reader: R,
    mut peer: P,
) -> Verdict {
    let (_alarm, waker) = Alarm::new();
    waits(bench, &mut reader, &waker)?;
    bench.tell("the reader is dropped; the peer writes");
    bench.at_once(|| drop(reader))?;
    drop(waker);
    // An error is as good as a byte taken; a panic is neither.
    let polled = peer.poll_write_from(&mut Context::from_waker(Waker::noop()), b"x");
    let _ = bench.lawful(polled)?;
    Ok(())
}

const BYTE: &[u8; 1] = b"!";
const TASKS: usize = 50;
const FRESH: usize = 4_000;
const SPURIOUS: u32 = 1_000;
const A_WHILE: Duration = Duration::from_millis(30);
