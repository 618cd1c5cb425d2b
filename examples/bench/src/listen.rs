use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
};

use socket2::{Domain, Socket, Type};

use crate::Congestion;

/// Listens on a free port of the loopback, non-blocking, with a queue that no generator overruns. Connections that
/// are accepted have the listener's congestion control.
///
/// # Errors
///
/// Those of the system.
pub fn listen(congestion: Congestion) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    congestion.set(&socket)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

const BACKLOG: i32 = 1024;
