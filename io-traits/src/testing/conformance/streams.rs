//! What is checked of an object that reads and writes. The other end does, too.

use std::task::Poll;

use super::{
    Law,
    bench::{Bench, Verdict},
    message, writes,
};
use crate::{AsyncRead, AsyncWrite, io, testing::alarm::Alarm};

pub(super) fn ending_one_direction_leaves_the_other<T, P>(
    bench: &mut Bench<'_>,
    mut stream: T,
    mut peer: P,
) -> Verdict
where
    T: AsyncRead + AsyncWrite,
    P: AsyncRead + AsyncWrite,
{
    bench.tell("it is shut down");
    bench.finish("the shutdown", io::shutdown(&mut stream))?;
    let n = bench.finish("the peer's read", io::read(&mut peer, &mut [0; 4]))?;
    bench.require(Law::End, n == 0, || {
        format!("the peer read {n} bytes that were not written")
    })?;
    bench.tell("the peer sends 5 bytes, and ends its direction");
    let mut all = Vec::new();
    let goes_on = async {
        let writes = async {
            io::write_all(&mut peer, b"still").await?;
            io::shutdown(&mut peer).await
        };
        let reads = io::read_to_end(&mut stream, &mut all, 100);
        let (written, read) = futures::join!(writes, reads);
        written?;
        read
    };
    bench.finish_by(Law::HalfClose, "the read to the end", goes_on)?;
    bench.require(Law::HalfClose, all == b"still", || {
        message::difference(&all, b"still")
    })
}

pub(super) fn a_task_that_reads_and_one_that_writes_are_both_woken<T, P>(
    bench: &mut Bench<'_>,
    mut stream: T,
    mut peer: P,
) -> Verdict
where
    T: AsyncRead + AsyncWrite,
    P: AsyncRead + AsyncWrite,
{
    let ((reads, read_waker), (writes, write_waker)) = (Alarm::new(), Alarm::new());
    let tasks = [write_waker];
    let before = loop {
        if !writes::waits(bench, &mut stream, &tasks)? {
            return Ok(());
        }
        bench.tell("one task reads, and the one that writes is polled again");
        let before = (reads.wakes(), writes.wakes());
        let read = bench.read(&mut stream, &read_waker, &mut [7; 8])?;
        bench.require(Law::WouldBlockRegisters, read.is_pending(), || {
            format!("the read was {read:?}")
        })?;
        // If it has room again, then from the beginning.
        if bench.write(&mut stream, &tasks[0], b"x")?.is_pending() {
            break before;
        }
    };
    bench.tell("the peer sends a byte");
    bench.finish("the peer's write", io::write_all(&mut peer, b"r"))?;
    bench.finish("the peer's flush", io::flush(&mut peer))?;
    bench.woken(&reads, before.0, Law::NoWakeupLost, "the task that reads")?;
    bench.tell("the task that writes still waits for room");
    writes::drains_until_woken(bench, &mut peer, &[(writes, before.1)], Law::NoWakeupLost)?;
    let mut buf = [0];
    bench.finish("the read", io::read_exact(&mut stream, &mut buf))?;
    bench.require(Law::BytesIntact, &buf == b"r", || {
        message::difference(&buf, b"r")
    })
}

pub(super) fn both_directions_carry_at_once<T, P>(
    bench: &mut Bench<'_>,
    mut stream: T,
    mut peer: P,
) -> Verdict
where
    T: AsyncRead + AsyncWrite,
    P: AsyncRead + AsyncWrite,
{
    bench.tell("both ends write and read 50000 bytes, in one task each");
    let message = message::of(50_000);
    let (ours, theirs) = bench.finish("the exchange", async {
        let (ours, theirs) = futures::join!(
            exchange(&mut stream, &message),
            exchange(&mut peer, &message)
        );
        Ok((ours?, theirs?))
    })?;
    for (who, got) in [("it", ours), ("the peer", theirs)] {
        bench.require(Law::BytesIntact, got == message, || {
            format!("to {who}: {}", message::difference(&got, &message))
        })?;
    }
    Ok(())
}

/// Writes and reads the same number of bytes, whichever is possible.
pub(super) async fn exchange<T: AsyncRead + AsyncWrite>(
    stream: &mut T,
    message: &[u8],
) -> std::io::Result<Vec<u8>> {
    let mut got = Vec::new();
    let (mut written, mut flushed) = (0, false);
    let mut buf = [0; 700];
    std::future::poll_fn(|cx| {
        loop {
            let mut progress = false;
            if written < message.len() {
                let end = message.len().min(written + 900);
                if let Poll::Ready(n) = stream.poll_write_from(cx, &message[written..end])? {
                    written += n;
                    progress = n > 0;
                }
            } else if !flushed {
                flushed = stream.poll_flush(cx)?.is_ready();
                progress = flushed;
            }
            if got.len() < message.len() {
                let (polled, n) = crate::ReadCursor::with_initialized(&mut buf, |buf| {
                    stream.poll_read_into(cx, buf)
                });
                if polled?.is_ready() {
                    if n == 0 {
                        let error = std::io::ErrorKind::UnexpectedEof;
                        return Poll::Ready(Err(std::io::Error::from(error)));
                    }
                    got.extend_from_slice(&buf[..n]);
                    progress = true;
                }
            }
            if flushed && got.len() >= message.len() {
                return Poll::Ready(Ok(()));
            }
            if !progress {
                return Poll::Pending;
            }
        }
    })
    .await?;
    Ok(got)
}
