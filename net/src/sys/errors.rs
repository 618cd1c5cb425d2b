//! Whose business an error of the system is.

use std::io;

use crate::AcceptError;

pub(crate) fn accept_error(error: &io::Error) -> AcceptError {
    match error.raw_os_error() {
        // accept(2), "Error handling": errors that are already pending on the new socket are passed
        // on, and are to be treated like EAGAIN. EPERM: a firewall rule.
        Some(
            libc::ENETDOWN
            | libc::EPROTO
            | libc::ENOPROTOOPT
            | libc::EHOSTDOWN
            | libc::EHOSTUNREACH
            | libc::EOPNOTSUPP
            | libc::ENETUNREACH
            | libc::EPERM,
        ) => AcceptError::Connection,
        #[cfg(target_os = "linux")]
        Some(libc::ENONET) => AcceptError::Connection,
        // ENOSPC: the limit of watches of epoll, when the new socket is registered.
        Some(libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM | libc::ENOSPC) => {
            AcceptError::Resource
        }
        _ => AcceptError::of_kind(error),
    }
}

/// ip(7), "Errors": what ICMP said to an earlier datagram, and what concerns the one to be sent alone.
pub(crate) fn is_transient(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(
            libc::ECONNREFUSED
                | libc::ECONNRESET
                | libc::EHOSTUNREACH
                | libc::ENETUNREACH
                | libc::EHOSTDOWN
                | libc::ENOPROTOOPT
                | libc::EPROTO
                | libc::EMSGSIZE
                | libc::EACCES
                | libc::EPERM
                | libc::ENOBUFS
                | libc::ENOMEM
        )
    )
}
