//! Each helper that reads is polled once, dropped and made anew, again and again. No byte may be lost by it.

use std::{
    future::Future,
    io::{BufRead, ErrorKind},
    pin::{Pin, pin},
    task::{Context, Poll},
};

use futures::StreamExt;

use super::{
    Law,
    bench::{Bench, Verdict},
    message,
};
use crate::{AsyncRead, AsyncWrite, BufReader, io, testing::alarm::Alarm};

/// One poll of a helper over a reader; what it read goes to the list. Ready at the end.
type Reads<R> = fn(&mut R, &mut Context<'_>, &mut Vec<u8>) -> Poll<std::io::Result<()>>;

/// One that looks before it takes, with its name and what it is sent.
type Looks<'a, R> = (&'a str, &'a [u8], Reads<BufReader<R>>);

pub(super) fn reads_that_are_dropped_lose_nothing<R: AsyncRead, P: AsyncWrite>(
    bench: &mut Bench<'_>,
    mut pair: impl FnMut() -> (R, P),
) -> Verdict {
    let bytes = message::of(LENGTH);
    let helpers: [(&str, Reads<R>); 6] = [
        ("read", by_read),
        ("read_buf", by_read_buf),
        ("read_lent", by_read_lent),
        ("read_exact", by_read_exact),
        ("read_to_end", by_read_to_end),
        ("copy", by_copy),
    ];
    for (name, helper) in helpers {
        let (mut reader, peer) = pair();
        let got = dropped(bench, name, &bytes, peer, |cx, got| {
            helper(&mut reader, cx, got)
        })?;
        whole(bench, &got, &bytes)?;
    }
    // What is skipped is counted, and not seen.
    let (mut reader, peer) = pair();
    let skipped = dropped(bench, "skip", &bytes, peer, |cx, got| {
        by_skip(&mut reader, cx, got)
    })?;
    whole(bench, &skipped, &vec![0; bytes.len()])?;
    // Those that look before they take; what they looked at is in the reader and not in them.
    let text = message::text(LENGTH);
    let helpers: [Looks<'_, R>; 3] = [
        ("fill_buf", &bytes, by_fill_buf),
        ("read_until", &bytes, by_read_until),
        ("read_line", &text, by_read_line),
    ];
    for (name, sent, helper) in helpers {
        let (reader, peer) = pair();
        let mut reader = BufReader::new(reader);
        let got = dropped(bench, name, sent, peer, |cx, got| {
            helper(&mut reader, cx, got)
        })?;
        whole(bench, &got, sent)?;
    }
    // The lines stay; what is dropped is the wait for the next one.
    let (reader, peer) = pair();
    let mut reader = BufReader::new(reader);
    let mut lines = io::lines(&mut reader, LENGTH);
    let got = dropped(bench, "lines", &text, peer, |cx, got| {
        by_next_line(&mut lines, cx, got)
    })?;
    whole(bench, &got, &text)
}

/// Polls a helper while the peer sends; returns what it read.
fn dropped<P: AsyncWrite>(
    bench: &mut Bench<'_>,
    name: &str,
    sent: &[u8],
    mut peer: P,
    mut helper: impl FnMut(&mut Context<'_>, &mut Vec<u8>) -> Poll<std::io::Result<()>>,
) -> Verdict<Vec<u8>> {
    bench.begin(&format!(
        "the helper io::{name} is dropped whenever it waits"
    ));
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
        let ended = bench.at_once(|| helper(&mut cx, &mut got))?;
        if bench.works(ended)?.is_ready() {
            return Ok(got);
        }
        if sending {
            let polled = sends.as_mut().poll(&mut cx);
            if bench.works(polled)?.is_ready() {
                sending = false;
                continue;
            }
        }
        let who = format!("the task, after {} of {} bytes,", got.len(), sent.len());
        bench.woken(&alarm, seen, Law::Cancellation, &who)?;
    }
}

fn whole(bench: &mut Bench<'_>, got: &[u8], sent: &[u8]) -> Verdict {
    bench.require(Law::Cancellation, got == sent, || {
        message::difference(got, sent)
    })
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

fn by_read_line<R: AsyncRead>(
    reader: &mut BufReader<R>,
    cx: &mut Context<'_>,
    got: &mut Vec<u8>,
) -> Poll<std::io::Result<()>> {
    let mut line = String::new();
    let mut future = io::read_line(reader, &mut line, LENGTH);
    let polled = Pin::new(&mut future).poll(cx);
    // What came of a line that is not whole.
    got.extend_from_slice(future.bytes());
    got.extend_from_slice(line.as_bytes());
    let polled = match polled {
        // It went on in the middle of a character.
        Poll::Ready(Err(error)) if error.kind() == ErrorKind::InvalidData => Poll::Ready(Ok(1)),
        polled => polled,
    };
    count(polled, got, |_, _| {}, cx)
}

fn by_next_line<R: AsyncRead>(
    lines: &mut io::Lines<'_, BufReader<R>>,
    cx: &mut Context<'_>,
    got: &mut Vec<u8>,
) -> Poll<std::io::Result<()>> {
    let polled = Pin::new(&mut lines.next()).poll(cx).map(Option::transpose);
    let taken = polled.map_ok(|line| {
        let Some(line) = line else {
            return 0;
        };
        got.extend_from_slice(line.as_bytes());
        got.push(b'\n');
        line.len() + 1
    });
    count(taken, got, |_, _| {}, cx)
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
        Poll::Ready(Err(error)) if error.kind() == ErrorKind::UnexpectedEof => Poll::Ready(Ok(())),
        Poll::Ready(Ok(())) => {
            cx.waker().wake_by_ref();
            Poll::Pending
        }
        other => other,
    }
}

const LENGTH: usize = 7_000;
