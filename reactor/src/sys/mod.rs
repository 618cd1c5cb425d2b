//! The wall between the reactor and the operating system.
//!
//! A platform owes:
//!
//! * `Descriptor`: what an object is known by to the system's poller, `Copy` and comparable;
//! * `rearm`: replace what the poller reports of a registered descriptor. If the descriptor is ready
//!   in one of the new directions, that is reported even if it has been reported before;
//! * `urgent`: the interest that makes urgent data visible, where there is such a thing;
//! * `TRUSTS_SHORT_TRANSFERS`: whether more data after a short read is always a new event.
//!
//! Linux is tested. Others with epoll or kqueue share its file, untested.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub(crate) use unix::*;

#[cfg(not(unix))]
mod other;
#[cfg(not(unix))]
pub(crate) use other::*;
