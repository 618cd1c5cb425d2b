//! The wall between the reactor and the operating system.
//!
//! A platform owes:
//!
//! * `Descriptor`: what an object is known by to the system's poller, `Copy` and comparable, and
//!   `Borrowed`, from which it comes; `number`, by which people know it;
//! * `watch`, `unwatch` and `change`: what the poller reports of a descriptor. If the descriptor is
//!   ready in one of the directions of a change, that is reported even if it has been reported before;
//! * `calm`: switches a watched descriptor to edge-triggered, without the object;
//! * `TRUE_EDGES`: whether an edge-triggered object is reported each time that something is new. If
//!   not, it is reported once, and again after a change. More data after a short read is always
//!   reported with true edges alone;
//! * `NATIVE_TRIGGERS`: whether `watch` and `change` know other triggers than edge;
//! * `CHANGES_SWALLOW_WAKES`: whether a change may take back a wake of the poller that has not been heard;
//! * `HANG_UPS_LOSE_OTHERS`: whether an object that is registered while another one hangs up may not be reported;
//! * `Alarm`: ends a wait of the poller more exactly than to the millisecond, in an event with the token of
//!   the doorbell, if `HAS_ALARM`;
//! * `is_ready`: asks the system about one direction of an object, now;
//! * `watch_forks` and `forks`: whether this process is a copy of the one that made a reactor.
//!
//! Linux is tested: with epoll, and with mio's `mio_unsupported_force_poll_poll`, which takes the place
//! of the others with descriptors. These share its file, untested.
//!
//! Without true edges an object in error keeps the loop busy for as long as a task waits for it: poll(2)
//! reports the error at each change.

use crate::{Trigger, options::Urgent, slot::Armed};

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub(crate) use unix::*;

#[cfg(not(unix))]
mod other;
#[cfg(not(unix))]
pub(crate) use other::*;

/// What the poller is to report of an object, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Watch {
    pub(crate) armed: Armed,
    pub(crate) urgent: Urgent,
    pub(crate) trigger: Trigger,
}

impl Watch {
    pub(crate) fn mio_interest(self) -> Option<mio::Interest> {
        let read = self.armed.read.then(|| readable(self.urgent));
        let write = self.armed.write.then_some(mio::Interest::WRITABLE);
        match (read, write) {
            (Some(read), Some(write)) => Some(read | write),
            (read, write) => read.or(write),
        }
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn readable(urgent: Urgent) -> mio::Interest {
    match urgent {
        Urgent::Ignored => mio::Interest::READABLE,
        Urgent::Watched => mio::Interest::READABLE | mio::Interest::PRIORITY,
        Urgent::Alone => mio::Interest::PRIORITY,
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn readable(_: Urgent) -> mio::Interest {
    mio::Interest::READABLE
}

/// Whether an event is the last one until what the poller reports is changed.
#[inline]
pub(crate) fn reports_once(trigger: Trigger) -> bool {
    match trigger {
        Trigger::Edge => !TRUE_EDGES,
        Trigger::Level => !NATIVE_TRIGGERS,
        Trigger::Oneshot => true,
    }
}

/// How an object of type `E` is borrowed for the functions here.
pub(crate) type Borrow<E> = for<'a> fn(&'a E) -> Borrowed<'a>;
