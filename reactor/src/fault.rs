//! Deliberate mistakes, for the models to catch: a model that passes with a mistake in place proves
//! nothing. Outside of a model the answer is a constant `false` and the branches are gone.

use crate::sync::Ordering;

/// A mistake that somebody has made before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A clear does not compare ticks, and erases an event that is newer than what it saw.
    ClearIgnoresTick,
    /// A clear also removes the "gone" of a dropped core.
    ClearErasesGone,
    /// A waiter does not look again after it has stored its waker.
    WaitWithoutSecondLook,
    /// Only the last waker of a direction is kept.
    OneWakerPerDirection,
    /// The first waker of a direction stays, whoever comes later.
    FirstWakerStays,
    /// Waiters that leave for want of room are not woken.
    OverflowWithoutWake,
    /// An event does not give up those that were remembered for want of room.
    SamplesStay,
    /// An event of one direction is one of the other as well.
    OneWordForBoth,
    /// Write interest is dropped without a look whether somebody waits to write.
    DropAwaitedInterest,
    /// The one event of a oneshot object leaves those who wait for the other direction behind.
    OneshotForgetsTheOther,
    /// Those who wait are looked for before later ones are asked to rearm.
    AskedTooLate,
    /// A task that has changed what the poller reports takes back that this is asked for, although an
    /// event has asked anew meanwhile.
    RearmedTooLate,
    /// An error that lasts is reported for as long as somebody waits for something else.
    LoudErrors,
    /// An object that nobody waits for is calmed without a word to those who park meanwhile.
    CalmWithoutWord,
    /// A waiter that goes takes the waker along that another one of the same task relies on.
    WithdrawWithoutWake,
    /// A waiter that goes leaves its waker behind.
    WithdrawLeavesWaker,
    /// The end of a pause leaves those who wait to themselves.
    ResumeWithoutRearming,
    /// An object that is dropped stays where events find it.
    DropLeavesSlot,
    /// A core that is gone still takes objects in.
    InsertWhenGone,
    /// Who comes when the core is gone leaves a waker that nobody takes out.
    GoneKeepsWakers,
    /// A core that goes says so after it has woken everybody.
    GoneTooLate,
    /// An event finds whatever is registered in the place that it names.
    TokenWithoutGeneration,
    /// A sleeper does not look whether the bell was rung while it was awake.
    SleepWithoutLook,
    /// A ring is not remembered unless the loop sleeps.
    RingOnlyTheSleeper,
    /// A ring does not publish the work that it was rung for.
    RingWithoutRelease,
    /// A loop that wakes up takes back rings without seeing the work that they were rung for.
    WakeUpWithoutAcquire,
    /// A loop that has spun for long enough takes back a ring that came at the very end.
    SpinTakesRingBack,
    /// A timer that is cancelled stays where the loop finds it.
    CancelLeavesTimer,
    /// A sleep that is reset goes by the timer that it had.
    ResetKeepsTimer,
    /// A timer keeps the waker that it had first.
    TimerKeepsFirstWaker,
    /// A finished task does not look for the waker of its join handle.
    CompleteWithoutWake,
    /// A task that is woken while it is being polled is not queued again.
    WakeDuringPollForgotten,
    /// An abort looks whether its task has arrived, and then says that it is one.
    AbortLooksTooEarly,
    /// A waker that a task has kept is lent to the next one.
    KeptWakerLentAgain,
    /// A waker that has woken one task is lent to the next as if it had woken that one as well.
    LentAsWoken,
    /// A wake does not publish what was written before it.
    WakeWithoutRelease,
}

/// The ordering of an exchange by which threads see what others did before, unless that is the mistake.
#[inline(always)]
pub(crate) fn acq_rel_unless(fault: Fault) -> Ordering {
    if seeded(fault) {
        Ordering::Relaxed
    } else {
        Ordering::AcqRel
    }
}

/// Whether the mistake is in place in the model that runs on this thread.
#[cfg(not(loom))]
#[inline(always)]
pub(crate) const fn seeded(_: Fault) -> bool {
    false
}

#[cfg(loom)]
pub(crate) use model::seeded;

#[cfg(loom)]
pub(crate) mod model {
    use std::cell::Cell;

    use super::Fault;

    std::thread_local! {
        static SEEDED: Cell<Option<Fault>> = const { Cell::new(None) };
    }

    pub(crate) fn seeded(fault: Fault) -> bool {
        SEEDED.get() == Some(fault)
    }

    /// Runs a model with a mistake in place. loom runs all threads of a model on the calling one.
    #[cfg(test)]
    pub(crate) fn with<R>(fault: Fault, f: impl FnOnce() -> R) -> R {
        SEEDED.set(Some(fault));
        let result = f();
        SEEDED.set(None);
        result
    }
}
