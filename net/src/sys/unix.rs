//! The crate's one file with unsafe code.
#![allow(
    unsafe_code,
    reason = "recv(2) writes into memory that may be uninitialised"
)]

use std::{
    io::{self, IoSlice},
    os::fd::AsFd,
};

use io_traits::ReadCursor;
use socket2::SockRef;

use super::AcceptError;

/// recv(2) into the unfilled part of `buf`; returns the number of bytes read.
pub(crate) fn recv_into<S: AsFd>(socket: &S, buf: &mut ReadCursor<'_>) -> io::Result<usize> {
    // SAFETY: `recv` writes into the memory and never makes it uninitialised.
    let memory = unsafe { buf.unfilled_mut() };
    let n = SockRef::from(socket).recv(memory)?;
    // SAFETY: the kernel has written the first `n` bytes, and was given no fewer.
    unsafe { buf.assume_filled(n) };
    Ok(n)
}

/// sendmsg(2) instead of the writev(2) of std, so that a peer that has gone is an error and no SIGPIPE.
pub(crate) fn send_vectored<S: AsFd>(socket: &S, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
    SockRef::from(socket).send_vectored_with_flags(bufs, NO_SIGNAL)
}

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

/// Apple's systems have a socket option instead, which std sets.
const NO_SIGNAL: libc::c_int = if cfg!(target_vendor = "apple") {
    0
} else {
    libc::MSG_NOSIGNAL
};
