//! Messages of datagrams: recvmsg(2), sendmsg(2), recvmmsg(2), sendmmsg(2). What travels beside them is in
//! `cmsg.rs`, and what the kernel is asked to do and to tell in `aside.rs`.
#![allow(
    unsafe_code,
    reason = "the headers of messages are raw pointers, and neither std nor socket2 nor rustix has \
              these calls with what is beside the data"
)]

use std::{
    io,
    mem::{self, MaybeUninit},
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6},
    os::fd::AsRawFd,
    ptr,
    sync::atomic::{AtomicBool, Ordering},
};

use libc::{c_int, c_void};

use super::{
    Socket,
    cmsg::{Control, ROOM, note_all},
};
use crate::{RecvMeta, udp::Message};

/// How many messages a system call takes here.
pub(crate) const MOST_MESSAGES: usize = 64;

/// Receives one message.
pub(crate) fn recv_message<S: Socket>(socket: &S, buf: &mut [u8]) -> io::Result<RecvMeta> {
    let mut slot = Slot::new();
    let mut header = slot.header_to_receive(buf);
    // SAFETY: the header points to memory that is borrowed for writing, and says how much there is.
    let received = unsafe { libc::recvmsg(socket.as_fd().as_raw_fd(), &mut header, 0) };
    let len = usize::try_from(received).map_err(|_| io::Error::last_os_error())?;
    // SAFETY: the kernel has filled the header in, and the slot is where it was.
    unsafe { slot.meta(&header, len) }
}

/// Receives as many messages as there are, buffers, and `metas`, but no more than [`MOST_MESSAGES`];
/// returns how many, and whether no more were there.
pub(crate) fn recv_messages<'a, S: Socket>(
    socket: &S,
    bufs: impl Iterator<Item = &'a mut [u8]>,
    metas: &mut [RecvMeta],
) -> io::Result<(usize, bool)> {
    let mut slots = [const { MaybeUninit::uninit() }; MOST_MESSAGES];
    let mut headers = [const { MaybeUninit::uninit() }; MOST_MESSAGES];
    let mut wanted = 0;
    let places = slots.iter_mut().zip(&mut headers).zip(&mut *metas);
    for (((slot, header), _), buf) in places.zip(bufs) {
        header.write(libc::mmsghdr {
            msg_hdr: slot.write(Slot::new()).header_to_receive(buf),
            msg_len: 0,
        });
        wanted += 1;
    }
    let fd = socket.as_fd().as_raw_fd();
    let result = RECVMMSG.call(|| {
        // SAFETY: the first `wanted` headers are there, and point to memory that is borrowed for writing.
        unsafe {
            libc::recvmmsg(
                fd,
                headers.as_mut_ptr().cast(),
                wanted as libc::c_uint,
                0,
                ptr::null_mut(),
            )
        }
    });
    let (received, drained) = match result {
        // recvmmsg(2) ends early when the next message would block, or at an error, which it keeps for the
        // next call. That error is younger than the call, and so is its event.
        Some(received) => {
            let received = received?;
            (received, received < wanted)
        }
        None if wanted == 0 => (0, false),
        None => {
            // SAFETY: the first header is there, and points to memory that is borrowed for writing.
            let first = unsafe { headers[0].assume_init_mut() };
            // SAFETY: the same.
            let len = unsafe { libc::recvmsg(fd, &mut first.msg_hdr, 0) };
            first.msg_len = u32::try_from(len).map_err(|_| io::Error::last_os_error())?;
            (1, false)
        }
    };
    for ((slot, header), meta) in slots.iter().zip(&headers).zip(metas).take(received) {
        // SAFETY: the kernel has received no more messages than there were headers, each with its slot.
        let (slot, header) = unsafe { (slot.assume_init_ref(), header.assume_init_ref()) };
        // SAFETY: the kernel has filled the header in, and the slot is where it was.
        *meta = unsafe { slot.meta(&header.msg_hdr, header.msg_len as usize) }?;
    }
    Ok((received, drained))
}

/// Sends as many of the messages as there is room for, but no more than [`MOST_MESSAGES`]; returns how
/// many. An error is that of the first.
pub(crate) fn send_messages<'a, S: Socket>(
    socket: &S,
    messages: impl Iterator<Item = Message<'a>>,
) -> io::Result<usize> {
    let mut slots = [const { MaybeUninit::uninit() }; MOST_MESSAGES];
    let mut headers = [const { MaybeUninit::uninit() }; MOST_MESSAGES];
    let mut planned = 0;
    for ((slot, header), message) in slots.iter_mut().zip(&mut headers).zip(messages) {
        header.write(libc::mmsghdr {
            msg_hdr: slot.write(Slot::new()).header_to_send(&message),
            msg_len: 0,
        });
        planned += 1;
    }
    let fd = socket.as_fd().as_raw_fd();
    if planned > 1
        && let Some(result) = SENDMMSG.call(|| {
            // SAFETY: the first `planned` headers are there, and point to memory that is borrowed for reading.
            unsafe { libc::sendmmsg(fd, headers.as_mut_ptr().cast(), planned as libc::c_uint, 0) }
        })
    {
        return result;
    }
    if planned == 0 {
        return Ok(0);
    }
    // SAFETY: the first header is there, and points to memory that is borrowed for reading.
    match unsafe { libc::sendmsg(fd, &headers[0].assume_init_ref().msg_hdr, 0) } {
        -1 => Err(io::Error::last_os_error()),
        // Whole, as datagrams are.
        _ => Ok(1),
    }
}

static RECVMMSG: MaybeMissing = MaybeMissing::new();
static SENDMMSG: MaybeMissing = MaybeMissing::new();

/// A system call that is missing in some sandboxes, as it is younger than others. A process that has been
/// told so once is always told so, and does not ask again.
struct MaybeMissing {
    is_missing: AtomicBool,
}

impl MaybeMissing {
    const fn new() -> Self {
        Self {
            is_missing: AtomicBool::new(false),
        }
    }

    /// What `call` has returned, a count or -1 and `errno`; `None` if it is missing.
    fn call(&self, call: impl FnOnce() -> c_int) -> Option<io::Result<usize>> {
        // Whoever does not know yet what another thread has been told finds it out.
        if self.is_missing.load(Ordering::Relaxed) {
            return None;
        }
        let result = usize::try_from(call()).map_err(|_| io::Error::last_os_error());
        if matches!(&result, Err(error) if error.raw_os_error() == Some(libc::ENOSYS)) {
            self.is_missing.store(true, Ordering::Relaxed);
            return None;
        }
        Some(result)
    }
}

/// Where a header points to, but for the payload. It must stay where it is until the call is over.
struct Slot {
    /// Room for the addresses of both families, which begin alike.
    name: libc::sockaddr_in6,
    payload: libc::iovec,
    control: Control,
}

impl Slot {
    fn new() -> Self {
        Self {
            name: libc::sockaddr_in6 {
                sin6_family: 0,
                sin6_port: 0,
                sin6_flowinfo: 0,
                sin6_addr: libc::in6_addr { s6_addr: [0; 16] },
                sin6_scope_id: 0,
            },
            payload: libc::iovec {
                iov_base: ptr::null_mut(),
                iov_len: 0,
            },
            control: Control::new(),
        }
    }

    fn header_to_receive(&mut self, buf: &mut [u8]) -> libc::msghdr {
        self.header(buf.as_mut_ptr().cast(), buf.len())
    }

    fn header_to_send(&mut self, message: &Message<'_>) -> libc::msghdr {
        // The kernel only reads it.
        let payload = message.payload.as_ptr().cast_mut().cast();
        let mut header = self.header(payload, message.payload.len());
        match message.to {
            Some(addr) => {
                let (name, len) = raw_addr(addr);
                self.name = name;
                header.msg_namelen = len;
            }
            None => {
                header.msg_name = ptr::null_mut();
                header.msg_namelen = 0;
            }
        }
        let len = self.control.fill(message);
        header.msg_controllen = len as _;
        if len == 0 {
            header.msg_control = ptr::null_mut();
        }
        header
    }

    fn header(&mut self, payload: *mut c_void, len: usize) -> libc::msghdr {
        self.payload.iov_base = payload;
        self.payload.iov_len = len;
        // SAFETY: it consists of numbers and pointers, and has padding that differs between libraries.
        let mut header: libc::msghdr = unsafe { mem::zeroed() };
        header.msg_name = ptr::from_mut(&mut self.name).cast();
        header.msg_namelen = size_of_val(&self.name) as libc::socklen_t;
        header.msg_iov = &mut self.payload;
        header.msg_iovlen = 1;
        header.msg_control = ptr::from_mut(&mut self.control).cast();
        header.msg_controllen = ROOM as _;
        header
    }

    /// What the kernel says of a message of `len` bytes.
    ///
    /// # Safety
    ///
    /// The kernel has filled in `header`, which is that of this slot.
    unsafe fn meta(&self, header: &libc::msghdr, len: usize) -> io::Result<RecvMeta> {
        let from = self
            .addr(header.msg_namelen)
            .ok_or_else(|| io::Error::other("the sender of a datagram has no IP address"))?;
        let mut meta = RecvMeta::of_one(from, len, header.msg_flags & libc::MSG_TRUNC != 0);
        // SAFETY: the caller says so, and `control` is a part of the slot.
        unsafe { note_all(header, &mut meta) };
        Ok(meta)
    }

    /// An address of IPv4 has its four bytes where one of IPv6 has the flow; family and port are where
    /// they are there.
    fn addr(&self, len: libc::socklen_t) -> Option<SocketAddr> {
        let name = &self.name;
        let port = u16::from_be(name.sin6_port);
        let len = len as usize;
        match c_int::from(name.sin6_family) {
            libc::AF_INET if len >= size_of::<libc::sockaddr_in>() => {
                let addr = Ipv4Addr::from(name.sin6_flowinfo.to_ne_bytes());
                Some(SocketAddr::from((addr, port)))
            }
            libc::AF_INET6 if len >= size_of::<libc::sockaddr_in6>() => {
                let addr = Ipv6Addr::from(name.sin6_addr.s6_addr);
                let (flow, scope) = (name.sin6_flowinfo, name.sin6_scope_id);
                Some(SocketAddrV6::new(addr, port, flow, scope).into())
            }
            _ => None,
        }
    }
}

fn raw_addr(addr: SocketAddr) -> (libc::sockaddr_in6, libc::socklen_t) {
    let mut name = Slot::new().name;
    name.sin6_port = addr.port().to_be();
    let len = match addr {
        SocketAddr::V4(addr) => {
            name.sin6_family = libc::AF_INET as libc::sa_family_t;
            // As in `Slot::addr`.
            name.sin6_flowinfo = u32::from_ne_bytes(addr.ip().octets());
            size_of::<libc::sockaddr_in>()
        }
        SocketAddr::V6(addr) => {
            name.sin6_family = libc::AF_INET6 as libc::sa_family_t;
            name.sin6_flowinfo = addr.flowinfo();
            name.sin6_addr.s6_addr = addr.ip().octets();
            name.sin6_scope_id = addr.scope_id();
            size_of::<libc::sockaddr_in6>()
        }
    };
    (name, len as libc::socklen_t)
}
