use std::{
    io,
    num::NonZeroU32,
    os::fd::{AsRawFd, BorrowedFd, RawFd},
};

use mio::{Registry, Token, unix::SourceFd};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::retry_on_intr,
};

use super::Watch;
use crate::Direction;

#[cfg(all(
    any(target_os = "linux", target_os = "android"),
    not(mio_unsupported_force_poll_poll)
))]
#[path = "epoll.rs"]
mod poller;

#[cfg(not(all(
    any(target_os = "linux", target_os = "android"),
    not(mio_unsupported_force_poll_poll)
)))]
#[path = "edge.rs"]
mod poller;

#[path = "fork.rs"]
mod fork;

pub(crate) use fork::{forks, watch_forks};
pub(crate) use poller::{Alarm, HAS_ALARM, NATIVE_TRIGGERS, change, unwatch, watch};

pub(crate) type Borrowed<'a> = BorrowedFd<'a>;

/// The number of a descriptor and 1, so that "none" takes no memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Descriptor(NonZeroU32);

impl Descriptor {
    fn raw(self) -> RawFd {
        (self.0.get() - 1) as RawFd
    }
}

/// What the system calls it.
pub(crate) fn number(descriptor: Descriptor) -> RawFd {
    descriptor.raw()
}

pub(crate) fn descriptor(borrowed: Borrowed<'_>) -> Descriptor {
    let number = borrowed.as_raw_fd() as u32;
    Descriptor(NonZeroU32::MIN.saturating_add(number))
}

pub(crate) fn calm(
    registry: &Registry,
    descriptor: Descriptor,
    token: Token,
    watch: Watch,
) -> io::Result<()> {
    let Some(interest) = watch.mio_interest() else {
        return Ok(());
    };
    match rewatch(registry, descriptor.raw(), token, interest) {
        // Somebody is deregistering it at this moment.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

fn rewatch(
    registry: &Registry,
    descriptor: RawFd,
    token: Token,
    interest: mio::Interest,
) -> io::Result<()> {
    use mio::event::Source;

    SourceFd(&descriptor).reregister(registry, token, interest)
}

/// poll(2), which does not wait. A hang-up is ready as well: the operation says so.
pub(crate) fn is_ready(borrowed: Borrowed<'_>, direction: Direction) -> bool {
    let flag = match direction {
        Direction::Read => PollFlags::IN,
        Direction::Write => PollFlags::OUT,
    };
    let mut asked = [PollFd::from_borrowed_fd(borrowed, flag)];
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    let polled = retry_on_intr(|| poll(&mut asked, Some(&now)));
    polled.is_ok() && asked[0].revents().intersects(flag | PollFlags::HUP)
}

/// epoll and kqueue.
pub(crate) const TRUE_EDGES: bool = cfg!(all(
    any(
        target_os = "linux",
        target_os = "android",
        target_os = "macos",
        target_os = "ios",
        target_os = "freebsd",
        target_os = "netbsd",
        target_os = "openbsd",
        target_os = "dragonfly",
    ),
    not(mio_unsupported_force_poll_poll)
));

/// mio's poll(2) is woken for a change by the same pipe as for a wake, and whoever changes something
/// empties that pipe.
pub(crate) const CHANGES_SWALLOW_WAKES: bool = !TRUE_EDGES;

/// mio's poll(2) forgets an object that has hung up by its number, after it was asked: by then that may be another
/// object's.
pub(crate) const HANG_UPS_LOSE_OTHERS: bool = !TRUE_EDGES;
