use std::io;

use super::UdpSocket;
use crate::sys::{self, Aside};

/// What is told of datagrams that are received, by [`recv_msg`](Self::recv_msg) and its kin. All of it is
/// off at first: each costs a little. Linux only, elsewhere switching one on is
/// [`Unsupported`](io::ErrorKind::Unsupported).
impl UdpSocket {
    /// Whether it is told which address and interface a datagram came to.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn recv_destination(&self) -> io::Result<bool> {
        sys::aside(self.io.get_ref(), Aside::Destination)
    }

    /// Tells which address and interface a datagram came to (`IP_PKTINFO`, `IPV6_RECVPKTINFO`); see
    /// [`RecvMeta::to`](crate::RecvMeta::to).
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn set_recv_destination(&self, on: bool) -> io::Result<()> {
        sys::set_aside(self.io.get_ref(), Aside::Destination, on)
    }

    /// Whether it is told what routers say of congestion.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn recv_ecn(&self) -> io::Result<bool> {
        sys::aside(self.io.get_ref(), Aside::Ecn)
    }

    /// Tells what routers say of congestion (`IP_RECVTOS`, `IPV6_RECVTCLASS`); see
    /// [`RecvMeta::ecn`](crate::RecvMeta::ecn).
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn set_recv_ecn(&self, on: bool) -> io::Result<()> {
        sys::set_aside(self.io.get_ref(), Aside::Ecn, on)
    }

    /// Whether it is told when a datagram was received.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn recv_timestamp(&self) -> io::Result<bool> {
        sys::aside(self.io.get_ref(), Aside::Timestamp)
    }

    /// Tells when a datagram was received (`SO_TIMESTAMPNS`); see
    /// [`RecvMeta::timestamp`](crate::RecvMeta::timestamp).
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn set_recv_timestamp(&self, on: bool) -> io::Result<()> {
        sys::set_aside(self.io.get_ref(), Aside::Timestamp, on)
    }

    /// Whether the kernel puts datagrams together.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn gro(&self) -> io::Result<bool> {
        sys::aside(self.io.get_ref(), Aside::Gro)
    }

    /// Lets the kernel put datagrams of one sender and one length together (`UDP_GRO`), so that one message
    /// brings up to 64 of them; see [`RecvMeta::segment_size`](crate::RecvMeta::segment_size).
    ///
    /// It is by far the cheapest way to receive from a sender that uses segments ([`Transmit::segments`])
    /// or through a card that merges, and costs more than it saves with any other: measure
    /// (`make bench ONLY=UDP`). Buffers should have 65,535 bytes then, and receiving should be by `recv_msg`,
    /// `recv_msgs` or [`recv_batch`](Self::recv_batch): the other ways do not tell where a datagram ends.
    ///
    /// [`Transmit::segments`]: crate::Transmit::segments
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn set_gro(&self, on: bool) -> io::Result<()> {
        sys::set_aside(self.io.get_ref(), Aside::Gro, on)
    }
}
