use std::{
    io,
    net::{Ipv4Addr, SocketAddr, UdpSocket},
};

use socket2::{Domain, Socket, Type};

/// A socket on a free port of the loopback, non-blocking, whose queue no generator overruns.
///
/// # Errors
///
/// Those of the system.
pub fn bind_udp() -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, None)?;
    // The system may allow less, which is not an error.
    socket.set_recv_buffer_size(QUEUE)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// Bytes; the kernel counts what it needs for a datagram, which is more than that has.
const QUEUE: usize = 4 << 20;
