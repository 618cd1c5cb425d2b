//! An object that is not edge-triggered, as the models need it.

use std::{
    sync::Arc,
    task::{Poll, Wake, Waker},
};

use loom::sync::Condvar;

use super::{Woken, any_descriptor, block_on};
use crate::{
    Direction::{self, Read, Write},
    Options, Trigger,
    readiness::{Event, Told},
    shared::wake_all,
    slot::{Rearmed, Slot, Waited},
    sync::{Mutex, lock},
    sys::Watch,
};

/// An object, its slot, and what epoll makes of it.
pub(super) struct Object {
    pub(super) slot: Slot,
    pub(super) kernel: Mutex<Kernel>,
    pub(super) changed: Condvar,
}

pub(super) struct Kernel {
    watch: Watch,
    /// A oneshot object has been reported.
    spent: bool,
    /// Something has happened that edge-triggered objects are reported for.
    edge: bool,
    /// An error that nobody takes: it is reported whether it is asked for or not.
    failed: bool,
    readable: u32,
    writable: u32,
    /// Tasks that are not done.
    pub(super) tasks: u32,
}

impl Kernel {
    pub(super) fn ready(&self) -> (bool, bool) {
        let armed = self.watch.armed;
        (
            armed.read && self.readable > 0,
            armed.write && self.writable > 0,
        )
    }

    /// What epoll_wait would report now.
    pub(super) fn report(&mut self) -> Option<[Option<Event>; 2]> {
        let (read, write) = self.ready();
        if !(read || write || self.failed) || self.spent {
            return None;
        }
        match self.watch.trigger {
            Trigger::Level => {}
            Trigger::Edge if self.edge => self.edge = false,
            Trigger::Edge => return None,
            Trigger::Oneshot => self.spent = true,
        }
        let error = Event::new(true, true, false);
        Some([read, write].map(|ready| match self.failed {
            true => Some(error),
            false => ready.then(Event::default),
        }))
    }

    pub(super) fn available(&mut self, direction: Direction) -> &mut u32 {
        match direction {
            Read => &mut self.readable,
            Write => &mut self.writable,
        }
    }
}

impl Object {
    pub(super) fn new(trigger: Trigger, tasks: u32) -> Arc<Self> {
        Self::with(Options::both().trigger(trigger), tasks)
    }

    pub(super) fn with(options: Options, tasks: u32) -> Arc<Self> {
        let slot = Slot::new(options.assume_unready(), any_descriptor());
        let kernel = Kernel {
            watch: slot.watch(),
            spent: false,
            edge: false,
            failed: false,
            readable: 0,
            writable: 0,
            tasks,
        };
        Arc::new(Self {
            slot,
            kernel: Mutex::new(kernel),
            changed: Condvar::new(),
        })
    }

    pub(super) fn arrive(&self, direction: Direction) {
        let mut kernel = lock(&self.kernel);
        *kernel.available(direction) += 1;
        kernel.edge = true;
        drop(kernel);
        self.changed.notify_one();
    }

    /// As mio's poll(2) may do it when another object hangs up.
    pub(super) fn lose(&self) {
        lock(&self.kernel).spent = true;
        let mut woken = Woken::default();
        self.slot.report_anew(&mut woken);
        wake_all(&mut woken.0);
    }

    pub(super) fn fail(&self) {
        let mut kernel = lock(&self.kernel);
        kernel.failed = true;
        kernel.edge = true;
        drop(kernel);
        self.changed.notify_one();
    }

    /// EPOLL_CTL_MOD: what is ready is reported once more.
    pub(super) fn change(&self, watch: Watch) -> Result<(), ()> {
        let mut kernel = lock(&self.kernel);
        kernel.watch = watch;
        kernel.spent = false;
        kernel.edge = true;
        drop(kernel);
        self.changed.notify_one();
        Ok(())
    }

    /// Waits for what is told from now on: whatever is known already is taken back, by mistake.
    pub(super) fn park(
        &self,
        direction: Direction,
        waker: &Waker,
        mistaken: &mut bool,
    ) -> Poll<()> {
        let seen = self.slot.seen(direction);
        if std::mem::take(mistaken) {
            self.slot.clear(direction, seen);
        } else if seen.is_ready() {
            return Poll::Ready(());
        }
        match self.slot.wait(direction, Told::READY, waker, None).unwrap() {
            Waited::Ready(_) => Poll::Ready(()),
            Waited::Parked => Poll::Pending,
            Waited::Rearm => {
                let rearmed = self.slot.rearm(direction, |_, after| self.change(after));
                let is_ready = || *lock(&self.kernel).available(direction) > 0;
                if rearmed == Ok(Rearmed::OnlyNews) && is_ready() {
                    self.slot.found_ready(direction);
                    waker.wake_by_ref();
                }
                Poll::Pending
            }
        }
    }

    pub(super) fn pause(&self, direction: Direction) {
        let paused = self.slot.pause(direction, |_, after| self.change(after));
        paused.unwrap();
    }

    pub(super) fn resume(&self, direction: Direction) {
        if self.slot.resume(direction) {
            let rearmed = self.slot.rearm(direction, |_, after| self.change(after));
            assert_eq!(rearmed, Ok(Rearmed::Reported));
        }
    }

    /// A task that waits for `direction` once and takes what is there.
    pub(super) fn run(&self, direction: Direction, mut mistaken: bool) {
        block_on(|waker| {
            loop {
                if self.park(direction, waker, &mut mistaken).is_pending() {
                    return Poll::Pending;
                }
                let seen = self.slot.seen(direction);
                let mut kernel = lock(&self.kernel);
                let available = kernel.available(direction);
                if *available > 0 {
                    *available -= 1;
                    kernel.tasks -= 1;
                    return Poll::Ready(());
                }
                drop(kernel);
                self.slot.clear(direction, seen);
            }
        });
        self.changed.notify_one();
    }

    /// The loop, until all tasks are done. Says how often it was told something.
    pub(super) fn turn(&self) -> u32 {
        let mut reports = 0;
        while let Some([read, write]) = self.next_report() {
            reports += 1;
            assert!(reports <= MOST_REPORTS, "{AWAKE}");
            let mut woken = Woken::default();
            if self.slot.event(read, write, &mut woken) {
                self.slot.calm(|watch| self.change(watch)).unwrap();
            }
            wake_all(&mut woken.0);
        }
        reports
    }

    pub(super) fn next_report(&self) -> Option<[Option<Event>; 2]> {
        let mut kernel = lock(&self.kernel);
        loop {
            if let Some(report) = kernel.report() {
                return Some(report);
            }
            if kernel.tasks == 0 {
                return None;
            }
            kernel = self.changed.wait(kernel).expect("loom poisons no lock");
        }
    }
}

/// A task that has parked, and ends when it is woken.
pub(super) struct Parked(pub(super) Arc<Object>);

impl Wake for Parked {
    fn wake(self: Arc<Self>) {
        let mut kernel = lock(&self.0.kernel);
        kernel.tasks = kernel.tasks.saturating_sub(1);
        drop(kernel);
        self.0.changed.notify_one();
    }
}

pub(super) const AWAKE: &str = "the loop is kept awake";

/// Two tasks and two arrivals, each of which may be told of a few times too often.
const MOST_REPORTS: u32 = 16;
