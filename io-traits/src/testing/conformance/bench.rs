use std::{
    fmt,
    future::Future,
    io,
    pin::pin,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use super::{Broken, Law, watchdog::Watchdog};
use crate::{AsyncRead, AsyncWrite, ReadCursor, testing::alarm::Alarm};

pub(super) type Verdict<T = ()> = Result<T, Broken>;

/// What a check works with: it tells the story, polls, and waits for wakes.
pub(super) struct Bench<'a> {
    pub(super) patience: Duration,
    pub(super) may_hide_slices: bool,
    /// Turns the event loop for a while, if there is one that has to be turned.
    pub(super) drive: Option<Box<dyn FnMut(Duration) + 'a>>,
    watchdog: Watchdog,
    story: Vec<String>,
}

impl<'a> Bench<'a> {
    pub(super) fn new() -> Self {
        Self {
            patience: Duration::from_secs(10),
            may_hide_slices: false,
            drive: None,
            watchdog: Watchdog::new(),
            story: Vec::new(),
        }
    }

    /// Begins a new story.
    pub(super) fn begin(&mut self, title: &str) {
        self.watchdog.set_patience(self.patience * 3);
        self.story.clear();
        self.tell(title);
    }

    /// The next step of the story.
    pub(super) fn tell(&mut self, step: impl fmt::Display) {
        self.story.push(step.to_string());
        self.watchdog.now(&self.story);
    }

    /// The end of the story.
    pub(super) fn broken<T>(&mut self, law: Law, how: impl fmt::Display) -> Verdict<T> {
        self.story.push(how.to_string());
        Err(Broken::new(law, std::mem::take(&mut self.story)))
    }

    pub(super) fn require(
        &mut self,
        law: Law,
        kept: bool,
        how: impl FnOnce() -> String,
    ) -> Verdict {
        if kept {
            Ok(())
        } else {
            self.broken(law, how())
        }
    }

    /// Calls something that must not block.
    pub(super) fn at_once<R>(&mut self, f: impl FnOnce() -> R) -> Verdict<R> {
        let before = Instant::now();
        let result = f();
        let took = before.elapsed();
        if took >= self.patience {
            return self.broken(
                Law::NeverBlocks,
                format!("this call kept the thread for {took:?}"),
            );
        }
        Ok(result)
    }

    /// What a poll function gave, if it may give that.
    pub(super) fn lawful<T>(
        &mut self,
        polled: Poll<io::Result<T>>,
    ) -> Verdict<Poll<io::Result<T>>> {
        let kind = match &polled {
            Poll::Ready(Err(error)) => error.kind(),
            _ => return Ok(polled),
        };
        if let io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted = kind {
            return self.broken(
                Law::PollNeverWouldBlock,
                format!("the poll was ready with the error {kind:?}"),
            );
        }
        Ok(polled)
    }

    /// A poll that must not fail.
    pub(super) fn works<T>(&mut self, polled: Poll<io::Result<T>>) -> Verdict<Poll<T>> {
        match self.lawful(polled)? {
            Poll::Pending => Ok(Poll::Pending),
            Poll::Ready(Ok(value)) => Ok(Poll::Ready(value)),
            Poll::Ready(Err(error)) => self.broken(Law::Works, format!("it failed: {error}")),
        }
    }

    /// One read into initialised memory, of which nothing beyond what is counted may have changed.
    pub(super) fn read<R: AsyncRead + ?Sized>(
        &mut self,
        reader: &mut R,
        waker: &Waker,
        buf: &mut [u8],
    ) -> Verdict<Poll<usize>> {
        let before = buf.to_vec();
        let (polled, filled) = self.at_once(|| {
            ReadCursor::with_initialized(buf, |buf| {
                reader.poll_read_into(&mut Context::from_waker(waker), buf)
            })
        })?;
        let polled = self.works(polled)?;
        let said = match polled {
            Poll::Ready(said) => said,
            Poll::Pending => 0,
        };
        self.require(Law::BuffersOnlyWritten, said == filled, || {
            format!("the read said {said} bytes and had filled {filled}")
        })?;
        self.require(
            Law::BuffersOnlyWritten,
            buf[filled..] == before[filled..],
            || format!("the read filled {filled} bytes and wrote beyond them"),
        )?;
        Ok(polled)
    }

    /// One write.
    pub(super) fn write<W: AsyncWrite + ?Sized>(
        &mut self,
        writer: &mut W,
        waker: &Waker,
        bytes: &[u8],
    ) -> Verdict<Poll<usize>> {
        let polled =
            self.at_once(|| writer.poll_write_from(&mut Context::from_waker(waker), bytes))?;
        let polled = self.works(polled)?;
        if let Poll::Ready(n) = polled {
            self.require(Law::BytesIntact, n <= bytes.len(), || {
                format!("a write of {} bytes said it took {n}", bytes.len())
            })?;
        }
        Ok(polled)
    }

    /// Waits until there are more than `seen` wakes; gives up when the patience has run out.
    pub(super) fn wait(&mut self, alarm: &Alarm, seen: u64) -> bool {
        self.wait_for(alarm, seen, self.patience)
    }

    pub(super) fn wait_for(&mut self, alarm: &Alarm, seen: u64, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        let Some(drive) = &mut self.drive else {
            return alarm.wait(seen, deadline);
        };
        while alarm.wakes() <= seen {
            let left = deadline.saturating_duration_since(Instant::now());
            if left == Duration::ZERO {
                return false;
            }
            drive(left.min(TURN));
        }
        true
    }

    /// Requires that a task is woken that waits.
    pub(super) fn woken(&mut self, alarm: &Alarm, seen: u64, law: Law, who: &str) -> Verdict {
        if self.wait(alarm, seen) {
            return Ok(());
        }
        let patience = self.patience;
        self.broken(law, format!("{who} was not woken within {patience:?}"))
    }

    /// Polls to the end, and only when woken.
    pub(super) fn finish<T>(
        &mut self,
        what: &str,
        future: impl Future<Output = io::Result<T>>,
    ) -> Verdict<T> {
        self.finish_by(Law::NoWakeupLost, what, future)
    }

    /// Polls to the end, and only when woken; the law is the one that is broken if that never comes.
    pub(super) fn finish_by<T>(
        &mut self,
        law: Law,
        what: &str,
        future: impl Future<Output = io::Result<T>>,
    ) -> Verdict<T> {
        let mut future = pin!(future);
        let (alarm, waker) = Alarm::new();
        let mut polls = 0_u64;
        loop {
            let seen = alarm.wakes();
            let polled = self.at_once(|| future.as_mut().poll(&mut Context::from_waker(&waker)))?;
            match self.lawful(polled)? {
                Poll::Ready(Ok(value)) => return Ok(value),
                Poll::Ready(Err(error)) => {
                    return self.broken(Law::Works, format!("{what} failed: {error}"));
                }
                Poll::Pending => self.woken(
                    &alarm,
                    seen,
                    law,
                    &format!("the task of {what}, after {polls} polls,"),
                )?,
            }
            polls += 1;
            self.require(law, polls < SPIN, || {
                format!("{what} was woken {polls} times and did not come to its end")
            })?;
        }
    }
}

/// How long the event loop is turned at a time.
const TURN: Duration = Duration::from_millis(10);

/// So many polls of one operation are a spin.
const SPIN: u64 = 10_000_000;
