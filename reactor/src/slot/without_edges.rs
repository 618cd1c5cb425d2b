//! What is different with objects that are not reported each time that something is new.

use std::sync::atomic::Ordering;

use super::{Slot, Wakes, arming::Arming};
use crate::{
    Direction, Trigger,
    fault::{Fault, seeded},
    readiness::Event,
    sync::lock,
    sys::{self, Watch},
};

impl Slot {
    /// As [`event`](Self::event), for these objects.
    #[cold]
    pub(super) fn event_without_edges(
        &self,
        read: Option<Event>,
        write: Option<Event>,
        out: &mut impl Wakes,
    ) -> bool {
        // With the readiness, not after it: who parks in between must know.
        let asks = self.descriptor.is_some() && sys::reports_once(self.trigger);
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
        let lasts = write.is_some_and(Event::is_closed) && !seeded(Fault::LoudErrors);
        // Whether it is calm already is known under the lock alone.
        self.trigger == Trigger::Level
            && sys::NATIVE_TRIGGERS
            && (lasts || self.is_unheard_too_often(all_awaited))
    }

    /// Counts events of a level-triggered object that somebody is not there to hear. The first few cost a
    /// turn each; to change what is reported costs two system calls.
    fn is_unheard_too_often(&self, is_heard: bool) -> bool {
        let memory = self.unasked.load(Ordering::Relaxed);
        let (turn, unheard) = (memory & TURN, memory >> TURN_BITS);
        let unheard = if is_heard {
            0
        } else {
            (unheard + 1).min(UNHEARD_EVENTS)
        };
        let now = turn | (unheard << TURN_BITS);
        if now != memory {
            self.unasked.store(now, Ordering::Relaxed);
        }
        unheard == UNHEARD_EVENTS
    }

    /// The one event of a oneshot object has come: neither direction is reported any more. Whoever waits
    /// for the other one is sent to ask anew, unless that is paused: the end of the pause asks.
    fn end_shot(&self, reported: [bool; 2], out: &mut impl Wakes) {
        for direction in [Direction::Read, Direction::Write] {
            if reported[direction as usize] {
                continue;
            }
            // Whoever ends a pause in this moment has the object rearmed after this event.
            if !seeded(Fault::OneshotForgetsTheOther) {
                self.send_to_ask(direction, out);
            }
        }
    }

    /// The poller may have lost the object: whoever waits is sent to ask anew.
    #[cold]
    pub(crate) fn report_anew(&self, out: &mut impl Wakes) {
        for direction in [Direction::Read, Direction::Write] {
            self.send_to_ask(direction, out);
        }
    }

    /// Asks later waiters to rearm *first* and wakes present ones *then*, unless the direction is paused: the end
    /// of the pause asks.
    fn send_to_ask(&self, direction: Direction, out: &mut impl Wakes) {
        let readiness = &self.side(direction).readiness;
        let too_late = seeded(Fault::AskedTooLate);
        let asked = if too_late {
            readiness.load()
        } else {
            readiness.ask_for_rearming()
        };
        if asked.is_waited_for() && !self.arming.load().paused.is_in(direction) {
            let announced = readiness.forget_waiters();
            self.wake_waiters(direction, announced, out);
        }
        if too_late {
            readiness.ask_for_rearming();
        }
    }

    /// Makes the object edge-triggered until a task parks, by `switch`: it would be reported over and over,
    /// to nobody or about something that lasts.
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
    /// before; says it now. Turns are told apart by their last bits.
    pub(crate) fn was_drained_just_before(&self, turn: u64) -> bool {
        let (turn, last) = (
            turn as u8 & TURN,
            self.unasked.load(Ordering::Relaxed) & TURN,
        );
        self.unasked.store(turn, Ordering::Relaxed);
        turn.wrapping_sub(last) & TURN <= 1
    }
}

/// So many events that nobody hears, and the object is calmed.
const UNHEARD_EVENTS: u8 = 3;
/// What is left of a turn's number in a byte that also counts to three.
const TURN_BITS: u32 = 6;
const TURN: u8 = (1 << TURN_BITS) - 1;
