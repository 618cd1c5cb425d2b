//! Whether what a read answers is so: bytes, the end, and what it says where nothing can be done.

use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
};

use super::{
    Law,
    bench::{Bench, Verdict},
    message,
    reads::{receives, sends, waits},
};
use crate::{AsyncRead, AsyncWrite, io, task::NotInTask, testing::alarm::Alarm};

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
    bench.tell("the peer shuts down while a read waits (one that only flushes ends nothing)");
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
