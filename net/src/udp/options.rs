use std::io;

use socket2::SockRef;

use super::UdpSocket;

/// Options of the system; each may fail with an error of the system, and no other. Those that have no
/// method here are set by [`socket2::SockRef`].
impl UdpSocket {
    /// Whether sending to a broadcast address is allowed (`SO_BROADCAST`).
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn broadcast(&self) -> io::Result<bool> {
        self.io.get_ref().broadcast()
    }

    /// Allows sending to a broadcast address (`SO_BROADCAST`).
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn set_broadcast(&self, on: bool) -> io::Result<()> {
        self.io.get_ref().set_broadcast(on)
    }

    /// How many hops a datagram of IPv4 may take (`IP_TTL`).
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn ttl(&self) -> io::Result<u32> {
        self.io.get_ref().ttl()
    }

    /// Limits how many hops a datagram of IPv4 may take (`IP_TTL`).
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn set_ttl(&self, hops: u32) -> io::Result<()> {
        self.io.get_ref().set_ttl(hops)
    }

    /// How many hops a datagram of IPv6 may take (`IPV6_UNICAST_HOPS`). A socket of IPv6 that speaks IPv4 as well
    /// has [`ttl`](Self::ttl) for that.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn hops_v6(&self) -> io::Result<u32> {
        SockRef::from(self.io.get_ref()).unicast_hops_v6()
    }

    /// Limits how many hops a datagram of IPv6 may take (`IPV6_UNICAST_HOPS`).
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn set_hops_v6(&self, hops: u32) -> io::Result<()> {
        SockRef::from(self.io.get_ref()).set_unicast_hops_v6(hops)
    }

    /// Whether the socket speaks IPv6 alone (`IPV6_V6ONLY`). It can be set before the socket is bound only.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn only_v6(&self) -> io::Result<bool> {
        self.io.get_ref().only_v6()
    }
}
