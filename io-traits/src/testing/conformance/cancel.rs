//! Each helper is polled once, dropped and made anew, again and again. No byte may be lost by it.

use std::{
    future::Future,
    io::{BufRead, IoSlice},
    pin::{Pin, pin},
    task::{Context, Poll},
};

use bytes::{Buf, Bytes};

use super::{
    Law,
    bench::{Bench, Verdict},
    message,
};
use crate::{AsyncRead, AsyncWrite, BufReader, io, testing::alarm::Alarm};

/// One poll of a helper over a reader; what it read goes to the list. Ready at the end.
type Reads<R> = fn(&mut R, &mut Context<'_>, &mut Vec<u8>) -> Poll<std::io::Result<()>>;

/// One poll of a helper over a writer, of the rest of a message, which it advances. Ready when done.
type Writes<W> = fn(&mut W, &mut Context<'_>, &mut Bytes) -> Poll<std::io::Result<()>>;

pub(super) fn reads_that_are_dropped_lose_nothing<R: AsyncRead, P: AsyncWrite>(
    bench: &mut Bench<'_>,
    mut pair: impl FnMut() -> (R, P),
) -> Verdict {
    let helpers: [(&str, Reads<R>); 7] = [
        ("read", by_read),
        ("read_buf", by_read_buf),
        ("read_lent", by_read_lent),
        ("read_exact", by_read_exact),
        ("read_to_end", by_read_to_end),
        ("skip", by_skip),
        ("copy", by_copy),
    ];
    for (name, helper) in helpers {
        let (reader, peer) = pair();
        reads_are_dropped(bench, name, reader, peer, helper)?;
    }
    // Those that look before they take; what they looked at is in the reader and not in them.
    let helpers: [(&str, Reads<BufReader<R>>); 2] =
        [("fill_buf", by_fill_buf), ("read_until", by_read_until)];
    for (name, helper) in helpers {
        let (reader, peer) = pair();
        reads_are_dropped(bench, name, BufReader::new(reader), peer, helper)?;
    }
    Ok(())
}

fn reads_are_dropped<R, P: AsyncWrite>(
    bench: &mut Bench<'_>,
    name: &str,
    mut reader: R,
    mut peer: P,
    helper: Reads<R>,
) -> Verdict {
    bench.begin(&format!(
        "the helper io::{name} is dropped whenever it waits"
    ));
    let sent = message::of(LENGTH);
    let (alarm, waker) = Alarm::new();
    let mut cx = Context::from_waker(&waker);
    let mut sends = pin!(async {
        for piece in sent.chunks(61) {
            io::write_all(&mut peer, piece).await?;
            io::flush(&mut peer).await?;
        }
        io::shutdown(&mut peer).await
    });
    let mut sending = true;
    let mut got = Vec::new();
    loop {
        let seen = alarm.wakes();
        let ended = bench.at_once(|| helper(&mut reader, &mut cx, &mut got))?;
        if bench.works(ended)?.is_ready() {
            break;
        }
        if sending {
            let polled = sends.as_mut().poll(&mut cx);
            if bench.works(polled)?.is_ready() {
                sending = false;
                continue;
            }
        }
        let who = format!("the task, after {} of {LENGTH} bytes,", got.len());
        bench.woken(&alarm, seen, Law::Cancellation, &who)?;
    }
    // What is skipped is counted, and not seen.
    let whole = match name {
        "skip" => got.len() == sent.len(),
        _ => got == sent,
    };
    bench.require(Law::Cancellation, whole, || {
        message::difference(&got, &sent)
    })
}

pub(super) fn writes_that_are_dropped_lose_nothing<W: AsyncWrite, P: AsyncRead>(
    bench: &mut Bench<'_>,
    mut pair: impl FnMut() -> (W, P),
) -> Verdict {
    let helpers: [(&str, Writes<W>); 6] = [
        ("write", by_write),
        ("write_all", by_write_all),
        ("write_all_buf", by_write_all_buf),
        ("write_vectored_all", by_write_vectored_all),
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

fn by_read<R: AsyncRead>(
    reader: &mut R,
    cx: &mut Context<'_>,
    got: &mut Vec<u8>,
) -> Poll<std::io::Result<()>> {
    let mut buf = [0; 100];
    let polled = Pin::new(&mut io::read(reader, &mut buf)).poll(cx);
    count(polled, got, |got, n| got.extend_from_slice(&buf[..n]), cx)
}

fn by_read_buf<R: AsyncRead>(
    reader: &mut R,
    cx: &mut Context<'_>,
    got: &mut Vec<u8>,
) -> Poll<std::io::Result<()>> {
    let polled = Pin::new(&mut io::read_buf(reader, got)).poll(cx);
    count(polled, got, |_, _| {}, cx)
}

fn by_read_lent<R: AsyncRead>(
    reader: &mut R,
    cx: &mut Context<'_>,
    got: &mut Vec<u8>,
) -> Poll<std::io::Result<()>> {
    let polled = Pin::new(&mut io::read_lent(reader)).poll(cx);
    let polled = polled.map_ok(|lent| {
        got.extend_from_slice(&lent);
        lent.len()
    });
    count(polled, got, |_, _| {}, cx)
}

fn by_fill_buf<R: AsyncRead>(
    reader: &mut BufReader<R>,
    cx: &mut Context<'_>,
    got: &mut Vec<u8>,
) -> Poll<std::io::Result<()>> {
    let polled = Pin::new(&mut io::fill_buf(reader)).poll(cx);
    let taken = polled.map_ok(|n| {
        // Not all of it, so that the next one finds something.
        let some = n.div_ceil(2);
        got.extend_from_slice(&reader.buffer()[..some]);
        reader.consume(some);
        some
    });
    count(taken, got, |_, _| {}, cx)
}

fn by_read_until<R: AsyncRead>(
    reader: &mut BufReader<R>,
    cx: &mut Context<'_>,
    got: &mut Vec<u8>,
) -> Poll<std::io::Result<()>> {
    let polled = Pin::new(&mut io::read_until(reader, b'\n', got, LENGTH)).poll(cx);
    count(polled, got, |_, _| {}, cx)
}

fn by_read_exact<R: AsyncRead>(
    reader: &mut R,
    cx: &mut Context<'_>,
    got: &mut Vec<u8>,
) -> Poll<std::io::Result<()>> {
    let mut buf = [0; 1_000];
    let mut future = io::read_exact(reader, &mut buf);
    let polled = Pin::new(&mut future).poll(cx);
    let filled = future.filled();
    got.extend_from_slice(&buf[..filled]);
    end_or(polled, cx)
}

fn by_read_to_end<R: AsyncRead>(
    reader: &mut R,
    cx: &mut Context<'_>,
    got: &mut Vec<u8>,
) -> Poll<std::io::Result<()>> {
    Pin::new(&mut io::read_to_end(reader, got, 2 * LENGTH))
        .poll(cx)
        .map_ok(drop)
}

fn by_skip<R: AsyncRead>(
    reader: &mut R,
    cx: &mut Context<'_>,
    got: &mut Vec<u8>,
) -> Poll<std::io::Result<()>> {
    let mut future = io::skip(reader, 1_000);
    let polled = Pin::new(&mut future).poll(cx);
    got.resize(got.len() + future.skipped() as usize, 0);
    end_or(polled, cx)
}

fn by_copy<R: AsyncRead>(
    reader: &mut R,
    cx: &mut Context<'_>,
    got: &mut Vec<u8>,
) -> Poll<std::io::Result<()>> {
    // A list never blocks, so that nothing is ever unwritten.
    Pin::new(&mut io::copy(reader, got)).poll(cx).map_ok(drop)
}

/// What came of reading once; after some bytes it goes on at once.
fn count(
    polled: Poll<std::io::Result<usize>>,
    got: &mut Vec<u8>,
    take: impl FnOnce(&mut Vec<u8>, usize),
    cx: &mut Context<'_>,
) -> Poll<std::io::Result<()>> {
    match polled {
        Poll::Ready(Ok(0)) => Poll::Ready(Ok(())),
        Poll::Ready(Ok(n)) => {
            take(got, n);
            cx.waker().wake_by_ref();
            Poll::Pending
        }
        Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
        Poll::Pending => Poll::Pending,
    }
}

/// The end of the message comes in the middle of a helper that wants more.
fn end_or(polled: Poll<std::io::Result<()>>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
    match polled {
        Poll::Ready(Err(error)) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            Poll::Ready(Ok(()))
        }
        Poll::Ready(Ok(())) => {
            cx.waker().wake_by_ref();
            Poll::Pending
        }
        other => other,
    }
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

const LENGTH: usize = 7_000;
