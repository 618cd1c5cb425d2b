//! Pollers that are used through mio alone, which has them edge-triggered. It has no interest in
//! nothing: an object that nothing is wanted of is not registered. With poll(2) it deregisters an object
//! by itself after an error or a hang-up.

use std::{io, os::fd::AsRawFd};

use mio::{Registry, Token, event::Source, unix::SourceFd};

use crate::sys::{Borrowed, Watch};

#[path = "no_alarm.rs"]
mod alarm;

pub(crate) use alarm::{Alarm, HAS_ALARM};

pub(crate) const NATIVE_TRIGGERS: bool = false;

pub(crate) fn watch(
    registry: &Registry,
    io: Borrowed<'_>,
    token: Token,
    watch: Watch,
) -> io::Result<()> {
    match watch.mio_interest() {
        Some(interest) => SourceFd(&io.as_raw_fd()).register(registry, token, interest),
        None => Ok(()),
    }
}

pub(crate) fn unwatch(registry: &Registry, io: Borrowed<'_>) -> io::Result<()> {
    match SourceFd(&io.as_raw_fd()).deregister(registry) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

pub(crate) fn change(
    registry: &Registry,
    io: Borrowed<'_>,
    token: Token,
    before: Watch,
    after: Watch,
) -> io::Result<()> {
    match (before.mio_interest(), after.mio_interest()) {
        (None, _) => watch(registry, io, token, after),
        (Some(_), None) => unwatch(registry, io),
        (Some(_), Some(interest)) => {
            match super::rewatch(registry, io.as_raw_fd(), token, interest) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    watch(registry, io, token, after)
                }
                result => result,
            }
        }
    }
}
