//! When it changes what the poller reports of an object.

use std::sync::atomic::Ordering;

use super::{Armed, Slot, arming::Arming};
use crate::{
    Direction, Trigger,
    fault::{Fault, seeded},
    sync::lock,
    sys::{self, Watch},
};

/// How a task that has parked gets to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rearmed {
    /// The poller reports it, at once if it is so already.
    Reported,
    /// The poller reports what is new alone: the system has to be asked how it is now.
    OnlyNews,
}

impl Slot {
    /// Changes what the poller reports, by `change`, so that a parked task of `direction` is woken.
    ///
    /// If that fails, others may have parked who rely on it: they are to be woken, too.
    ///
    /// The lock makes the changes of one object follow each other; `change` is a system call, never
    /// foreign code. Interest that nobody waits for is dropped on the way, but for reading on
    /// edge-triggered objects: that costs nothing where nothing is sent.
    pub(crate) fn rearm<E>(
        &self,
        direction: Direction,
        change: impl FnOnce(Watch, Watch) -> Result<(), E>,
    ) -> Result<Rearmed, E> {
        let _waiting = lock(&self.waiting);
        let before = self.arming.load();
        let readiness = &self.side(direction).readiness;
        if !readiness.load().needs_rearming() || before.paused.is_in(direction) {
            return Ok(Rearmed::Reported);
        }
        if self.is_reported_unasked() {
            return self.rearm_for_news(direction, before, change);
        }
        let mut after = Arming {
            calm: false,
            ..before
        };
        for side in [Direction::Read, Direction::Write] {
            let keeps_reading = side == Direction::Read && self.trigger == Trigger::Edge;
            let keeps = before.armed.is_in(side) && keeps_reading
                || side == direction
                || self.keeps_awaited_interest(side, before);
            after.armed.set(side, keeps);
        }
        // *First*: the event that the change leads to may ask for rearming anew, at once.
        let too_late = seeded(Fault::RearmedTooLate);
        if !too_late {
            readiness.rearmed();
        }
        if let Err(error) = change(self.watch_of(before), self.watch_of(after)) {
            self.ask_both_for_rearming();
            return Err(error);
        }
        self.arming.store(after);
        if too_late {
            readiness.rearmed();
        }
        if self.trigger == Trigger::Edge {
            self.unasked.store(0, Ordering::Relaxed);
        }
        Ok(Rearmed::Reported)
    }

    /// Whether the poller may report an error or a hang-up, which nobody has asked for, as long as it
    /// lasts.
    fn is_reported_unasked(&self) -> bool {
        let failed = self.write.readiness.load().is_closed();
        self.trigger != Trigger::Edge && sys::TRUE_EDGES && failed && !seeded(Fault::LoudErrors)
    }

    /// A task that waits for something else than that would be woken over and over. So the object is
    /// edge-triggered from now on, and each task that parks is sent to ask the system itself.
    fn rearm_for_news<E>(
        &self,
        direction: Direction,
        before: Arming,
        change: impl FnOnce(Watch, Watch) -> Result<(), E>,
    ) -> Result<Rearmed, E> {
        self.ask_both_for_rearming();
        let mut after = Arming {
            calm: true,
            ..before
        };
        after.armed.set(direction, true);
        if after == before {
            return Ok(Rearmed::OnlyNews);
        }
        change(self.watch_of(before), self.watch_of(after))?;
        self.arming.store(after);
        Ok(Rearmed::Reported)
    }

    pub(super) fn ask_both_for_rearming(&self) {
        self.read.readiness.ask_for_rearming();
        self.write.readiness.ask_for_rearming();
    }

    /// Asks later waiters to rearm *first* and looks for present ones *then*; they store themselves
    /// first and look then. So nobody is left behind without interest.
    fn keeps_awaited_interest(&self, direction: Direction, before: Arming) -> bool {
        // On an edge-triggered object who waits is armed.
        let may_wait = before.armed.is_in(direction) || self.trigger != Trigger::Edge;
        if !may_wait || before.paused.is_in(direction) {
            return false;
        }
        let readiness = &self.side(direction).readiness;
        let is_awaited = readiness.ask_for_rearming().is_waited_for();
        if is_awaited && !seeded(Fault::DropAwaitedInterest) {
            readiness.rearmed();
            return true;
        }
        false
    }

    /// Has the poller not report `direction`, by `change`, until it is [resumed](Self::resume).
    pub(crate) fn pause<E>(
        &self,
        direction: Direction,
        change: impl FnOnce(Watch, Watch) -> Result<(), E>,
    ) -> Result<(), E> {
        let _waiting = lock(&self.waiting);
        let before = self.arming.load();
        let mut after = before;
        after.paused.set(direction, true);
        after.armed.set(direction, false);
        if after == before {
            return Ok(());
        }
        self.side(direction).readiness.ask_for_rearming();
        if after.armed != before.armed {
            change(self.watch_of(before), self.watch_of(after))?;
        }
        self.arming.store(after);
        Ok(())
    }

    pub(crate) fn paused(&self) -> Armed {
        self.arming.load().paused
    }

    /// Directions that were paused elsewhere, and so are not [reported](Self::options) here.
    pub(crate) fn stay_paused(&self, paused: Armed) {
        let _waiting = lock(&self.waiting);
        let arming = self.arming.load();
        self.arming.store(Arming { paused, ..arming });
    }

    /// Lets the poller report `direction` again; true if somebody waits for that, so that it has to be
    /// rearmed.
    pub(crate) fn resume(&self, direction: Direction) -> bool {
        let _waiting = lock(&self.waiting);
        let mut arming = self.arming.load();
        arming.paused.set(direction, false);
        self.arming.store(arming);
        let is_awaited = self.side(direction).readiness.load().is_waited_for();
        is_awaited && !seeded(Fault::ResumeWithoutRearming)
    }
}
