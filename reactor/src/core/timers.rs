//! What the loop does with its timers.

use std::time::Duration;

use super::Core;
use crate::{
    executor::drop_quietly,
    shared::{until, wake_all},
    time::share,
};

impl Core {
    /// How long it is until the next timer is due. If a wait until then takes the alarm, that is set.
    #[inline]
    pub(super) fn until_next_timer(&self, max_wait: Option<Duration>) -> Option<Duration> {
        if !self.has_timers() {
            return None;
        }
        self.until_next_of_some(max_wait)
    }

    fn until_next_of_some(&self, max_wait: Option<Duration>) -> Option<Duration> {
        let (own, shared) = (self.local.timers(), self.shared());
        self.settle_timers();
        let next = shared.timers.sleep(own.next());
        let any = next.any?;
        // Not before: to settle many takes its time.
        let now = shared.now();
        self.alarm.set(next, now, max_wait, &shared.registry);
        Some(until(any, now))
    }

    /// Fires what is due, some of it if it is much. Where there are none any more, their memory is given back.
    #[inline]
    pub(super) fn fire_timers(&mut self) {
        if !self.local.timers().are_at_rest() || self.shared().timers.any() {
            self.fire_some_timers();
        }
    }

    fn fire_some_timers(&mut self) {
        let (local, shared) = (&self.local, self.local.shared());
        let (own, others) = (local.timers(), &shared.timers);
        self.settle_timers();
        let now = shared.now();
        let (due, out) = (&mut self.due, &mut self.drained.wakers);
        // Once for all.
        due.reserve(TIMERS_PER_TURN);
        let mut budget = TIMERS_PER_TURN;
        if others.any() {
            share(&mut budget, own.is_due(now), |budget| {
                others.fire(now, budget, out);
            });
        }
        own.fire(now, &mut budget, due, out, others);
        let fired = due.len() + out.len();
        shared.counters.timers_fired.add(fired as u64);
        local.wake_all(due);
        due.clear();
        wake_all(&mut self.drained);
    }

    /// Whether there may be any. A loop without timers, as most are most of the time, gets by with this.
    #[inline]
    fn has_timers(&self) -> bool {
        !self.local.timers().is_empty() || self.shared().timers.any()
    }

    /// The core goes. Those who are woken hear of it when they look.
    pub(super) fn close_timers(&mut self) {
        let timers = self.local.timers();
        timers.close(&mut self.drained.wakers, &self.local.shared().timers);
        wake_all(&mut self.drained);
    }

    /// Takes into account what has become of the loop's timers since it last looked.
    #[inline]
    fn settle_timers(&self) {
        let (own, shared) = (self.local.timers(), self.shared());
        own.settle(|| shared.now(), |deadline| deadline.nanos(shared));
        if shared.timers.given_up_count() > 0 {
            let mut forgotten = Vec::new();
            own.take_given_up(&mut forgotten, &shared.timers);
            forgotten.into_iter().for_each(drop_quietly);
        }
    }
}

/// Timers that are looked at in one turn, so that a million that are due at once do not keep the loop from the
/// poller. Short ones and long ones, its own and others', share it: a half goes to either if both are due. As each of
/// these four may take 14 more, there are 1,080 at most.
const TIMERS_PER_TURN: usize = 1024;

#[cfg(all(test, not(loom)))]
mod tests {
    use std::{future::poll_fn, task::Poll, time::Duration};

    use futures::FutureExt;

    use crate::Core;

    #[test]
    fn the_memory_of_timers_goes_some_turns_after_the_last_of_them_has_been_cancelled() {
        let mut core = Core::new().unwrap();
        let handle = core.handle();
        let sleeps = poll_fn(|cx| {
            let mut sleeps: Vec<_> = (0..20_000)
                .map(|_| handle.sleep(Duration::from_secs(60)))
                .collect();
            assert!(
                sleeps
                    .iter_mut()
                    .all(|sleep| sleep.poll_unpin(cx).is_pending())
            );
            Poll::Ready(())
        });
        core.run(sleeps).unwrap();
        assert!(!core.local.timers().are_at_rest());
        for _ in 0..20 {
            core.turn(Some(Duration::ZERO)).unwrap();
        }
        assert!(core.local.timers().are_at_rest());
    }
}
