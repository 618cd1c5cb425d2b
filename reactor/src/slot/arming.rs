//! What the poller is asked to report of an object.

use crate::{
    Direction, Options, Trigger,
    slot::Slot,
    sync::{AtomicU8, Ordering},
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
pub(super) struct Arming {
    pub(super) armed: Armed,
    /// Directions that are not to be reported, whoever waits.
    pub(super) paused: Armed,
    /// An object of another trigger is edge-triggered for now.
    pub(super) calm: bool,
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

    pub(super) fn watch_of(&self, arming: Arming) -> Watch {
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

    pub(super) fn set(&mut self, direction: Direction, armed: bool) {
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

    pub(super) fn load(&self) -> Arming {
        let bits = self.0.load(Ordering::Relaxed);
        Arming {
            armed: Armed::from_bits(bits),
            paused: Armed::from_bits(bits >> PAUSED),
            calm: bits & CALM != 0,
        }
    }

    pub(super) fn store(&self, arming: Arming) {
        let calm = if arming.calm { CALM } else { 0 };
        let bits = arming.armed.bits() | (arming.paused.bits() << PAUSED) | calm;
        self.0.store(bits, Ordering::Relaxed);
    }
}

const PAUSED: u32 = 2;
const CALM: u8 = 1 << 4;
