//! Messages of datagrams and what travels beside them: recvmsg(2), cmsg(3), recvmmsg(2), sendmmsg(2),
//! udp(7).
#![allow(
    unsafe_code,
    reason = "the headers of messages are raw pointers, and neither std nor socket2 nor rustix has \
              these calls with what is beside the data"
)]

use std::{
    io,
    mem::{self, MaybeUninit},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6},
    os::fd::AsRawFd,
    ptr,
    time::{Duration, SystemTime},
};

use libc::{c_int, c_void};

use super::{Aside, Socket};
use crate::{Ecn, RecvMeta, udp::Message};

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
    // SAFETY: the first `wanted` headers are there, and point to memory that is borrowed for writing.
    let received = unsafe {
        libc::recvmmsg(
            socket.as_fd().as_raw_fd(),
            headers.as_mut_ptr().cast(),
            wanted as libc::c_uint,
            0,
            ptr::null_mut(),
        )
    };
    let received = usize::try_from(received).map_err(|_| io::Error::last_os_error())?;
    for ((slot, header), meta) in slots.iter().zip(&headers).zip(metas).take(received) {
        // SAFETY: the kernel has received no more messages than there were headers, each with its slot.
        let (slot, header) = unsafe { (slot.assume_init_ref(), header.assume_init_ref()) };
        // SAFETY: the kernel has filled the header in, and the slot is where it was.
        *meta = unsafe { slot.meta(&header.msg_hdr, header.msg_len as usize) }?;
    }
    // recvmmsg(2) ends early when the next message would block, or at an error, which it keeps for the
    // next call. That error is younger than the call, and so is its event.
    Ok((received, received < wanted))
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
    let sent = if planned == 1 {
        // SAFETY: the first header is there, and points to memory that is borrowed for reading.
        unsafe { libc::sendmsg(fd, &headers[0].assume_init_ref().msg_hdr, 0) }.min(1)
    } else {
        // SAFETY: the first `planned` headers are there, and point to memory that is borrowed for reading.
        let sent =
            unsafe { libc::sendmmsg(fd, headers.as_mut_ptr().cast(), planned as libc::c_uint, 0) };
        sent as isize
    };
    match sent {
        -1 => Err(io::Error::last_os_error()),
        // One message of no bytes.
        0 if planned == 1 => Ok(1),
        sent => Ok(sent.unsigned_abs()),
    }
}

/// Where a header points to, but for the payload. It must stay where it is until the call is over.
struct Slot {
    /// Room for the addresses of both families, which begin alike.
    name: libc::sockaddr_in6,
    payload: libc::iovec,
    control: Control,
}

/// Aligned as the kernel's headers are; what is beside the data of a message.
#[repr(C, align(8))]
struct Control([MaybeUninit<u8>; ROOM]);

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
            control: Control([const { MaybeUninit::uninit() }; ROOM]),
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
        // SAFETY: the kernel has filled in the header and what is in `control`.
        let mut at = unsafe { libc::CMSG_FIRSTHDR(header) };
        // SAFETY: not null, so there is a whole entry.
        while let Some(entry) = unsafe { at.as_ref() } {
            // SAFETY: the entry has data that is as long as it says, that of its kind.
            unsafe { note(entry, &mut meta) };
            // SAFETY: both are the kernel's.
            at = unsafe { libc::CMSG_NXTHDR(header, entry) };
        }
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

impl Control {
    /// What is to be beside the data; returns how long it is.
    fn fill(&mut self, message: &Message<'_>) -> usize {
        let mut len = 0;
        if let Some(size) = message.segment_size {
            // What is split is not longer than a message, which is shorter than 65,536 bytes.
            self.push(&mut len, libc::SOL_UDP, libc::UDP_SEGMENT, size as u16);
        }
        // To an address that is not known here, both: each family passes that of the other over.
        let to = message.to.map(|addr| addr.ip().to_canonical());
        let (v4, v6) = to.map_or((true, true), |to| (to.is_ipv4(), to.is_ipv6()));
        if let Some(ecn) = message.ecn {
            let tos = c_int::from(ecn as u8);
            if v4 {
                self.push(&mut len, libc::IPPROTO_IP, libc::IP_TOS, tos);
            }
            if v6 {
                self.push(&mut len, libc::IPPROTO_IPV6, libc::IPV6_TCLASS, tos);
            }
        }
        let from = message.from.map(|addr| addr.to_canonical());
        let interface = message.interface.unwrap_or(0);
        if from.or(to).is_none_or(|addr| addr.is_ipv4()) && (from.is_some() || interface != 0) {
            let from = match from {
                Some(IpAddr::V4(addr)) => addr,
                _ => Ipv4Addr::UNSPECIFIED,
            };
            let info = libc::in_pktinfo {
                ipi_ifindex: interface as c_int,
                ipi_spec_dst: libc::in_addr {
                    s_addr: u32::from_ne_bytes(from.octets()),
                },
                ipi_addr: libc::in_addr { s_addr: 0 },
            };
            self.push(&mut len, libc::IPPROTO_IP, libc::IP_PKTINFO, info);
        }
        if from.or(to).is_none_or(|addr| addr.is_ipv6()) && (from.is_some() || interface != 0) {
            let from = match from {
                Some(IpAddr::V6(addr)) => addr,
                _ => Ipv6Addr::UNSPECIFIED,
            };
            let info = libc::in6_pktinfo {
                ipi6_addr: libc::in6_addr {
                    s6_addr: from.octets(),
                },
                ipi6_ifindex: interface as _,
            };
            self.push(&mut len, libc::IPPROTO_IPV6, libc::IPV6_PKTINFO, info);
        }
        len
    }

    fn push<T: Copy>(&mut self, len: &mut usize, level: c_int, kind: c_int, value: T) {
        let bytes = size_of::<T>() as libc::c_uint;
        // SAFETY: they only compute.
        let (whole, space) = unsafe { (libc::CMSG_LEN(bytes), libc::CMSG_SPACE(bytes)) };
        let place = &mut self.0[*len..][..space as usize];
        place.fill(MaybeUninit::new(0));
        let entry: *mut libc::cmsghdr = place.as_mut_ptr().cast();
        // SAFETY: there is room for the entry and its data, and it begins where an entry may: `Control` is
        // aligned, and entries are as long as that needs.
        unsafe {
            (*entry).cmsg_level = level;
            (*entry).cmsg_type = kind;
            (*entry).cmsg_len = whole as _;
            ptr::write_unaligned(libc::CMSG_DATA(entry).cast(), value);
        }
        *len += space as usize;
    }
}

/// Adds what an entry says.
///
/// # Safety
///
/// The kernel has written the entry and its data.
unsafe fn note(entry: &libc::cmsghdr, meta: &mut RecvMeta) {
    // SAFETY: it only computes.
    let head = unsafe { libc::CMSG_LEN(0) } as usize;
    #[allow(
        clippy::unnecessary_cast,
        reason = "not every C library has it as long"
    )]
    let len = (entry.cmsg_len as usize).saturating_sub(head);
    // SAFETY: the data is behind the header, and that long.
    let data = unsafe { std::slice::from_raw_parts(libc::CMSG_DATA(entry), len) };
    match (entry.cmsg_level, entry.cmsg_type) {
        (libc::SOL_UDP, libc::UDP_GRO) => {
            if let Some(size) = int(data).and_then(|size| usize::try_from(size).ok()) {
                meta.segment_size = size;
            }
        }
        // Linux writes a byte.
        (libc::IPPROTO_IP, libc::IP_TOS) => meta.ecn = data.first().map(|&tos| Ecn::of_tos(tos)),
        (libc::IPPROTO_IPV6, libc::IPV6_TCLASS) => {
            meta.ecn = int(data).map(|class| Ecn::of_tos(class as u8));
        }
        // An index, and the address that answers should come from; then the destination.
        (libc::IPPROTO_IP, libc::IP_PKTINFO) => {
            if let (Some(index), Some(&[a, b, c, d])) = (int(data), data.get(8..12).and_then(array))
            {
                meta.to = Some(Ipv4Addr::new(a, b, c, d).into());
                meta.interface = u32::try_from(index).ok();
            }
        }
        (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) => {
            if let (Some(&addr), Some(index)) =
                (data.get(..16).and_then(array), data.get(16..).and_then(int))
            {
                meta.to = Some(Ipv6Addr::from(addr).into());
                meta.interface = u32::try_from(index).ok();
            }
        }
        (libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS) => meta.timestamp = time(data),
        _ => {}
    }
}

fn array<const N: usize>(data: &[u8]) -> Option<&[u8; N]> {
    data.first_chunk()
}

fn int(data: &[u8]) -> Option<c_int> {
    array(data).map(|&bytes| c_int::from_ne_bytes(bytes))
}

/// A `timespec`: two words, of 32 or 64 bits.
fn time(data: &[u8]) -> Option<SystemTime> {
    let (seconds, nanos) = if let Some(&bytes) = array::<16>(data) {
        let both = u128::from_ne_bytes(bytes);
        let (low, high) = (both as u64, (both >> 64) as u64);
        if cfg!(target_endian = "little") {
            (low, high)
        } else {
            (high, low)
        }
    } else {
        let nanos = u32::try_from(data.get(4..).and_then(int)?).ok()?;
        (u64::try_from(int(data)?).ok()?, nanos.into())
    };
    let since = Duration::new(seconds, u32::try_from(nanos).ok()?);
    SystemTime::UNIX_EPOCH.checked_add(since)
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

/// Whether the kernel knows how to segment, which it does since Linux 4.18.
pub(crate) fn can_segment<S: Socket>(socket: &S) -> bool {
    option(socket, libc::SOL_UDP, libc::UDP_SEGMENT).is_ok()
}

/// Whether a message may have been refused for what it asked for beside being sent.
pub(crate) fn refuses_offload(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EIO | libc::EINVAL))
}

/// Whether that would be so for datagrams of any length.
pub(crate) fn is_of_the_device(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::EIO)
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

/// All of it at once, to receive or to send, fits twice.
const ROOM: usize = 256;
