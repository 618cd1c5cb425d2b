use mio::Interest;

use crate::{slot::Armed, sys};

/// How an object is registered; for [`PollEvented::with_options`](crate::PollEvented::with_options).
#[derive(Debug, Clone, Copy)]
pub struct Options {
    pub(crate) armed: Armed,
    pub(crate) assume_ready: bool,
    pub(crate) urgent: bool,
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
            urgent: false,
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
            urgent: false,
        }
    }

    /// Lets urgent data be seen, where the system has it: after such an event a short read is not
    /// trusted any more to have emptied the object.
    pub fn watch_urgent(mut self) -> Self {
        self.urgent = true;
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

    pub(crate) fn interest(self, armed: Armed) -> Interest {
        let interest = match (armed.read, armed.write) {
            (true, true) => Interest::READABLE | Interest::WRITABLE,
            (false, true) => Interest::WRITABLE,
            _ => Interest::READABLE,
        };
        match sys::urgent() {
            Some(urgent) if self.urgent && armed.read => interest | urgent,
            _ => interest,
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}
