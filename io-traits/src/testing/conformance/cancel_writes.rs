//! Each helper that writes is polled once, dropped and made anew, again and again. No byte may be lost by it.

use std::{
    future::Future,
    io::IoSlice,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::{Buf, Bytes};

use super::{
    Law,
    bench::{Bench, Verdict},
    message,
};
use crate::{AsyncRead, AsyncWrite, io, testing::alarm::Alarm};

/// One poll of a helper over a writer, of the rest of a message, which it advances. Ready when done.
type Writes<W> = fn(&mut W, &mut Context<'_>, &mut Bytes) -> Poll<std::io::Result<()>>;

pub(super) fn writes_that_are_dropped_lose_nothing<W: AsyncWrite, P: AsyncRead>(
    bench: &mut Bench<'_>,
    mut pair: impl FnMut() -> (W, P),
) -> Verdict {
    let helpers: [(&str, Writes<W>); 7] = [
        ("write", by_write),
        ("write_all", by_write_all),
        ("write_all_buf", by_write_all_buf),
        ("write_vectored_all", by_write_vectored_all),
        ("copy", by_copy),
        ("copy_buf", by_copy_buf),
        ("flush after every write", by_write_and_flush),
    ];
    for (name, helper) in helpers {
        bench.begin(&format!(
            "the helper io::{name} is dropped whenever it waits"
        ));
        let (mut writer, mut peer) = pair();
        let sent = message::of(LENGTH);
        let mut rest = Bytes::copy_from_slice(&sent);
        let (alarm, waker) = Alarm::new();
        let mut cx = Context::from_waker(&waker);
        let (mut done, mut got) = (false, Vec::new());
        loop {
            let seen = alarm.wakes();
            let before = rest.len();
            if !done {
                let polled = bench.at_once(|| {
                    if rest.has_remaining() {
                        return helper(&mut writer, &mut cx, &mut rest).map_ok(|()| false);
                    }
                    // The last step, and it is made anew each time as well.
                    Pin::new(&mut io::shutdown(&mut writer))
                        .poll(&mut cx)
                        .map_ok(|()| true)
                })?;
                if let Poll::Ready(last) = bench.works(polled)? {
                    done = last;
                }
            }
            let mut buf = [0; 509];
            let read = bench.read(&mut peer, &waker, &mut buf)?;
            match read {
                Poll::Ready(0) => break,
                Poll::Ready(n) => got.extend_from_slice(&buf[..n]),
                // It went on, and may go on at once.
                Poll::Pending if rest.len() < before => {}
                Poll::Pending => {
                    let who = format!("the task, after {} of {LENGTH} bytes,", got.len());
                    bench.woken(&alarm, seen, Law::Cancellation, &who)?;
                }
            }
        }
        bench.require(Law::Cancellation, got == sent, || {
            message::difference(&got, &sent)
        })?;
    }
    Ok(())
}

fn by_write<W: AsyncWrite>(
    writer: &mut W,
    cx: &mut Context<'_>,
    rest: &mut Bytes,
) -> Poll<std::io::Result<()>> {
    let piece = rest.len().min(97);
    let polled = Pin::new(&mut io::write(writer, &rest[..piece])).poll(cx);
    polled.map_ok(|n| rest.advance(n))
}

fn by_write_and_flush<W: AsyncWrite>(
    writer: &mut W,
    cx: &mut Context<'_>,
    rest: &mut Bytes,
) -> Poll<std::io::Result<()>> {
    let _ = Pin::new(&mut io::flush(writer)).poll(cx)?;
    by_write(writer, cx, rest)
}

fn by_write_all<W: AsyncWrite>(
    writer: &mut W,
    cx: &mut Context<'_>,
    rest: &mut Bytes,
) -> Poll<std::io::Result<()>> {
    let message = rest.clone();
    let mut future = io::write_all(writer, &message);
    let polled = Pin::new(&mut future).poll(cx);
    rest.advance(future.written());
    polled
}

fn by_write_all_buf<W: AsyncWrite>(
    writer: &mut W,
    cx: &mut Context<'_>,
    rest: &mut Bytes,
) -> Poll<std::io::Result<()>> {
    Pin::new(&mut io::write_all_buf(writer, rest)).poll(cx)
}

fn by_write_vectored_all<W: AsyncWrite>(
    writer: &mut W,
    cx: &mut Context<'_>,
    rest: &mut Bytes,
) -> Poll<std::io::Result<()>> {
    let message = rest.clone();
    let mut slices: Vec<_> = message.chunks(37).map(IoSlice::new).collect();
    let mut left = &mut slices[..];
    let polled = Pin::new(&mut io::write_vectored_all(writer, &mut left)).poll(cx);
    let left: usize = left.iter().map(|slice| slice.len()).sum();
    rest.advance(rest.len() - left);
    polled
}

fn by_copy_buf<W: AsyncWrite>(
    writer: &mut W,
    cx: &mut Context<'_>,
    rest: &mut Bytes,
) -> Poll<std::io::Result<()>> {
    let message = rest.clone();
    let mut from = &message[..];
    let polled = Pin::new(&mut io::copy_buf(&mut from, writer)).poll(cx);
    rest.advance(rest.len() - from.len());
    polled.map_ok(drop)
}

fn by_copy<W: AsyncWrite>(
    writer: &mut W,
    cx: &mut Context<'_>,
    rest: &mut Bytes,
) -> Poll<std::io::Result<()>> {
    let message = rest.clone();
    let mut from = &message[..];
    let mut future = io::copy(&mut from, writer);
    let polled = Pin::new(&mut future).poll(cx);
    // What was read and not written is lost with it, and it tells how much that is.
    let lost = future.unwritten();
    rest.advance(rest.len() - from.len() - lost);
    polled.map_ok(drop)
}

const LENGTH: usize = 7_000;
