use std::{
    io,
    time::{Duration, Instant},
};

use mio::{Events, Poll, Registry};

use super::stopwatch::Stopwatch;
use crate::{
    doorbell::{Doorbell, Found},
    metrics::Counters,
    shared::Shared,
};

/// The system's side of a loop, and the ways to ask it.
///
/// ```text
///              something to do           nothing to do
///   ask ──▶ look once, do not wait    spin, if that is wanted ──▶ sleep
/// ```
pub(super) struct Poller {
    poll: Poll,
    events: Events,
    /// How long to spin before a sleep.
    spin: Duration,
}

impl Poller {
    pub(super) fn new(poll: Poll, spin: Duration) -> Self {
        Self {
            poll,
            events: Events::with_capacity(EVENTS),
            spin,
        }
    }

    /// What it had to tell when it was asked last.
    pub(super) fn events(&self) -> &Events {
        &self.events
    }

    #[cfg_attr(
        not(all(unix, not(mio_unsupported_force_poll_poll))),
        expect(dead_code, reason = "it has no descriptor")
    )]
    pub(super) fn registry(&self) -> &Registry {
        self.poll.registry()
    }

    /// Asks, and waits `max_wait` at most for something to come. Also says whether somebody has rung.
    pub(super) fn ask(
        &mut self,
        shared: &Shared,
        max_wait: Option<Duration>,
        stopwatch: Option<&Stopwatch>,
    ) -> (io::Result<()>, bool) {
        shared.counters.turns.add(1);
        shared.tracing.look();
        if let Some(stopwatch) = stopwatch {
            return self.ask_on_the_clock(shared, max_wait, stopwatch);
        }
        self.look_or_wait(shared, max_wait)
    }

    #[cold]
    fn ask_on_the_clock(
        &mut self,
        shared: &Shared,
        max_wait: Option<Duration>,
        stopwatch: &Stopwatch,
    ) -> (io::Result<()>, bool) {
        stopwatch.was_busy();
        let answer = self.look_or_wait(shared, max_wait);
        if max_wait != Some(Duration::ZERO) {
            stopwatch.has_waited();
        }
        answer
    }

    #[inline(always)]
    fn look_or_wait(
        &mut self,
        shared: &Shared,
        max_wait: Option<Duration>,
    ) -> (io::Result<()>, bool) {
        let (bell, counters) = (shared.doorbell(), &shared.counters);
        if max_wait == Some(Duration::ZERO) {
            return self.look(bell.wake_up());
        }
        if !self.spin.is_zero() {
            return self.spin_and_sleep(bell, counters, max_wait);
        }
        self.sleep(bell, counters, max_wait)
    }

    #[inline(always)]
    fn look(&mut self, rung: bool) -> (io::Result<()>, bool) {
        let polled = self.poll.poll(&mut self.events, Some(Duration::ZERO));
        (polled, rung)
    }

    /// Only a loop that is going to wait falls asleep: a ring then costs a system call.
    #[inline(always)]
    fn sleep(
        &mut self,
        bell: &Doorbell,
        counters: &Counters,
        max_wait: Option<Duration>,
    ) -> (io::Result<()>, bool) {
        if !bell.fall_asleep() {
            return self.look(true);
        }
        counters.sleeps.add(1);
        let polled = self.poll.poll(&mut self.events, max_wait);
        (polled, bell.wake_up())
    }

    #[cold]
    fn spin_and_sleep(
        &mut self,
        bell: &Doorbell,
        counters: &Counters,
        max_wait: Option<Duration>,
    ) -> (io::Result<()>, bool) {
        let limit = max_wait.map_or(self.spin, |max_wait| max_wait.min(self.spin));
        let started = Instant::now();
        let mut polled = Ok(());
        let spun = bell.spin(|| {
            counters.spins.add(1);
            polled = self.poll.poll(&mut self.events, Some(Duration::ZERO));
            if polled.is_err() || !self.events.is_empty() {
                Found::Something
            } else if started.elapsed() < limit {
                Found::Nothing
            } else {
                Found::NothingInTime
            }
        });
        if let Some(rung) = spun {
            return (polled, rung);
        }
        match max_wait.map(|max_wait| max_wait.saturating_sub(started.elapsed())) {
            // It is over, and the poller has just been asked.
            Some(Duration::ZERO) => (Ok(()), bell.wake_up()),
            left => self.sleep(bell, counters, left),
        }
    }
}

/// Events taken from the system at once; more wait for the next turn.
const EVENTS: usize = 1024;
