//! A copy both ways is polled once, dropped and made anew, again and again.

use std::{
    future::Future,
    io::{Read, Write},
    pin::{Pin, pin},
    task::{Context, Poll},
};

use super::{
    Law,
    bench::{Bench, Verdict},
    message,
    streams::exchange,
};
use crate::{
    AsyncRead, AsyncWrite,
    io::{self, Way},
    testing::alarm::Alarm,
};

pub(super) fn copies_both_ways_that_are_dropped_tell_what_is_lost<T, P>(
    bench: &mut Bench<'_>,
    mut stream: T,
    mut peer: P,
) -> Verdict
where
    T: AsyncRead + AsyncWrite,
    P: AsyncRead + AsyncWrite,
{
    bench.begin("the helper io::copy_bidirectional is dropped whenever it waits");
    let message = message::of(LENGTH);
    let mut other = Memory {
        message: &message,
        given: 0,
        got: Vec::new(),
    };
    let (alarm, waker) = Alarm::new();
    let mut cx = Context::from_waker(&waker);
    let mut peers = pin!(exchange(&mut peer, &message));
    let mut to_peer = None;
    loop {
        let seen = alarm.wakes();
        let mut future = io::copy_bidirectional(&mut stream, &mut other).buffer_size(509);
        let polled = bench.at_once(|| Pin::new(&mut future).poll(&mut cx))?;
        let (carried, lost) = (future.carried(), future.unwritten(Way::BToA));
        // What was read and not written is lost with it, and it tells how much that is.
        other.given -= lost;
        let moved = carried.a_to_b > 0 || carried.b_to_a > 0;
        if bench.works(polled)?.is_ready() {
            return bench.broken(Law::End, "the copy ended, although nobody has");
        }
        if to_peer.is_none()
            && let Poll::Ready(got) = bench.works(peers.as_mut().poll(&mut cx))?
        {
            to_peer = Some(got);
        }
        if let Some(got) = &to_peer
            && other.got.len() >= LENGTH
        {
            for (who, got) in [("it", &other.got), ("the peer", got)] {
                bench.require(Law::Cancellation, got == &message, || {
                    format!("to {who}: {}", message::difference(got, &message))
                })?;
            }
            return Ok(());
        }
        if !moved {
            let who = format!(
                "the task, after {} and {} of {LENGTH} bytes,",
                other.given,
                other.got.len()
            );
            bench.woken(&alarm, seen, Law::Cancellation, &who)?;
        }
    }
}

/// Gives a message and keeps what it gets. It does not end: what it has given may have to be given again.
struct Memory<'a> {
    message: &'a [u8],
    given: usize,
    got: Vec<u8>,
}

impl Read for Memory<'_> {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        let n = (&self.message[self.given..]).read(buf)?;
        if n == 0 {
            return crate::task::poll(|_| Poll::Pending);
        }
        self.given += n;
        Ok(n)
    }
}

impl Write for Memory<'_> {
    fn write(&mut self, buf: &[u8]) -> std::io::Result<usize> {
        self.got.write(buf)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl AsyncRead for Memory<'_> {}
impl AsyncWrite for Memory<'_> {}

const LENGTH: usize = 7_000;
