use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

/// What a socket is bound to that is to reach a peer: any port, and any address of the peer's family.
pub fn any_port(peer: SocketAddr) -> SocketAddr {
    match peer {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    }
}
