use crate::{Trigger, slot::Armed};

/// How an object is registered; for [`PollEvented::with_options`](crate::PollEvented::with_options).
#[derive(Debug, Clone, Copy)]
pub struct Options {
    pub(crate) armed: Armed,
    pub(crate) assume_ready: bool,
    pub(crate) urgent: Urgent,
    pub(crate) trigger: Trigger,
}

/// What urgent data has to do with reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Urgent {
    /// Nothing: it is not reported.
    Ignored,
    /// It makes the object readable, as other data does.
    Watched,
    /// It alone makes the object readable.
    Alone,
}

impl Options {
    /// For an object that can be used at once: both directions are tried before they are waited for,
    /// and the poller reports "readable" until a task parks on writing.
    pub fn new() -> Self {
        Self {
            armed: Armed {
                read: true,
                write: false,
            },
            assume_ready: true,
            urgent: Urgent::Ignored,
            trigger: Trigger::Edge,
        }
    }

    /// For an object that is still connecting: it becomes writable first.
    pub fn connecting() -> Self {
        Self {
            armed: Armed {
                read: false,
                write: true,
            },
            assume_ready: false,
            ..Self::new()
        }
    }

    /// For an object that is only written to, such as the writing end of a pipe: the poller reports
    /// nothing until a task parks.
    pub fn write_only() -> Self {
        Self {
            armed: Armed {
                read: false,
                write: false,
            },
            ..Self::new()
        }
    }

    /// When the poller reports.
    pub fn trigger(mut self, trigger: Trigger) -> Self {
        self.trigger = trigger;
        self
    }

    /// Lets urgent data be seen, where the system has it: after such an event a short read is not
    /// trusted any more to have emptied the object.
    pub fn watch_urgent(mut self) -> Self {
        self.urgent = Urgent::Watched;
        self
    }

    /// Urgent data alone makes the object readable: for objects that are readable all the time and
    /// tell of what is new by `EPOLLPRI`, such as the attributes of sysfs. Linux only; elsewhere as
    /// [`new`](Self::new).
    pub fn urgent_only(mut self) -> Self {
        self.urgent = Urgent::Alone;
        self
    }

    /// Nothing is tried: the first operation of either direction waits for an event.
    pub fn assume_unready(mut self) -> Self {
        self.assume_ready = false;
        self
    }

    pub(crate) fn both() -> Self {
        Self {
            armed: Armed {
                read: true,
                write: true,
            },
            ..Self::new()
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}
