//! Pollers that are used through mio alone, which has them edge-triggered. It has no interest in
//! nothing: an object that nothing is wanted of is not registered.

use std::{io, os::fd::AsRawFd};

use mio::{Registry, Token, event::Source, unix::SourceFd};

use crate::sys::{Borrowed, Watch};

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
    SourceFd(&io.as_raw_fd()).deregister(registry)
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
        (Some(_), Some(interest)) => super::rewatch(registry, io.as_raw_fd(), token, interest),
    }
}
