//! What is checked of a writer. The other end reads.

use std::{
    future::{Future, poll_fn},
    io::{ErrorKind, IoSlice},
    pin::Pin,
    task::{Context, Poll, Waker, ready},
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

/// Writes until the writer takes no more and stays so; returns how many bytes it took, or `None` if it
/// takes everything.
pub(super) fn fills<W: AsyncWrite>(
    bench: &mut Bench<'_>,
    writer: &mut W,
) -> Verdict<Option<usize>> {
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
                    return Ok(None);
                }
            }
            Poll::Pending => {
                if !bench.wait_for(&alarm, seen, A_WHILE) {
                    match sizes.next() {
                        Some(next) => size = next,
                        None => return Ok(Some(taken)),
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
        if fills(bench, writer)?.is_none() {
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

/// Reads what the peer has got so far; returns how many bytes that was.
pub(super) fn drains<P: AsyncRead>(bench: &mut Bench<'_>, peer: &mut P) -> Verdict<usize> {
    bench.tell("the peer reads what is there");
    let (alarm, waker) = Alarm::new();
    let mut buf = vec![0; CHUNK];
    let mut drained = 0;
    loop {
        let seen = alarm.wakes();
        match bench.read(peer, &waker, &mut buf)? {
            Poll::Ready(0) => return bench.broken(Law::End, "the peer came to an end"),
            Poll::Ready(n) => drained += n,
            Poll::Pending => {
                if !bench.wait_for(&alarm, seen, A_WHILE) {
                    return Ok(drained);
                }
            }
        }
    }
}

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
    drains(bench, &mut peer)?;
    bench.woken(&alarm, seen, Law::WouldBlockRegisters, "the task")?;
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
        if fills(bench, &mut writer)?.is_none() {
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
        drains(bench, &mut peer)?;
        return bench.woken(&alarm, seen, Law::WouldBlockRegisters, "the task");
    }
    Ok(())
}

pub(super) fn all_tasks_that_write_are_woken<W: AsyncWrite, P: AsyncRead>(
    bench: &mut Bench<'_>,
    mut writer: W,
    mut peer: P,
) -> Verdict {
    let (alarms, wakers): (Vec<_>, Vec<_>) = (0..TASKS).map(|_| Alarm::new()).unzip();
    let seen: Vec<_> = alarms.iter().map(|alarm| alarm.wakes()).collect();
    if !waits(bench, &mut writer, &wakers)? {
        return Ok(());
    }
    drains(bench, &mut peer)?;
    for (n, alarm) in alarms.iter().enumerate() {
        let who = format!("task {n} of {TASKS}");
        bench.woken(alarm, seen[n], Law::NoWakeupLost, &who)?;
    }
    Ok(())
}

pub(super) fn outside_of_a_task_a_write_says_so<W: AsyncWrite, P: AsyncRead>(
    bench: &mut Bench<'_>,
    mut writer: W,
    mut peer: P,
) -> Verdict {
    bench.tell("Write::write outside of any task, there is room");
    refuses(bench, &mut writer)?;
    if fills(bench, &mut writer)?.is_none() {
        return Ok(());
    }
    bench.tell("Write::write outside of any task, the writer is full");
    refuses(bench, &mut writer)?;
    drains(bench, &mut peer)?;
    Ok(())
}

fn refuses<W: AsyncWrite>(bench: &mut Bench<'_>, writer: &mut W) -> Verdict {
    match bench.at_once(|| writer.write(b"x"))? {
        Err(error) if NotInTask::is_source_of(&error) => Ok(()),
        result => bench.broken(
            Law::NoSilentHang,
            format!("it returned {result:?}, not an error with the source NotInTask"),
        ),
    }
}

pub(super) fn what_was_taken_arrives<W: AsyncWrite, P: AsyncRead>(
    bench: &mut Bench<'_>,
    mut writer: W,
    mut peer: P,
) -> Verdict {
    bench.tell("writes of many sizes, while the peer reads");
    let (alarm, waker) = Alarm::new();
    let message = message::of(20_000);
    let (mut taken, mut arrived) = (0, Vec::new());
    let mut buf = [0; 1_024];
    let mut size = 1;
    let mut flushed = false;
    while arrived.len() < taken || taken < message.len() || !flushed {
        let seen = alarm.wakes();
        let mut waits = true;
        if taken < message.len() {
            size = size * 7 % 2_003;
            let end = message.len().min(taken + size);
            if let Poll::Ready(n) = bench.write(&mut writer, &waker, &message[taken..end])? {
                bench.require(Law::Works, n > 0, || "a write took 0 bytes".to_owned())?;
                taken += n;
                waits = false;
            }
        } else if !flushed {
            let polled = bench.at_once(|| writer.poll_flush(&mut Context::from_waker(&waker)))?;
            flushed = bench.works(polled)?.is_ready();
            waits = !flushed;
        }
        match bench.read(&mut peer, &waker, &mut buf)? {
            Poll::Ready(0) => return bench.broken(Law::End, "the peer came to an end"),
            Poll::Ready(n) => {
                arrived.extend_from_slice(&buf[..n]);
                waits = false;
            }
            Poll::Pending => {}
        }
        let whole = arrived.len() <= taken && message.starts_with(&arrived);
        bench.require(Law::BytesIntact, whole, || {
            message::difference(&arrived, &message[..taken])
        })?;
        if waits && !(arrived.len() == taken && flushed) && !bench.wait(&alarm, seen) {
            let how = format!(
                "{taken} bytes were taken{}, {} arrived, and nobody is woken any more",
                if flushed { " and flushed" } else { "" },
                arrived.len()
            );
            let law = if flushed || taken < message.len() && arrived.len() < taken {
                Law::BytesIntact
            } else {
                Law::NoWakeupLost
            };
            return bench.broken(law, how);
        }
    }
    Ok(())
}

pub(super) fn a_write_of_nothing_is_answered_at_once<W: AsyncWrite, P: AsyncRead>(
    bench: &mut Bench<'_>,
    mut writer: W,
    mut peer: P,
) -> Verdict {
    bench.tell("a write of nothing, there is room");
    nothing(bench, &mut writer)?;
    if fills(bench, &mut writer)?.is_none() {
        return Ok(());
    }
    bench.tell("a write of nothing, the writer is full");
    nothing(bench, &mut writer)?;
    drains(bench, &mut peer)?;
    Ok(())
}

fn nothing<W: AsyncWrite>(bench: &mut Bench<'_>, writer: &mut W) -> Verdict {
    let polled = bench.write(writer, Waker::noop(), &[])?;
    bench.require(Law::EmptyBuffers, polled == Poll::Ready(0), || {
        format!("it was {polled:?}")
    })?;
    let slices = [IoSlice::new(&[]), IoSlice::new(&[])];
    let mut cx = Context::from_waker(Waker::noop());
    let polled = bench.at_once(|| writer.poll_write_slices(&mut cx, &slices))?;
    let polled = bench.works(polled)?;
    bench.require(Law::EmptyBuffers, polled == Poll::Ready(0), || {
        format!("with two empty slices it was {polled:?}")
    })
}

pub(super) fn slices_are_taken_as_announced<W: AsyncWrite, P: AsyncRead>(
    bench: &mut Bench<'_>,
    mut writer: W,
    mut peer: P,
) -> Verdict {
    let announced = writer.writes_slices();
    bench.tell(format!(
        "writes_slices is {announced}; a write of 4 slices of 3 bytes"
    ));
    let message = message::of(12);
    let mut taken = 0;
    let mut most = 0;
    let (alarm, waker) = Alarm::new();
    // Some tries: there is always a first write that finds less room than it needs.
    for _ in 0..20 {
        let slices: Vec<_> = message.chunks(3).map(IoSlice::new).collect();
        let seen = alarm.wakes();
        let mut cx = Context::from_waker(&waker);
        let polled = bench.at_once(|| writer.poll_write_slices(&mut cx, &slices))?;
        match bench.works(polled)? {
            Poll::Pending => {
                if !bench.wait_for(&alarm, seen, A_WHILE) {
                    break;
                }
            }
            Poll::Ready(n) => {
                bench.require(Law::BytesIntact, 0 < n && n <= 12, || {
                    format!("it said it took {n} bytes of 12")
                })?;
                most = most.max(n);
                taken = n;
                let arrives = async {
                    // Flushed while the peer reads: it may hold less than what was taken.
                    let mut arrived = vec![0; n];
                    let flush = io::flush(&mut writer);
                    let read = io::read_exact(&mut peer, &mut arrived);
                    let (flushed, read) = futures::join!(flush, read);
                    flushed?;
                    read?;
                    std::io::Result::Ok(arrived)
                };
                let arrived = bench.finish("the flush, and the peer's read of it", arrives)?;
                bench.require(Law::BytesIntact, arrived == message[..n], || {
                    message::difference(&arrived, &message[..n])
                })?;
            }
        }
    }
    bench.require(Law::Slices, !announced || taken == 0 || most != 3, || {
        "it took the first slice alone, every time".to_owned()
    })?;
    let hidden = !announced && most > 3;
    bench.require(Law::Slices, !hidden || bench.may_hide_slices, || {
        format!("it took {most} bytes: more than the first slice")
    })
}

pub(super) fn a_shutdown_ends_after_the_last_byte<W: AsyncWrite, P: AsyncRead>(
    bench: &mut Bench<'_>,
    mut writer: W,
    mut peer: P,
) -> Verdict {
    bench.tell("a write of 5 bytes, and a shutdown without a flush");
    let ends = async {
        let writes = async {
            io::write_all(&mut writer, b"hello").await?;
            io::shutdown(&mut writer).await
        };
        let mut all = Vec::new();
        let reads = io::read_to_end(&mut peer, &mut all, 100);
        let (written, read) = futures::join!(writes, reads);
        written?;
        read?;
        std::io::Result::Ok(all)
    };
    let all = bench.finish_by(
        Law::End,
        "the shutdown, and the peer's read to its end",
        ends,
    )?;
    bench.require(Law::BytesIntact, all == b"hello", || {
        message::difference(&all, b"hello")
    })?;
    bench.tell("a second shutdown");
    let mut cx = Context::from_waker(Waker::noop());
    let polled = bench.at_once(|| writer.poll_shutdown(&mut cx))?;
    // An error is as good.
    let _ = bench.lawful(polled)?;
    Ok(())
}

pub(super) fn a_writer_dropped_while_it_waits_is_no_harm<W: AsyncWrite, P: AsyncRead>(
    bench: &mut Bench<'_>,
    mut writer: W,
    mut peer: P,
) -> Verdict {
    if fills(bench, &mut writer)?.is_none() {
        return Ok(());
    }
    let (_alarm, waker) = Alarm::new();
    let _ = bench.write(&mut writer, &waker, b"x")?;
    bench.tell("the writer is dropped; the peer reads");
    bench.at_once(|| drop(writer))?;
    drop(waker);
    let _ = bench.read(&mut peer, Waker::noop(), &mut [7; 16])?;
    Ok(())
}

const CHUNK: usize = 4_096;
const NEVER_FULL: usize = 1 << 26;
const REFILLS: u32 = 50;
const TASKS: usize = 50;
const SPURIOUS: u32 = 1_000;
const A_WHILE: Duration = Duration::from_millis(30);
