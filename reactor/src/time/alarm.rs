use std::{
    cell::{Cell, RefCell},
    time::Duration,
};

use mio::Registry;

use super::timers::Next;
use crate::sys;

/// Ends a wait of the poller to the microsecond. The poller's own limit is of whole milliseconds, rounded up.
///
/// It is made when it is needed for the first time, so that a loop without short timers has no descriptor for
/// it.
#[derive(Debug, Default)]
pub(crate) struct Alarm {
    alarm: RefCell<Option<sys::Alarm>>,
    /// When it goes off, in nanoseconds of the reactor.
    set_for: Cell<u64>,
}

impl Alarm {
    /// Sets the alarm if the next wait, for which there is a limit of `max_wait` besides, would be longer by more
    /// than an eighth without it. Each setting is a system call.
    #[inline]
    pub(crate) fn set(
        &self,
        next: Next,
        now: u64,
        max_wait: Option<Duration>,
        registry: &Registry,
    ) {
        let (true, Some(any), Some(short)) = (sys::HAS_ALARM, next.any, next.short) else {
            return;
        };
        let (wait, left) = (any.saturating_sub(now), short.saturating_sub(now));
        let rounded = wait.div_ceil(MILLISECOND).saturating_mul(MILLISECOND);
        let is_soon_enough = rounded <= left + left / 8;
        let ends_before = max_wait.is_some_and(|max_wait| max_wait.as_nanos() <= left.into());
        if is_soon_enough || ends_before || left == 0 || self.set_for.get() == short {
            return;
        }
        if let Err(error) = self.set_after(left, registry) {
            // Too many open files: what is short is late then.
            tracing::debug!(%error, "there is no alarm: a wait is of whole milliseconds");
            return;
        }
        self.set_for.set(short);
    }

    fn set_after(&self, nanos: u64, registry: &Registry) -> std::io::Result<()> {
        let mut alarm = self.alarm.borrow_mut();
        let alarm = match &mut *alarm {
            Some(alarm) => alarm,
            none => none.insert(sys::Alarm::new(registry)?),
        };
        alarm.set(Duration::from_nanos(nanos))
    }
}

/// In nanoseconds.
const MILLISECOND: u64 = 1_000_000;
