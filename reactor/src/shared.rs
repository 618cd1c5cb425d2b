use std::{
    io, mem,
    panic::{self, AssertUnwindSafe},
    sync::Arc,
    task::Waker,
    time::{Duration, Instant},
};

use crossbeam_channel::Sender;
use mio::{Registry, Token};

use crate::{
    DebugDump, Direction, Metrics,
    doorbell::Doorbell,
    error::{Forked, ReactorGone},
    executor::{Message, drop_quietly},
    extensions::Extensions,
    metrics::Counters,
    slots::Slots,
    sync::{Mutex, lock},
    sys,
    time::SharedTimers,
    trace::Tracing,
    waker_set::Drained,
};

/// What the core and all its handles, objects, tasks and timers have in common.
///
/// Locks are taken in the order slots, slot. Each of the others, which are two of the timers', that of the extensions and
/// that of the traced objects, is taken alone.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) registry: Registry,
    pub(crate) slots: Mutex<Slots>,
    pub(crate) timers: SharedTimers,
    pub(crate) counters: Counters,
    pub(crate) tracing: Tracing,
    pub(crate) extensions: Extensions,
    messages: Sender<Message>,
    doorbell: Doorbell,
    /// The core owns it for its whole life: a waker that is dropped early takes its wake with it.
    poller_waker: mio::Waker,
    started: Instant,
    /// What [`sys::forks`] said when it was made.
    forks: u32,
}

impl Shared {
    pub(crate) fn new(
        registry: Registry,
        poller_waker: mio::Waker,
        messages: Sender<Message>,
    ) -> Arc<Self> {
        let forks = sys::forks();
        Arc::new(Self {
            registry,
            slots: Mutex::new(Slots::default()),
            timers: SharedTimers::new(),
            counters: Counters::default(),
            tracing: Tracing::new(forks),
            extensions: Extensions::new(),
            messages,
            doorbell: Doorbell::new(),
            poller_waker,
            started: Instant::now(),
            forks,
        })
    }

    /// Whether this is still the process that made the reactor.
    #[inline]
    pub(crate) fn check_process(&self) -> Result<(), Forked> {
        if self.forks == sys::forks() {
            return Ok(());
        }
        Err(Forked)
    }

    /// As [`check_process`](Self::check_process); says at `trace` that a task is about to wait for an object.
    #[inline(always)]
    pub(crate) fn check_before_wait(
        &self,
        token: Token,
        direction: Direction,
    ) -> Result<(), Forked> {
        if self.tracing.is_quiet_after(sys::forks()) {
            return Ok(());
        }
        self.check_and_tell(token, direction)
    }

    #[cold]
    fn check_and_tell(&self, token: Token, direction: Direction) -> Result<(), Forked> {
        self.check_process()?;
        self.tracing.waits(token.0, direction);
        Ok(())
    }

    /// Asks `tracing` once more whether anybody listens.
    #[inline]
    pub(crate) fn look_for_listeners(&self) {
        self.tracing.look(self.forks);
    }

    /// Puts a message into the loop's queue and sees to it that the loop looks.
    pub(crate) fn send(&self, message: Message) -> Result<(), ReactorGone> {
        // The loop is in another process.
        self.check_process().map_err(|_| ReactorGone)?;
        self.messages.send(message).map_err(|_| ReactorGone)?;
        self.ring();
        Ok(())
    }

    /// Sees to it that the loop looks at its queues and timers before it sleeps (on).
    pub(crate) fn ring(&self) {
        if self.doorbell.ring() {
            self.wake_poller();
        }
    }

    fn wake_poller(&self) {
        // It would be the parent's.
        if self.check_process().is_err() {
            return;
        }
        self.counters.interrupts.add(1);
        let mut woken = self.poller_waker.wake();
        while matches!(&woken, Err(error) if error.kind() == io::ErrorKind::Interrupted) {
            woken = self.poller_waker.wake();
        }
        if let Err(error) = woken {
            tracing::error!(%error, "the poller could not be woken");
        }
    }

    /// What the poller reports has been changed: whoever had rung may have to be heard again.
    #[inline]
    pub(crate) fn poller_changed(&self) {
        if sys::CHANGES_SWALLOW_WAKES && self.doorbell.is_rung() {
            self.wake_poller();
        }
    }

    /// The loop stops turning for now. A foreign loop may wait for its descriptor, so whatever was rung
    /// for and not looked at makes the descriptor readable.
    pub(crate) fn leave(&self) {
        let mut rung = false;
        while !self.doorbell.fall_asleep() {
            rung = true;
        }
        if rung {
            self.ring();
        }
    }

    pub(crate) fn doorbell(&self) -> &Doorbell {
        &self.doorbell
    }

    /// Nanoseconds since the reactor was made, the unit of its timers.
    #[inline]
    pub(crate) fn now(&self) -> u64 {
        self.nanos_at(Instant::now())
    }

    /// What is later than that unit can say is never.
    #[inline]
    pub(crate) fn nanos_at(&self, instant: Instant) -> u64 {
        let since = instant.saturating_duration_since(self.started);
        let seconds = since.as_secs().checked_mul(1_000_000_000);
        seconds
            .and_then(|nanos| nanos.checked_add(since.subsec_nanos().into()))
            .unwrap_or(u64::MAX)
    }

    /// Makes "gone" the answer to everything, and wakes everybody so that they hear it.
    pub(crate) fn set_gone(&self) {
        // In a child no other thread is left to be told, and one that held a lock holds it for ever.
        if self.check_process().is_err() {
            return;
        }
        let mut drained = Drained::default();
        lock(&self.slots).set_gone(&mut drained);
        self.timers.set_gone(&mut drained.wakers);
        wake_all(&mut drained);
    }

    pub(crate) fn debug_dump(&self) -> DebugDump {
        let objects = match self.check_process() {
            Ok(()) => lock(&self.slots).dump(self.now()),
            Err(_) => Vec::new(),
        };
        DebugDump {
            metrics: self.metrics(),
            objects,
        }
    }

    pub(crate) fn metrics(&self) -> Metrics {
        let counters = &self.counters;
        // In a child, a thread that held a lock holds it for ever.
        let here = self.check_process().is_ok();
        Metrics {
            turns: counters.turns.get(),
            sleeps: counters.sleeps.get(),
            spins: counters.spins.get(),
            wait_time: Duration::from_nanos(counters.wait_nanos.get()),
            busy_time: Duration::from_nanos(counters.busy_nanos.get()),
            events: counters.events.get(),
            stale_events: counters.stale_events.get(),
            wakeups: counters.wakeups.get(),
            spurious: counters.spurious.get(),
            polls: counters.polls.get(),
            spawned: counters.spawned.get(),
            interrupts: counters.interrupts.get(),
            timers_fired: counters.timers_fired.get(),
            registered: if here {
                lock(&self.slots).len() as u64
            } else {
                0
            },
            // What is read first is never behind: a task finishes after it was spawned.
            tasks: {
                let finished = counters.finished.get();
                counters.spawned.get().saturating_sub(finished)
            },
            timers: if here { self.timers.count() as u64 } else { 0 },
        }
    }
}

/// Wakes all, in the order of their coming; one that panics harms neither the others nor the loop.
#[inline(always)]
pub(crate) fn wake_all(drained: &mut Drained) {
    if !drained.wakers.is_empty() || !drained.forgotten.is_empty() {
        wake_some(drained);
    }
}

fn wake_some(drained: &mut Drained) {
    drained.wakers.drain(..).for_each(wake_quietly);
    drained.forgotten.drain(..).for_each(drop_quietly);
}

/// Wakes; a panic of the waker, which is foreign code, ends here.
pub(crate) fn wake_quietly(waker: Waker) {
    quietly(|| waker.wake());
}

/// As [`wake_quietly`], for a waker that is still needed.
pub(crate) fn wake_by_ref_quietly(waker: &Waker) {
    quietly(|| waker.wake_by_ref());
}

#[inline]
fn quietly(wake: impl FnOnce()) {
    if let Err(payload) = panic::catch_unwind(AssertUnwindSafe(wake)) {
        tracing::error!("a waker has panicked");
        // As in `drop_quietly`: its drop may panic once more.
        mem::forget(payload);
    }
}

/// How long the poller may wait when the next timer is due at `due`, in nanoseconds of the reactor.
pub(crate) fn until(due: u64, now: u64) -> Duration {
    Duration::from_nanos(due.saturating_sub(now))
}
