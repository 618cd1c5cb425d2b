//! Whether what a write answers is so: that bytes were taken, and what it says where nothing can be done.

use std::{
    io::IoSlice,
    task::{Context, Poll, Waker},
};

use super::{
    Law,
    bench::{Bench, Verdict},
    message,
    writes::{A_WHILE, drains, fills},
};
use crate::{AsyncRead, AsyncWrite, io, task::NotInTask, testing::alarm::Alarm};

pub(super) fn outside_of_a_task_a_write_says_so<W: AsyncWrite, P: AsyncRead>(
    bench: &mut Bench<'_>,
    mut writer: W,
    mut peer: P,
) -> Verdict {
    bench.tell("Write::write outside of any task, there is room");
    refuses(bench, &mut writer)?;
    if !fills(bench, &mut writer)? {
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
    if !fills(bench, &mut writer)? {
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
    if !fills(bench, &mut writer)? {
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
