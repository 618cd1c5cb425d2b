//! What the poller is asked to report of an object, and when that changes.

use crate::{
    Direction, Options, Trigger,
    fault::{Fault, seeded},
    readiness::Event,
    slot::{Slot, Wakes},
    sync::{AtomicU8, Ordering, lock},
    sys::{self, Watch},
};

/// Which directions the poller reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Armed {
    pub(crate) read: bool,
    pub(crate) write: bool,
}

/// All that is known about what the poller reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Arming {
    armed: Armed,
    /// Directions that are not to be reported, whoever waits.
    paused: Armed,
    /// An object of another trigger is edge-triggered for now.
    calm: bool,
}

impl Slot {
    pub(crate) fn descriptor(&self) -> Option<sys::Descriptor> {
        self.descriptor
    }

    /// What to register the object with elsewhere.
    pub(crate) fn options(&self) -> Options {
        Options {
            armed: self.arming.load().armed,
            assume_ready: true,
            urgent: self.urgent,
            trigger: self.trigger,
        }
    }

    #[inline]
    pub(crate) fn trigger(&self) -> Trigger {
        self.trigger
    }

    /// What the poller reports now.
    pub(crate) fn watch(&self) -> Watch {
        self.watch_of(self.arming.load())
    }

    fn watch_of(&self, arming: Arming) -> Watch {
        Watch {
            armed: arming.armed,
            urgent: self.urgent,
            trigger: if arming.calm {
                Trigger::Edge
            } else {
                self.trigger
            },
        }
    }

    /// An event of an object that is not edge-triggered; as [`event`](Self::event).
    #[cold]
    pub(super) fn event_of_other_trigger(
        &self,
        read: Option<Event>,
        write: Option<Event>,
        out: &mut impl Wakes,
    ) -> bool {
        // With the readiness, not after it: who parks in between must know.
        let asks = self.trigger == Trigger::Oneshot || !sys::NATIVE_TRIGGERS;
        let (mut all_awaited, mut reported) = (true, [false; 2]);
        for (direction, event) in [(Direction::Read, read), (Direction::Write, write)] {
            let Some(mut event) = event else {
                continue;
            };
            if asks {
                event = event.asking_for_rearming();
            }
            reported[direction as usize] = true;
            all_awaited &= self.event_of(direction, event, out);
        }
        if self.trigger == Trigger::Oneshot {
            self.end_shot(reported, out);
            return false;
        }
        // Whether it is calm already is known under the lock alone.
        sys::NATIVE_TRIGGERS && !all_awaited
    }

    /// The one event of a oneshot object has come: neither direction is reported any more. Whoever waits
    /// for the other one is sent to ask anew.
    fn end_shot(&self, reported: [bool; 2], out: &mut impl Wakes) {
        for direction in [Direction::Read, Direction::Write] {
            if reported[direction as usize] {
                continue;
            }
            let side = self.side(direction);
            let asked = side.readiness.ask_for_rearming();
            if asked.is_waited_for() && !seeded(Fault::OneshotForgetsTheOther) {
                let announced = side.readiness.forget_waiters();
                self.wake_waiters(direction, announced, out);
            }
        }
    }

    /// Makes the object edge-triggered until a task parks, by `switch`: it has been reported to nobody.
    ///
    /// Both directions are asked for rearming *first*. Whoever parks later changes it back; whoever has
    /// parked already is told once more by the switch itself if the object is ready.
    pub(crate) fn calm<E>(&self, switch: impl FnOnce(Watch) -> Result<(), E>) -> Result<(), E> {
        let _waiting = lock(&self.waiting);
        let before = self.arming.load();
        if before.calm {
            return Ok(());
        }
        let calm = Arming {
            calm: true,
            ..before
        };
        if !seeded(Fault::CalmWithoutWord) {
            self.ask_both_for_rearming();
        }
        // Even if it fails: it would not go better at the next event.
        self.arming.store(calm);
        switch(self.watch_of(calm))
    }

    /// Whether this was last said of a level-triggered object in this turn of the loop or the one
    /// before; says it now. Turns are told apart by their last byte.
    pub(crate) fn was_drained_just_before(&self, turn: u64) -> bool {
        let (turn, last) = (turn as u8, self.unasked.load(Ordering::Relaxed));
        self.unasked.store(turn, Ordering::Relaxed);
        turn.wrapping_sub(last) <= 1
    }

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
    ) -> Result<(), E> {
        let _waiting = lock(&self.waiting);
        let before = self.arming.load();
        let readiness = &self.side(direction).readiness;
        if !readiness.load().needs_rearming() || before.paused.is_in(direction) {
            return Ok(());
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
        Ok(())
    }

    fn ask_both_for_rearming(&self) {
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

    /// Lets the poller report `direction` again; true if somebody waits for that, so that it has to be
    /// rearmed.
    pub(crate) fn resume(&self, direction: Direction) -> bool {
        let _waiting = lock(&self.waiting);
        let mut arming = self.arming.load();
        arming.paused.set(direction, false);
        self.arming.store(arming);
        self.side(direction).readiness.load().is_waited_for()
    }
}

impl Armed {
    const NEITHER: Self = Self {
        read: false,
        write: false,
    };

    pub(crate) fn is_in(self, direction: Direction) -> bool {
        match direction {
            Direction::Read => self.read,
            Direction::Write => self.write,
        }
    }

    fn set(&mut self, direction: Direction, armed: bool) {
        match direction {
            Direction::Read => self.read = armed,
            Direction::Write => self.write = armed,
        }
    }

    fn bits(self) -> u8 {
        u8::from(self.read) | (u8::from(self.write) << 1)
    }

    fn from_bits(bits: u8) -> Self {
        Self {
            read: bits & 1 != 0,
            write: bits & 2 != 0,
        }
    }
}

/// An [`Arming`] in one byte.
#[derive(Debug)]
pub(super) struct ArmingBits(AtomicU8);

impl ArmingBits {
    pub(super) fn new(armed: Armed) -> Self {
        let bits = Self(AtomicU8::new(0));
        bits.store(Arming {
            armed,
            paused: Armed::NEITHER,
            calm: false,
        });
        bits
    }

    fn load(&self) -> Arming {
        let bits = self.0.load(Ordering::Relaxed);
        Arming {
            armed: Armed::from_bits(bits),
            paused: Armed::from_bits(bits >> PAUSED),
            calm: bits & CALM != 0,
        }
    }

    fn store(&self, arming: Arming) {
        let calm = if arming.calm { CALM } else { 0 };
        let bits = arming.armed.bits() | (arming.paused.bits() << PAUSED) | calm;
        self.0.store(bits, Ordering::Relaxed);
    }
}

const PAUSED: u32 = 2;
const CALM: u8 = 1 << 4;
