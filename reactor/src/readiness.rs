use crate::{
    error::ReactorGone,
    fault::{Fault, seeded},
    sync::{AtomicU64, Ordering},
};

/// What is known of one direction of one object, in one word.
///
/// ```text
///   63               9      8         7         6        5        4       3        2        1       0
///   ├─ tick (55 bits) ─┼ ERROR ┼ PRIORITY ┼ REARM ┼ WAKERS ┼ WAITED ┼ GONE ┼ URGENT ┼ CLOSED ┼ READY ┤
/// ```
///
/// The tick counts events. A clear names the tick that it saw, and does nothing if a newer event has
/// come since. Each direction has a word of its own, so an event of one never disturbs the other.
/// `GONE`, `CLOSED` and `URGENT` are never cleared; only `GONE` is an answer, the other two are
/// information about how far a short read can be trusted. `PRIORITY` and `ERROR` say what else an event
/// was about, for those who wait for just that, and are cleared by them. `WAITED` says that somebody
/// waits, `WAKERS` that the event has to take the lock to find all of them, `REARM` that whoever parks
/// has to change what the poller reports.
#[derive(Debug)]
pub(crate) struct Readiness(AtomicU64);

impl Readiness {
    /// Nothing is known: `assumed` makes the first operation try instead of wait.
    pub(crate) fn new(assumed: bool, armed: bool) -> Self {
        let ready = if assumed { READY } else { 0 };
        let rearm = if armed { 0 } else { REARM };
        Self(AtomicU64::new(ready | rearm))
    }

    #[inline]
    pub(crate) fn load(&self) -> Seen {
        Seen(self.0.load(Ordering::Acquire))
    }

    /// Counts an event; returns the word before, which says whether somebody has to be woken.
    #[inline]
    pub(crate) fn set_ready(&self, event: Event) -> Seen {
        Seen(self.update(|word| {
            let told = word & !(WAITED | WAKERS);
            Some((told | READY | event.0) + ONE_TICK)
        }))
    }

    /// Marks it ready without an event: those who wait go on waiting for one.
    pub(crate) fn found_ready(&self) {
        self.update(|word| Some((word | READY) + ONE_TICK));
    }

    /// Takes back the readiness that was `seen`, unless a newer event has come; true if it did.
    #[inline]
    pub(crate) fn clear(&self, seen: Seen, told: Told) -> bool {
        // Mostly nothing at all has happened since.
        let cleared = seen.0 & !told.0;
        let unchanged =
            self.0
                .compare_exchange(seen.0, cleared, Ordering::AcqRel, Ordering::Relaxed);
        unchanged.is_ok() || self.clear_changed(seen, told)
    }

    #[cold]
    fn clear_changed(&self, seen: Seen, told: Told) -> bool {
        let before = self.update(|word| {
            if word & GONE != 0 && !seeded(Fault::ClearErasesGone) {
                return None;
            }
            if Seen(word).tick() != seen.tick() && !seeded(Fault::ClearIgnoresTick) {
                return None;
            }
            let cleared = word & !told.0;
            Some(if seeded(Fault::ClearErasesGone) {
                cleared & !GONE
            } else {
                cleared
            })
        });
        Seen(before).tick() == seen.tick()
    }

    /// Makes the next event look for a task of the core itself; returns what there is to see now.
    #[inline]
    pub(crate) fn announce_own_task(&self) -> Seen {
        Seen(self.0.fetch_or(WAITED, Ordering::AcqRel))
    }

    /// Makes the next event look for wakers; returns what there is to see now.
    #[inline]
    pub(crate) fn announce_waker(&self) -> Seen {
        Seen(self.0.fetch_or(WAITED | WAKERS, Ordering::AcqRel))
    }

    /// Makes whoever parks next change what the poller reports; returns the word before.
    pub(crate) fn ask_for_rearming(&self) -> Seen {
        Seen(self.0.fetch_or(REARM, Ordering::AcqRel))
    }

    /// The poller reports the direction.
    pub(crate) fn rearmed(&self) {
        self.update(|word| Some(word & !REARM));
    }

    /// Takes back that somebody waits.
    pub(crate) fn forget_waiters(&self) -> Seen {
        Seen(self.update(|word| Some(word & !(WAITED | WAKERS))))
    }

    /// Makes "the core is gone" the answer for ever.
    pub(crate) fn set_gone(&self) {
        self.0.fetch_or(GONE, Ordering::AcqRel);
    }

    /// Applies `change`; returns the word before.
    #[inline]
    fn update(&self, change: impl Fn(u64) -> Option<u64>) -> u64 {
        match self
            .0
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, change)
        {
            Ok(before) | Err(before) => before,
        }
    }
}

/// The word as somebody saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen(u64);

impl Seen {
    #[cfg(test)]
    pub(crate) fn is_ready(self) -> bool {
        self.has(Told::READY)
    }

    /// Whether at least one of the things in `told` was told.
    #[inline]
    pub(crate) fn has(self, told: Told) -> bool {
        self.0 & told.0 != 0
    }

    #[inline]
    pub(crate) fn check_gone(self) -> Result<(), ReactorGone> {
        if self.0 & GONE != 0 {
            return Err(ReactorGone);
        }
        Ok(())
    }

    /// Whether somebody may be waiting.
    #[inline]
    pub(crate) fn is_waited_for(self) -> bool {
        self.0 & WAITED != 0
    }

    /// Whether some of those who may be waiting are behind the lock.
    #[inline]
    pub(crate) fn has_wakers(self) -> bool {
        self.0 & WAKERS != 0
    }

    /// Whether the poller has to be asked for something else than it reports now.
    #[inline]
    pub(crate) fn needs_rearming(self) -> bool {
        self.0 & REARM != 0
    }

    /// Whether the peer's close or an error came with an event of this direction.
    #[inline]
    pub(crate) fn is_closed(self) -> bool {
        self.0 & CLOSED != 0
    }

    /// Whether a short read or write proves that there is no more: not when the end may be behind it,
    /// and not when urgent data may have cut it short.
    #[inline]
    pub(crate) fn trusts_short_transfer(self) -> bool {
        self.0 & (CLOSED | URGENT) == 0
    }

    /// Whether an event has told of urgent data, taken or not.
    #[inline]
    pub(crate) fn has_urgent(self) -> bool {
        self.0 & URGENT != 0
    }

    /// Whether an event made it ready; otherwise it is ready only by assumption.
    #[inline]
    pub(crate) fn is_from_event(self) -> bool {
        self.tick() != 0
    }

    /// How many events there have been.
    pub(crate) fn events(self) -> u64 {
        self.tick()
    }

    #[inline]
    fn tick(self) -> u64 {
        self.0 / ONE_TICK
    }
}

/// What an event says beyond "ready".
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Event(u64);

impl Event {
    /// An error closes as well.
    #[inline]
    pub(crate) fn new(closed: bool, error: bool, urgent: bool) -> Self {
        let bits = |yes, bits| if yes { bits } else { 0 };
        Self(bits(closed, CLOSED) | bits(error, CLOSED | ERROR) | bits(urgent, URGENT | PRIORITY))
    }

    /// Whether it tells of the peer's close or of an error.
    #[inline]
    pub(crate) fn is_closed(self) -> bool {
        self.0 & CLOSED != 0
    }

    /// The next to park has to ask for more.
    #[inline]
    pub(crate) fn asking_for_rearming(self) -> Self {
        Self(self.0 | REARM)
    }
}

/// What an event tells a direction, or several such things: readiness for its operations, urgent data,
/// an error. Each can be taken back without the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Told(u64);

impl Told {
    pub(crate) const READY: Self = Self(READY);
    pub(crate) const PRIORITY: Self = Self(PRIORITY);
    pub(crate) const ERROR: Self = Self(ERROR);
    /// Never taken back.
    pub(crate) const CLOSED: Self = Self(CLOSED);
    const NOTHING: Self = Self(0);

    /// Whether it is true whenever the direction is ready.
    pub(crate) fn is_readiness(self) -> bool {
        self.0 & READY != 0
    }

    pub(crate) fn and(self, other: Option<Self>) -> Self {
        Self(self.0 | other.unwrap_or(Self::NOTHING).0)
    }
}

const READY: u64 = 1;
const CLOSED: u64 = 1 << 1;
const URGENT: u64 = 1 << 2;
const GONE: u64 = 1 << 3;
const WAITED: u64 = 1 << 4;
const WAKERS: u64 = 1 << 5;
const REARM: u64 = 1 << 6;
const PRIORITY: u64 = 1 << 7;
const ERROR: u64 = 1 << 8;
const ONE_TICK: u64 = 1 << 9;

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_stale_clear_never_erases_a_newer_event_however_many_came() {
        for events in [1, 1 << 8, 1 << 15, 1 << 16] {
            let word = Readiness::new(true, true);
            let seen = word.load();
            for _ in 0..events {
                word.set_ready(Event::default());
            }
            assert!(!word.clear(seen, Told::READY));
            assert!(word.load().is_ready());
        }
    }

    #[test]
    fn no_clear_removes_gone() {
        let word = Readiness::new(true, true);
        let seen = word.load();
        word.set_gone();
        word.clear(seen, Told::READY);
        word.clear(word.load(), Told::READY);
        assert!(word.load().check_gone().is_err());
    }

    #[test]
    fn closed_is_information_and_a_clear_still_unreadies() {
        let word = Readiness::new(false, true);
        word.set_ready(Event::new(true, false, false));
        let seen = word.load();
        assert!(seen.is_closed() && !seen.trusts_short_transfer());
        assert!(word.clear(seen, Told::READY));
        assert!(!word.load().is_ready() && word.load().is_closed());
    }

    #[test]
    fn what_an_event_tells_is_taken_back_one_by_one() {
        let word = Readiness::new(false, true);
        word.set_ready(Event::new(false, true, true));
        assert!(word.clear(word.load(), Told::ERROR));
        let seen = word.load();
        assert!(seen.is_ready() && seen.has(Told::PRIORITY) && !seen.has(Told::ERROR));
        assert!(word.clear(seen, Told::READY.and(Some(Told::PRIORITY))));
        let seen = word.load();
        assert!(!seen.is_ready() && !seen.has(Told::PRIORITY));
        assert!(seen.is_closed() && !seen.trusts_short_transfer());
    }
}
