use std::io;

use crate::sys;

/// Whose business a failed `accept` is: what a loop of one's own has to know, as
/// [`Incoming`](crate::Incoming) does.
///
/// # Examples
///
/// ```
/// use net::AcceptError;
///
/// let reset = std::io::ErrorKind::ConnectionAborted.into();
/// assert_eq!(AcceptError::of(&reset), AcceptError::Connection);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AcceptError {
    /// One connection has died before it was accepted; the next one may be fine. Go on at once.
    Connection,
    /// The process or the system is out of descriptors or memory; later it may be fine. Go on after a
    /// pause: until then each call fails.
    Resource,
    /// The listener is of no use any more.
    Fatal,
}

impl AcceptError {
    /// Whose business an error of `accept` is.
    pub fn of(error: &io::Error) -> Self {
        sys::accept_error(error)
    }

    /// What the kind alone says, on any platform.
    pub(crate) fn of_kind(error: &io::Error) -> Self {
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

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn each_error_of_accept_is_somebodys_business() {
        let of = |number| AcceptError::of(&io::Error::from_raw_os_error(number));
        for number in [libc::ECONNABORTED, libc::EPROTO, libc::EPERM, libc::EINTR] {
            assert_eq!(of(number), AcceptError::Connection);
        }
        for number in [libc::EMFILE, libc::ENFILE, libc::ENOBUFS, libc::ENOMEM] {
            assert_eq!(of(number), AcceptError::Resource);
        }
        for number in [libc::EBADF, libc::EINVAL, libc::ENOTSOCK] {
            assert_eq!(of(number), AcceptError::Fatal);
        }
    }
}
