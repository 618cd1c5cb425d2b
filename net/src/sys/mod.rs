//! The wall between this crate and the operating system.
//!
//! A platform owes:
//!
//! * `Socket`: what a socket has to be for the functions;
//! * `recv_into`, `recv_datagram_into`: read from a socket into memory that may be uninitialised;
//! * `send`, `send_vectored`: write from one or several buffers, without a signal if the peer has gone;
//! * `accept_error`: which errors of `accept` are whose business;
//! * where there are Unix sockets: `peek`, `accept_unix` and `TRUSTS_SHORT_UNIX_WRITES`.
//!
//! Linux is tested. Other Unix systems share its file, untested; the rest has a file that needs
//! nothing from the system, untested as well.

use std::io;

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub(crate) use unix::*;

#[cfg(not(unix))]
mod other;
#[cfg(not(unix))]
pub(crate) use other::*;

/// Whose business a failed `accept` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AcceptError {
    /// One connection has died before it was accepted; the next one may be fine.
    Connection,
    /// The process or the system is out of descriptors or memory; later it may be fine.
    Resource,
    /// The listener is of no use any more.
    Fatal,
}

impl AcceptError {
    /// What the kind alone says, on any platform.
    fn of_kind(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
            | io::ErrorKind::TimedOut => Self::Connection,
            io::ErrorKind::OutOfMemory => Self::Resource,
            _ => Self::Fatal,
        }
    }
}
