use std::{
    io,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use mio::{Events, Poll, Registry};

use super::stopwatch::{Running, Stopwatch};
use crate::{CoreOptions, doorbell::Found, shared::Shared};

/// The system's side of a loop, and the ways to ask it.
///
/// ```text
///              something to do           nothing to do
///   ask ──▶ look once, do not wait    spin, if that is wanted ──▶ sleep
/// ```
pub(super) struct Poller {
    poll: Poll,
    events: Events,
    /// What was asked for beyond the usual; behind a pointer, so that the usual costs one look at one word.
    extra: Option<Rc<Extra>>,
}

struct Extra {
    /// How long to spin before a sleep.
    spin: Duration,
    /// If the time is measured.
    stopwatch: Option<Rc<Stopwatch>>,
}

impl Poller {
    pub(super) fn new(poll: Poll, options: CoreOptions, shared: &Arc<Shared>) -> Self {
        let stopwatch = || Stopwatch::new(shared.clone());
        let extra = Extra {
            spin: options.spin,
            stopwatch: options.measures_time.then(stopwatch),
        };
        let is_usual = extra.spin.is_zero() && extra.stopwatch.is_none();
        Self {
            poll,
            events: Events::with_capacity(EVENTS),
            extra: (!is_usual).then(|| Rc::new(extra)),
        }
    }

    /// Starts the stopwatch, if there is one, until what is returned is dropped.
    pub(super) fn start_stopwatch(&self) -> Option<Running> {
        let stopwatch = self.extra.as_ref()?.stopwatch.clone();
        stopwatch.map(Stopwatch::start)
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
    #[inline(always)]
    pub(super) fn ask(
        &mut self,
        shared: &Shared,
        max_wait: Option<Duration>,
    ) -> (io::Result<()>, bool) {
        shared.counters.turns.add(1);
        shared.look_for_listeners();
        if let Some(extra) = &self.extra {
            let extra = extra.clone();
            return self.ask_with_extra(&extra, shared, max_wait);
        }
        self.look_or_sleep(shared, max_wait)
    }

    #[cold]
    fn ask_with_extra(
        &mut self,
        extra: &Extra,
        shared: &Shared,
        max_wait: Option<Duration>,
    ) -> (io::Result<()>, bool) {
        let Extra { spin, stopwatch } = extra;
        let waits = max_wait != Some(Duration::ZERO);
        if let Some(stopwatch) = stopwatch {
            stopwatch.was_busy();
        }
        let answer = if waits && !spin.is_zero() {
            self.spin_and_sleep(shared, *spin, max_wait)
        } else {
            self.look_or_sleep(shared, max_wait)
        };
        if waits && let Some(stopwatch) = stopwatch {
            stopwatch.has_waited();
        }
        answer
    }

    /// Only a loop that is going to wait falls asleep: a ring then costs a system call.
    #[inline(always)]
    fn look_or_sleep(
        &mut self,
        shared: &Shared,
        max_wait: Option<Duration>,
    ) -> (io::Result<()>, bool) {
        let bell = shared.doorbell();
        if max_wait == Some(Duration::ZERO) {
            let rung = bell.wake_up();
            return (self.poll.poll(&mut self.events, max_wait), rung);
        }
        if !bell.fall_asleep() {
            let now = Some(Duration::ZERO);
            return (self.poll.poll(&mut self.events, now), true);
        }
        shared.counters.sleeps.add(1);
        let polled = self.poll.poll(&mut self.events, max_wait);
        (polled, bell.wake_up())
    }

    fn spin_and_sleep(
        &mut self,
        shared: &Shared,
        spin: Duration,
        max_wait: Option<Duration>,
    ) -> (io::Result<()>, bool) {
        let limit = max_wait.map_or(spin, |max_wait| max_wait.min(spin));
        let started = Instant::now();
        let mut polled = Ok(());
        let spun = shared.doorbell().spin(|| {
            shared.counters.spins.add(1);
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
        let left = max_wait.map(|max_wait| max_wait.saturating_sub(started.elapsed()));
        self.look_or_sleep(shared, left)
    }
}

/// Events taken from the system at once; more wait for the next turn.
const EVENTS: usize = 1024;
