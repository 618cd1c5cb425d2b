//! What the reactor tells `tracing`: next to nothing of its cost is left while nobody wants to hear it.
//!
//! Polls of tasks are spans, see `executor/local.rs`; waits are events in them. An object is a span from its
//! registration to its end.

use std::{
    collections::HashMap,
    fmt::Debug,
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
};

use tracing::{Level, Span, level_filters::LevelFilter};

use crate::{
    Direction,
    sync::{Mutex, lock},
};

/// Whether somebody may want to hear of everything, as it was at the last visit of the poller, and the spans of
/// the objects whose registration was heard of.
#[derive(Debug)]
pub(crate) struct Tracing {
    /// How many forks were behind the process that made the reactor, while nobody listens: so that this and what is
    /// asked with it are one comparison.
    quiet_after: AtomicU32,
    /// By their tokens. In a list of their own, so that an object takes no more memory while nobody listens.
    objects: Mutex<HashMap<usize, Span>>,
    /// Whether there has ever been one.
    has_objects: AtomicBool,
}

impl Tracing {
    pub(crate) fn new(forks: u32) -> Self {
        let tracing = Self {
            quiet_after: AtomicU32::new(LOUD),
            objects: Mutex::new(HashMap::new()),
            has_objects: AtomicBool::new(false),
        };
        tracing.look(forks);
        tracing
    }

    /// Asks `tracing` again. So many forks were behind the process that made the reactor.
    #[inline]
    pub(crate) fn look(&self, forks: u32) {
        let is_on = Level::TRACE <= LevelFilter::current();
        let quiet_after = if is_on { LOUD } else { forks };
        self.quiet_after.store(quiet_after, Ordering::Relaxed);
    }

    #[inline(always)]
    pub(crate) fn is_on(&self) -> bool {
        self.quiet_after.load(Ordering::Relaxed) == LOUD
    }

    /// Whether nobody listens and this is still the process that made the reactor, if so many forks are behind it.
    #[inline(always)]
    pub(crate) fn is_quiet_after(&self, forks: u32) -> bool {
        self.quiet_after.load(Ordering::Relaxed) == forks
    }

    /// A task is about to wait for an object.
    pub(crate) fn waits(&self, token: usize, direction: Direction) {
        tracing::trace!(token, ?direction, "waits");
    }

    /// An object is being registered, so that `watch` is reported of it.
    pub(crate) fn registered(&self, token: usize, watch: impl Debug) {
        let span = tracing::trace_span!("object", token);
        let tell = || tracing::trace!(token, ?watch, "registered");
        if span.is_disabled() {
            return tell();
        }
        span.in_scope(tell);
        self.has_objects.store(true, Ordering::Relaxed);
        let before = lock(&self.objects).insert(token, span);
        // Outside of the lock: it tells the subscriber, which is foreign code.
        drop(before);
    }

    /// An object is registered no more.
    pub(crate) fn deregistered(&self, token: usize) {
        let tell = || tracing::trace!(token, "deregistered");
        if !self.has_objects.load(Ordering::Relaxed) {
            return tell();
        }
        let span = lock(&self.objects).remove(&token);
        span.map_or_else(tell, |span| span.in_scope(tell));
    }
}

/// No number of forks.
const LOUD: u32 = u32::MAX;
