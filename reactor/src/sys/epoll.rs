//! epoll has a flag for each trigger, and reports a timerfd as an alarm.

use std::io;

use mio::{Registry, Token};
use rustix::event::epoll::{self, EventData, EventFlags};

use crate::{
    Trigger,
    options::Urgent,
    sys::{Borrowed, Watch},
};

#[path = "alarm.rs"]
mod alarm;

pub(crate) use alarm::{Alarm, HAS_ALARM};

pub(crate) const NATIVE_TRIGGERS: bool = true;

pub(crate) fn watch(
    registry: &Registry,
    io: Borrowed<'_>,
    token: Token,
    watch: Watch,
) -> io::Result<()> {
    Ok(epoll::add(registry, io, data(token), flags(watch))?)
}

pub(crate) fn unwatch(registry: &Registry, io: Borrowed<'_>) -> io::Result<()> {
    Ok(epoll::delete(registry, io)?)
}

pub(crate) fn change(
    registry: &Registry,
    io: Borrowed<'_>,
    token: Token,
    _: Watch,
    after: Watch,
) -> io::Result<()> {
    Ok(epoll::modify(registry, io, data(token), flags(after))?)
}

/// As mio does it, so that it finds the token again.
fn data(token: Token) -> EventData {
    EventData::new_u64(token.0 as u64)
}

fn flags(watch: Watch) -> EventFlags {
    let mut flags = EventFlags::empty();
    if watch.armed.read {
        flags |= match watch.urgent {
            Urgent::Ignored => EventFlags::IN | EventFlags::RDHUP,
            Urgent::Watched => EventFlags::IN | EventFlags::RDHUP | EventFlags::PRI,
            Urgent::Alone => EventFlags::PRI,
        };
    }
    if watch.armed.write {
        flags |= EventFlags::OUT;
    }
    // An error or a hang-up is reported whether it was asked for or not: nobody is to spin on it.
    if flags.is_empty() {
        return EventFlags::ET;
    }
    flags
        | match watch.trigger {
            Trigger::Edge => EventFlags::ET,
            Trigger::Level => EventFlags::empty(),
            Trigger::Oneshot => EventFlags::ET | EventFlags::ONESHOT,
        }
}
