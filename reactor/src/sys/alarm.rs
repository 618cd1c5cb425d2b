//! timerfd_create(2).

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
    time::Duration,
};

use mio::Registry;
use rustix::{
    event::epoll::{self, EventData, EventFlags},
    time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    },
};

use crate::slots::BELL;

pub(crate) const HAS_ALARM: bool = true;

/// A timerfd that is never read: each time it goes off is an edge.
#[derive(Debug)]
pub(crate) struct Alarm(OwnedFd);

impl Alarm {
    pub(crate) fn new(registry: &Registry) -> io::Result<Self> {
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        let alarm = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        let token = EventData::new_u64(BELL.0 as u64);
        epoll::add(registry, &alarm, token, EventFlags::IN | EventFlags::ET)?;
        Ok(Self(alarm))
    }

    /// Goes off after so long, and not when it was set for before. 0 is never.
    pub(crate) fn set(&mut self, after: Duration) -> io::Result<()> {
        const NEVER: Timespec = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        let once = Itimerspec {
            it_interval: NEVER,
            it_value: Timespec::try_from(after).map_err(io::Error::other)?,
        };
        timerfd_settime(self.0.as_fd(), TimerfdTimerFlags::empty(), &once)?;
        Ok(())
    }
}
