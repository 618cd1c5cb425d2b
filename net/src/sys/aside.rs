//! What the kernel is asked to do to datagrams, or to tell beside them: options of udp(7), ip(7), ipv6(7) and
//! socket(7).
#![allow(
    unsafe_code,
    reason = "rustix and socket2 do not have all of these options"
)]

use std::{io, os::fd::AsRawFd, ptr};

use libc::c_int;

use super::{Aside, Socket};

/// Whether the kernel knows how to segment, which it does since Linux 4.18.
pub(crate) fn can_segment<S: Socket>(socket: &S) -> bool {
    option(socket, libc::SOL_UDP, libc::UDP_SEGMENT).is_ok()
}

/// Whether a message may have been refused for what it asked for beside being sent.
///
/// Segments that are longer than the path takes are `EMSGSIZE` since Linux 6.14 and were `EINVAL` before.
pub(crate) fn refuses_offload(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::EIO | libc::EINVAL | libc::EMSGSIZE)
    )
}

/// Whether that would be so for datagrams of any length.
pub(crate) fn is_of_the_device(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::EIO)
}

/// Whether it is for the length, and for nothing else that was asked for.
pub(crate) fn is_of_the_length(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::EMSGSIZE)
}

/// Has the kernel tell something beside each message, or not.
pub(crate) fn set_aside<S: Socket>(socket: &S, aside: Aside, on: bool) -> io::Result<()> {
    let set = |(level, name)| set_option(socket, level, name, on.into());
    let (of_v6, of_v4) = options(aside);
    let Some(of_v6) = of_v6 else {
        return set(of_v4);
    };
    match set(of_v6) {
        // A socket of IPv4.
        Err(error) if is_of_the_family(&error) => set(of_v4),
        // One of IPv6 speaks IPv4 as well, unless it was told not to. Where a message came to is told alike.
        Ok(()) if aside == Aside::Ecn => set(of_v4),
        result => result,
    }
}

/// Whether the kernel was told so.
pub(crate) fn aside<S: Socket>(socket: &S, aside: Aside) -> io::Result<bool> {
    let get = |(level, name)| option(socket, level, name).map(|value| value != 0);
    let (of_v6, of_v4) = options(aside);
    match of_v6.map(get) {
        None => get(of_v4),
        Some(Err(error)) if is_of_the_family(&error) => get(of_v4),
        Some(result) => result,
    }
}

/// What a socket of IPv4 says to an option of IPv6.
fn is_of_the_family(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::ENOPROTOOPT | libc::EOPNOTSUPP)
    )
}

/// Level and name of an option, of IPv6 if that has its own, and of IPv4.
fn options(aside: Aside) -> (Option<(c_int, c_int)>, (c_int, c_int)) {
    match aside {
        Aside::Destination => (
            Some((libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO)),
            (libc::IPPROTO_IP, libc::IP_PKTINFO),
        ),
        Aside::Ecn => (
            Some((libc::IPPROTO_IPV6, libc::IPV6_RECVTCLASS)),
            (libc::IPPROTO_IP, libc::IP_RECVTOS),
        ),
        Aside::Timestamp => (None, (libc::SOL_SOCKET, libc::SO_TIMESTAMPNS)),
        Aside::Gro => (None, (libc::SOL_UDP, libc::UDP_GRO)),
    }
}

fn set_option<S: Socket>(socket: &S, level: c_int, name: c_int, value: c_int) -> io::Result<()> {
    let len = size_of_val(&value) as libc::socklen_t;
    let fd = socket.as_fd().as_raw_fd();
    // SAFETY: `value` is borrowed for reading and has `len` bytes.
    let result = unsafe { libc::setsockopt(fd, level, name, ptr::from_ref(&value).cast(), len) };
    if result == -1 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

fn option<S: Socket>(socket: &S, level: c_int, name: c_int) -> io::Result<c_int> {
    let mut value: c_int = 0;
    let mut len = size_of_val(&value) as libc::socklen_t;
    let fd = socket.as_fd().as_raw_fd();
    // SAFETY: `value` is borrowed for writing, has `len` bytes, and any bytes are a number.
    let result =
        unsafe { libc::getsockopt(fd, level, name, ptr::from_mut(&mut value).cast(), &mut len) };
    if result == -1 {
        return Err(io::Error::last_os_error());
    }
    Ok(value)
}
