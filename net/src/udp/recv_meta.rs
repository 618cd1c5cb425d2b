use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::SystemTime,
};

use crate::Ecn;

/// What is known of a datagram that was received, beside its bytes; or of several that came as one
/// message, see [`UdpSocket::set_gro`](crate::UdpSocket::set_gro).
///
/// What the socket was not told to ask for is `None`, and so is what the system does not tell. On a socket
/// of both families, addresses of IPv4 are mapped ones, `::ffff:192.0.2.1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecvMeta {
    /// Who sent it.
    pub from: SocketAddr,
    /// The bytes in the buffer, those of all datagrams.
    pub len: usize,
    /// The length of each datagram in bytes, but for the last one, which may be shorter; [`len`](Self::len)
    /// if there is one only.
    pub segment_size: usize,
    /// Whether bytes were lost because the buffer was too short.
    pub truncated: bool,
    /// The address that it was sent to, which may be a group's or a broadcast address; see
    /// [`set_recv_destination`](crate::UdpSocket::set_recv_destination).
    pub to: Option<IpAddr>,
    /// The index of the interface that it came in by; see
    /// [`set_recv_destination`](crate::UdpSocket::set_recv_destination).
    pub interface: Option<u32>,
    /// What routers say of congestion; see [`set_recv_ecn`](crate::UdpSocket::set_recv_ecn).
    pub ecn: Option<Ecn>,
    /// When this machine received it; see
    /// [`set_recv_timestamp`](crate::UdpSocket::set_recv_timestamp).
    pub timestamp: Option<SystemTime>,
}

impl RecvMeta {
    /// That of a single datagram.
    pub(crate) fn of_one(from: SocketAddr, len: usize, truncated: bool) -> Self {
        Self {
            from,
            len,
            segment_size: len,
            truncated,
            ..Self::default()
        }
    }

    /// The datagrams that are in the buffer that they were received into.
    ///
    /// # Panics
    ///
    /// If the buffer is shorter than [`len`](Self::len): it is another one.
    pub fn datagrams<'a>(&self, buf: &'a [u8]) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let bytes = &buf[..self.len];
        // There is no piece of nothing, but there are datagrams of nothing.
        let empty = bytes.is_empty().then_some(bytes);
        bytes.chunks(self.segment_size.max(1)).chain(empty)
    }
}

impl Default for RecvMeta {
    /// To fill arrays with, for [`recv_msgs`](crate::UdpSocket::recv_msgs): nothing, from nowhere.
    fn default() -> Self {
        Self {
            from: SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
            len: 0,
            segment_size: 0,
            truncated: false,
            to: None,
            interface: None,
            ecn: None,
            timestamp: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(len: usize, segment_size: usize) -> Vec<usize> {
        let meta = RecvMeta {
            len,
            segment_size,
            ..RecvMeta::default()
        };
        meta.datagrams(&[0; 100]).map(<[u8]>::len).collect()
    }

    #[test]
    fn datagrams_are_as_long_as_a_segment_but_for_the_last() {
        assert_eq!(split(30, 10), [10, 10, 10]);
        assert_eq!(split(31, 10), [10, 10, 10, 1]);
        assert_eq!(split(9, 9), [9]);
        assert_eq!(split(9, 10), [9]);
    }

    #[test]
    fn a_datagram_of_no_bytes_is_one() {
        assert_eq!(split(0, 0), [0]);
        assert_eq!(split(0, 10), [0]);
    }
}
