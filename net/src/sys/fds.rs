//! Descriptors that travel with bytes, unix(7), "SCM_RIGHTS".

use std::{
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

use crate::byte_stream::Received;

/// `SCM_MAX_FD` of Linux; other systems have no less.
pub(crate) const MOST_FDS: usize = 253;

/// The bytes that so many descriptors take beside the data.
pub(crate) fn space_for_fds(fds: usize) -> usize {
    rustix::cmsg_space!(ScmRights(fds))
}

/// sendmsg(2) with descriptors.
pub(crate) fn send_with_fds(
    socket: &impl AsFd,
    buf: &[u8],
    fds: &[BorrowedFd<'_>],
) -> io::Result<usize> {
    const SPACE: usize = rustix::cmsg_space!(ScmRights(MOST_FDS));
    let mut space = [MaybeUninit::uninit(); SPACE];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if fds.len() > MOST_FDS
        || !fds.is_empty() && !control.push(SendAncillaryMessage::ScmRights(fds))
    {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "more descriptors than the system passes at a time",
        ));
    }
    let sent = sendmsg(socket, &[IoSlice::new(buf)], &mut control, NO_SIGNAL)?;
    Ok(sent)
}

/// recvmsg(2) with descriptors, which are added to `fds`; also says whether descriptors were lost.
pub(crate) fn recv_with_fds(
    socket: &impl AsFd,
    buf: &mut [u8],
    space: &mut [MaybeUninit<u8>],
    fds: &mut Vec<OwnedFd>,
) -> io::Result<(Received, bool)> {
    let mut control = RecvAncillaryBuffer::new(space);
    let received = recvmsg(
        socket,
        &mut [IoSliceMut::new(buf)],
        &mut control,
        CLOSED_ON_EXEC,
    )?;
    let truncated = received.flags.contains(ReturnFlags::CTRUNC);
    let mut only_bytes = !truncated;
    for message in control.drain() {
        only_bytes = false;
        if let RecvAncillaryMessage::ScmRights(received) = message {
            fds.extend(received);
        }
    }
    #[cfg(target_vendor = "apple")]
    for fd in fds.iter() {
        rustix::io::fcntl_setfd(fd, rustix::io::FdFlags::CLOEXEC)?;
    }
    let bytes = Received {
        bytes: received.bytes,
        // As for a read without descriptors.
        stops_only_when_empty: cfg!(any(target_os = "linux", target_os = "android")) && only_bytes,
    };
    Ok((bytes, truncated))
}

#[cfg(not(target_vendor = "apple"))]
const CLOSED_ON_EXEC: RecvFlags = RecvFlags::CMSG_CLOEXEC;
/// Apple's systems set it descriptor by descriptor.
#[cfg(target_vendor = "apple")]
const CLOSED_ON_EXEC: RecvFlags = RecvFlags::empty();

#[cfg(not(target_vendor = "apple"))]
const NO_SIGNAL: SendFlags = SendFlags::NOSIGNAL;
/// Apple's systems have a socket option instead, which std sets.
#[cfg(target_vendor = "apple")]
const NO_SIGNAL: SendFlags = SendFlags::empty();
