use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr},
};

use socket2::SockRef;

use super::UdpSocket;

/// Groups: who hears them, and how what is sent to them travels. Each may fail with an error of the system,
/// and no other.
impl UdpSocket {
    /// Joins a group of IPv4, at the interface that has an address; `0.0.0.0` lets the system choose.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn join_multicast_v4(&self, group: &Ipv4Addr, interface: &Ipv4Addr) -> io::Result<()> {
        self.io.get_ref().join_multicast_v4(group, interface)
    }

    /// Joins a group of IPv6, at the interface that has an index; 0 lets the system choose.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn join_multicast_v6(&self, group: &Ipv6Addr, interface: u32) -> io::Result<()> {
        self.io.get_ref().join_multicast_v6(group, interface)
    }

    /// Leaves a group of IPv4, at the interface that has an address; `0.0.0.0` lets the system choose.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn leave_multicast_v4(&self, group: &Ipv4Addr, interface: &Ipv4Addr) -> io::Result<()> {
        self.io.get_ref().leave_multicast_v4(group, interface)
    }

    /// Leaves a group of IPv6, at the interface that has an index; 0 lets the system choose.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn leave_multicast_v6(&self, group: &Ipv6Addr, interface: u32) -> io::Result<()> {
        self.io.get_ref().leave_multicast_v6(group, interface)
    }

    /// Joins a group of IPv4 for what one source sends to it (`IP_ADD_SOURCE_MEMBERSHIP`), at the interface
    /// that has an address; `0.0.0.0` lets the system choose. It may be done for several sources.
    ///
    /// # Errors
    ///
    /// Those of the system.
    #[cfg(any(
        target_os = "linux",
        target_os = "android",
        target_vendor = "apple",
        windows
    ))]
    pub fn join_ssm_v4(
        &self,
        source: &Ipv4Addr,
        group: &Ipv4Addr,
        interface: &Ipv4Addr,
    ) -> io::Result<()> {
        SockRef::from(self.io.get_ref()).join_ssm_v4(source, group, interface)
    }

    /// Leaves a group of IPv4 for one source (`IP_DROP_SOURCE_MEMBERSHIP`); as it was joined.
    ///
    /// # Errors
    ///
    /// Those of the system.
    #[cfg(any(
        target_os = "linux",
        target_os = "android",
        target_vendor = "apple",
        windows
    ))]
    pub fn leave_ssm_v4(
        &self,
        source: &Ipv4Addr,
        group: &Ipv4Addr,
        interface: &Ipv4Addr,
    ) -> io::Result<()> {
        SockRef::from(self.io.get_ref()).leave_ssm_v4(source, group, interface)
    }

    /// Whether this machine hears what the socket sends to a group (`IP_MULTICAST_LOOP`).
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn multicast_loop_v4(&self) -> io::Result<bool> {
        self.io.get_ref().multicast_loop_v4()
    }

    /// Lets this machine hear what the socket sends to a group (`IP_MULTICAST_LOOP`).
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn set_multicast_loop_v4(&self, on: bool) -> io::Result<()> {
        self.io.get_ref().set_multicast_loop_v4(on)
    }

    /// How many hops a datagram to a group may take (`IP_MULTICAST_TTL`).
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn multicast_ttl_v4(&self) -> io::Result<u32> {
        self.io.get_ref().multicast_ttl_v4()
    }

    /// Limits how many hops a datagram to a group may take (`IP_MULTICAST_TTL`).
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn set_multicast_ttl_v4(&self, hops: u32) -> io::Result<()> {
        self.io.get_ref().set_multicast_ttl_v4(hops)
    }

    /// Whether this machine hears what the socket sends to a group (`IPV6_MULTICAST_LOOP`).
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn multicast_loop_v6(&self) -> io::Result<bool> {
        self.io.get_ref().multicast_loop_v6()
    }

    /// Lets this machine hear what the socket sends to a group (`IPV6_MULTICAST_LOOP`).
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn set_multicast_loop_v6(&self, on: bool) -> io::Result<()> {
        self.io.get_ref().set_multicast_loop_v6(on)
    }

    /// How many hops a datagram to a group may take (`IPV6_MULTICAST_HOPS`).
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn multicast_hops_v6(&self) -> io::Result<u32> {
        SockRef::from(self.io.get_ref()).multicast_hops_v6()
    }

    /// Limits how many hops a datagram to a group may take (`IPV6_MULTICAST_HOPS`).
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn set_multicast_hops_v6(&self, hops: u32) -> io::Result<()> {
        SockRef::from(self.io.get_ref()).set_multicast_hops_v6(hops)
    }

    /// The address of the interface that sends to groups; `0.0.0.0` if the system chooses (`IP_MULTICAST_IF`).
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn multicast_if_v4(&self) -> io::Result<Ipv4Addr> {
        SockRef::from(self.io.get_ref()).multicast_if_v4()
    }

    /// Chooses the interface that sends to groups by its address; `0.0.0.0` lets the system choose (`IP_MULTICAST_IF`).
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn set_multicast_if_v4(&self, interface: &Ipv4Addr) -> io::Result<()> {
        SockRef::from(self.io.get_ref()).set_multicast_if_v4(interface)
    }

    /// The index of the interface that sends to groups; 0 if the system chooses (`IPV6_MULTICAST_IF`).
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn multicast_if_v6(&self) -> io::Result<u32> {
        SockRef::from(self.io.get_ref()).multicast_if_v6()
    }

    /// Chooses the interface that sends to groups by its index; 0 lets the system choose (`IPV6_MULTICAST_IF`).
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn set_multicast_if_v6(&self, interface: u32) -> io::Result<()> {
        SockRef::from(self.io.get_ref()).set_multicast_if_v6(interface)
    }
}
