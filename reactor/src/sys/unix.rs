use std::{
    io,
    os::fd::{AsFd, AsRawFd, RawFd},
};

use mio::{Interest, Registry, Token, event::Source, unix::SourceFd};

pub(crate) type Descriptor = RawFd;

pub(crate) fn descriptor_of<E: AsFd>(io: &E) -> Descriptor {
    io.as_fd().as_raw_fd()
}

pub(crate) fn rearm(
    registry: &Registry,
    descriptor: Descriptor,
    token: Token,
    interest: Interest,
) -> io::Result<()> {
    SourceFd(&descriptor).reregister(registry, token, interest)
}

#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn urgent() -> Option<Interest> {
    Some(Interest::PRIORITY)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn urgent() -> Option<Interest> {
    None
}

/// True edge semantics: epoll and kqueue.
pub(crate) const TRUSTS_SHORT_TRANSFERS: bool = cfg!(any(
    target_os = "linux",
    target_os = "android",
    target_os = "macos",
    target_os = "ios",
    target_os = "freebsd",
    target_os = "netbsd",
    target_os = "openbsd",
    target_os = "dragonfly",
));
