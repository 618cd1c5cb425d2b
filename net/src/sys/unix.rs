//! What std and socket2 do not have, and memory that may be uninitialised.
#![allow(
    unsafe_code,
    reason = "recv(2) writes into memory that may be uninitialised; accept4(2), fast open, peer \
              credentials and dispositions of signals are not in std"
)]

/// What a socket is to the functions below.
pub(crate) use std::os::fd::AsFd as Socket;
use std::{
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::fd::{AsRawFd, RawFd},
    os::unix::net::{SocketAddr, UnixStream},
};

use io_traits::ReadCursor;
use rustix::net::{RecvFlags, SendFlags, recv};
use socket2::SockRef;

use crate::byte_stream::Received;

/// recv(2) into the unfilled part of `buf`; returns the number of bytes read.
#[inline]
pub(crate) fn recv_into<S: Socket>(socket: &S, buf: &mut ReadCursor<'_>) -> io::Result<usize> {
    // SAFETY: `recv` writes into the memory and never makes it uninitialised.
    let memory = unsafe { buf.unfilled_mut() };
    let (_, n) = recv(socket, memory, RecvFlags::empty())?;
    // SAFETY: the kernel has written the first `n` bytes, and was given no fewer.
    unsafe { buf.assume_filled(n) };
    Ok(n)
}

/// recvmsg(2) from a Unix stream, with no room for anything but bytes.
pub(crate) fn recv_stream<S: Socket>(
    socket: &S,
    bufs: &mut [IoSliceMut<'_>],
) -> io::Result<Received> {
    // SAFETY: an `IoSliceMut` is an `iovec` of memory that is borrowed for writing.
    unsafe { recv_bytes(socket, bufs.as_mut_ptr().cast(), bufs.len()) }
}

/// [`recv_stream`] into the unfilled part of `buf`.
pub(crate) fn recv_stream_into<S: Socket>(
    socket: &S,
    buf: &mut ReadCursor<'_>,
) -> io::Result<Received> {
    // SAFETY: `recvmsg` writes into the memory and never makes it uninitialised.
    let memory = unsafe { buf.unfilled_mut() };
    let mut vector = libc::iovec {
        iov_base: memory.as_mut_ptr().cast(),
        iov_len: memory.len(),
    };
    // SAFETY: the memory is borrowed for writing and has room for so many bytes.
    let received = unsafe { recv_bytes(socket, &mut vector, 1) }?;
    // SAFETY: the kernel has written the first bytes, and was given no fewer.
    unsafe { buf.assume_filled(received.bytes) };
    Ok(received)
}

/// Linux: a read stops behind bytes that something came with (descriptors, or the sender's credentials
/// if they are asked for), and then says that there was no room for it. A plain `recv` stops just the
/// same and does not say why. (unix_stream_read_generic and scm_recv in the kernel.) Of other systems
/// that is not known here.
///
/// # Safety
///
/// `vectors` are `count` vectors of memory that may be written to.
unsafe fn recv_bytes<S: Socket>(
    socket: &S,
    vectors: *mut libc::iovec,
    count: usize,
) -> io::Result<Received> {
    // SAFETY: null pointers and zeros are an empty header.
    let mut header: libc::msghdr = unsafe { MaybeUninit::zeroed().assume_init() };
    header.msg_iov = vectors;
    header.msg_iovlen = count as _;
    // SAFETY: the header says what the caller vouches for, and there is no name and no control data.
    let received = unsafe { libc::recvmsg(descriptor(socket), &mut header, 0) };
    Ok(Received {
        bytes: usize::try_from(received).map_err(|_| io::Error::last_os_error())?,
        stops_only_when_empty: cfg!(any(target_os = "linux", target_os = "android"))
            && header.msg_flags & libc::MSG_CTRUNC == 0,
    })
}

/// poll(2), which does not wait: whether a write would not block as far as the socket itself knows.
pub(crate) fn is_writable<S: Socket>(socket: &S) -> bool {
    use rustix::{
        event::{PollFd, PollFlags, Timespec, poll},
        io::retry_on_intr,
    };

    let mut asked = [PollFd::new(socket, PollFlags::OUT)];
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    let polled = retry_on_intr(|| poll(&mut asked, Some(&now)));
    polled.is_ok() && asked[0].revents().contains(PollFlags::OUT)
}

/// recvfrom(2) into the unfilled part of `buf`; returns who sent it.
pub(crate) fn recv_datagram_into<S: Socket>(
    socket: &S,
    buf: &mut ReadCursor<'_>,
) -> io::Result<std::net::SocketAddr> {
    // SAFETY: `recv_from` writes into the memory and never makes it uninitialised.
    let (n, from) = SockRef::from(socket).recv_from(unsafe { buf.unfilled_mut() })?;
    // SAFETY: the kernel has written the first `n` bytes, and was given no fewer.
    unsafe { buf.assume_filled(n) };
    from.as_socket()
        .ok_or_else(|| io::Error::other("the sender of a datagram has no IP address"))
}

/// recv(2) of what is there, without taking it away.
pub(crate) fn peek<S: Socket>(socket: &S, buf: &mut [u8]) -> io::Result<usize> {
    // SAFETY: the two types have the same layout, and `peek` writes nothing uninitialised.
    let memory = unsafe { &mut *(std::ptr::from_mut(buf) as *mut [MaybeUninit<u8>]) };
    SockRef::from(socket).peek(memory)
}

/// send(2) instead of a write(2), so that a peer that has gone is an error and no SIGPIPE.
#[inline]
pub(crate) fn send<S: Socket>(socket: &S, buf: &[u8]) -> io::Result<usize> {
    rustix::net::send(socket, buf, WITHOUT_SIGNAL)
        .map_err(|error| would_block_if_connecting(error.into()))
}

#[inline]
fn descriptor(socket: &impl Socket) -> RawFd {
    socket.as_fd().as_raw_fd()
}

/// sendmsg(2) instead of the writev(2) of std, so that a peer that has gone is an error and no SIGPIPE.
pub(crate) fn send_vectored<S: Socket>(socket: &S, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
    SockRef::from(socket)
        .send_vectored_with_flags(bufs, NO_SIGNAL)
        .map_err(would_block_if_connecting)
}

/// The first write after a fast open may only have begun to connect: send(2), tcp(7).
#[cold]
fn would_block_if_connecting(error: io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(libc::EINPROGRESS) => io::ErrorKind::WouldBlock.into(),
        _ => error,
    }
}

/// Accepts a connection of a Unix listener, in non-blocking mode.
///
/// A peer may have a name so long that no byte is left for the NUL behind it, unix(7), "BUGS". Code
/// that parses names is easily wrong about that; that of std is right.
pub(crate) fn accept_unix<S: Socket>(listener: &S) -> io::Result<(UnixStream, SocketAddr)> {
    let (stream, is_named) = accept_nonblocking(listener)?;
    let unnamed = || SocketAddr::from_pathname("");
    let addr = match is_named {
        // An error: the peer has gone, of which whoever uses the connection hears. The others are not concerned.
        true => stream.peer_addr().or_else(|_| unnamed()),
        false => unnamed(),
    };
    Ok((stream, addr?))
}

/// One call, which also tells whether the peer has a name; hardly any has.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn accept_nonblocking<S: Socket>(listener: &S) -> io::Result<(UnixStream, bool)> {
    use std::{mem::offset_of, os::fd::FromRawFd};

    let mut name = MaybeUninit::<libc::sockaddr_un>::uninit();
    let mut len = size_of_val(&name) as libc::socklen_t;
    let flags = libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    // SAFETY: `name` has room for the `len` bytes that it is said to have; it is never read.
    let accepted = unsafe {
        libc::accept4(
            descriptor(listener),
            name.as_mut_ptr().cast(),
            &mut len,
            flags,
        )
    };
    if accepted == -1 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor is a new one, and nobody else's.
    let stream = unsafe { UnixStream::from_raw_fd(accepted) };
    Ok((
        stream,
        len as usize > offset_of!(libc::sockaddr_un, sun_path),
    ))
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn accept_nonblocking<S: Socket>(listener: &S) -> io::Result<(UnixStream, bool)> {
    let stream = SockRef::from(listener).accept()?.0;
    stream.set_nonblocking(true)?;
    Ok((stream.into(), true))
}

/// connect(2): `EINPROGRESS`, and a signal, leave the connection to be made in the background.
pub(crate) fn is_in_progress(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EINPROGRESS | libc::EINTR))
}

/// Lets a listener take data with the request to connect, for as many connections as `queue`, tcp(7).
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn set_fast_open<S: Socket>(listener: &S, queue: libc::c_int) -> io::Result<()> {
    set_tcp_option(listener, libc::TCP_FASTOPEN, queue)
}

/// Has the request to connect wait for the first write, if the peer is known to take data with it.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn set_fast_open_connect<S: Socket>(socket: &S) -> io::Result<()> {
    set_tcp_option(socket, libc::TCP_FASTOPEN_CONNECT, 1)
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn set_tcp_option<S: Socket>(
    socket: &S,
    option: libc::c_int,
    value: libc::c_int,
) -> io::Result<()> {
    let len = size_of_val(&value) as libc::socklen_t;
    // SAFETY: `value` is borrowed for reading and has `len` bytes.
    let result = unsafe {
        libc::setsockopt(
            descriptor(socket),
            libc::IPPROTO_TCP,
            option,
            std::ptr::from_ref(&value).cast(),
            len,
        )
    };
    if result == -1 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// The user, the group and, if the system tells, the process at the other end: unix(7), "SO_PEERCRED".
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn peer_credentials<S: Socket>(socket: &S) -> io::Result<(u32, u32, Option<u32>)> {
    let mut peer = libc::ucred {
        pid: 0,
        uid: 0,
        gid: 0,
    };
    let mut len = size_of_val(&peer) as libc::socklen_t;
    // SAFETY: `peer` is borrowed for writing, has `len` bytes, and any bytes are numbers.
    let result = unsafe {
        libc::getsockopt(
            descriptor(socket),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            std::ptr::from_mut(&mut peer).cast(),
            &mut len,
        )
    };
    if result == -1 {
        return Err(io::Error::last_os_error());
    }
    // A socket that has never been connected: nobody.
    if peer.uid == libc::uid_t::MAX {
        return Err(io::ErrorKind::NotConnected.into());
    }
    // 0: the process is in a namespace that cannot be seen from ours.
    let process = u32::try_from(peer.pid).ok().filter(|&pid| pid != 0);
    Ok((peer.uid, peer.gid, process))
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn peer_credentials<S: Socket>(socket: &S) -> io::Result<(u32, u32, Option<u32>)> {
    let (mut uid, mut gid) = (0, 0);
    // SAFETY: both are borrowed for writing.
    if unsafe { libc::getpeereid(descriptor(socket), &mut uid, &mut gid) } == -1 {
        return Err(io::Error::last_os_error());
    }
    Ok((uid, gid, None))
}

/// Linux: what a short write to a Unix socket leaves in the peer's queue makes a new "writable" event
/// when the peer reads it, whatever the write was cut short by. (unix_stream_sendmsg and
/// unix_write_space in the kernel's net/unix/af_unix.c.) Of other systems that is not known here.
pub(crate) const TRUSTS_SHORT_UNIX_WRITES: bool =
    cfg!(any(target_os = "linux", target_os = "android"));

/// Sends bytes of a file by way of a buffer; 0 are the end of the file. What the socket does not take is
/// read again the next time.
pub(crate) fn copy_from_file<S: Socket>(
    socket: &S,
    file: &std::fs::File,
    offset: u64,
    len: usize,
) -> io::Result<usize> {
    use std::os::unix::fs::FileExt;

    let mut buf = io_traits::pool::take();
    let room = len.min(buf.capacity());
    buf.resize(room, 0);
    match file.read_at(&mut buf, offset)? {
        0 => Ok(0),
        n => send(socket, &buf[..n]),
    }
}

/// Whether SIGPIPE does not end this process, as it does unless somebody has said otherwise; Rust's runtime has,
/// in a program whose `main` is Rust's. It is asked once.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn ignores_sigpipe() -> bool {
    static ANSWER: std::sync::OnceLock<bool> = std::sync::OnceLock::new();
    *ANSWER.get_or_init(|| {
        let mut action = MaybeUninit::<libc::sigaction>::uninit();
        // SAFETY: nothing is changed, and `action` has room for what is told.
        let told = unsafe { libc::sigaction(libc::SIGPIPE, std::ptr::null(), action.as_mut_ptr()) };
        // SAFETY: the call says that it has written it.
        told == 0 && unsafe { action.assume_init() }.sa_sigaction != libc::SIG_DFL
    })
}

/// The most slices that one call takes; std's calls cut what they are given, sendmsg(2) and recvmsg(2)
/// refuse it.
pub(crate) const MOST_SLICES: usize = libc::UIO_MAXIOV as usize;

const WITHOUT_SIGNAL: SendFlags = SendFlags::from_bits_retain(NO_SIGNAL as _);
/// Apple's systems have a socket option instead, which std sets.
const NO_SIGNAL: libc::c_int = if cfg!(target_vendor = "apple") {
    0
} else {
    libc::MSG_NOSIGNAL
};
