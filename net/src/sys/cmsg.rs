//! What travels beside a datagram, cmsg(3): as we write it for the kernel, and as the kernel writes it for us.
#![allow(
    unsafe_code,
    reason = "entries are found and filled by pointer, and neither std nor socket2 nor rustix has those of \
              UDP"
)]

use std::{
    mem::MaybeUninit,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    ptr,
    time::{Duration, SystemTime},
};

use libc::c_int;

use crate::{Ecn, RecvMeta, udp::Message};

/// Aligned as the kernel's headers are; what is beside the data of a message.
#[repr(C, align(8))]
pub(super) struct Control([MaybeUninit<u8>; ROOM]);

impl Control {
    pub(super) const fn new() -> Self {
        Self([const { MaybeUninit::uninit() }; ROOM])
    }

    /// What is to be beside the data; returns how long it is.
    pub(super) fn fill(&mut self, message: &Message<'_>) -> usize {
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

/// Adds what the kernel says beside a message.
///
/// # Safety
///
/// The kernel has filled in the header and what is in its control buffer, which is still there.
pub(super) unsafe fn note_all(header: &libc::msghdr, meta: &mut RecvMeta) {
    // SAFETY: as the caller says.
    let mut at = unsafe { libc::CMSG_FIRSTHDR(header) };
    // SAFETY: not null, so there is a whole entry.
    while let Some(entry) = unsafe { at.as_ref() } {
        // SAFETY: the entry has data that is as long as it says, that of its kind.
        unsafe { note(entry, meta) };
        // SAFETY: both are the kernel's.
        at = unsafe { libc::CMSG_NXTHDR(header, entry) };
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

/// All of it at once, to receive or to send, fits twice.
pub(super) const ROOM: usize = 256;
