use std::{
    io,
    net::{SocketAddr, TcpListener, UdpSocket},
    num::NonZeroUsize,
};

use clap::Args;
use socket2::{Domain, Protocol, Socket, Type};

use crate::named;

/// The arguments that every server has.
#[derive(Debug, Clone, Args)]
pub struct ServerArgs {
    /// The address to listen on; port 0 lets the system choose
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7878")]
    pub listen: SocketAddr,

    /// How many threads serve, each with an event loop of its own
    #[arg(long, value_name = "N", default_value_t = NonZeroUsize::MIN)]
    pub threads: NonZeroUsize,
}

impl ServerArgs {
    /// Makes a listening socket for each thread, all of one address; the system spreads the
    /// connections over them.
    ///
    /// Only several threads share the port (`SO_REUSEPORT`), so that one that is taken is an error for
    /// a single one.
    ///
    /// # Errors
    ///
    /// Those of the system, such as [`AddrInUse`](io::ErrorKind::AddrInUse), with the address.
    pub fn listeners(&self) -> io::Result<Vec<TcpListener>> {
        self.sockets(listen, TcpListener::local_addr)
    }

    /// Makes a UDP socket for each thread, as [`listeners`](Self::listeners) does for TCP. The datagrams of
    /// one peer all come to one thread.
    ///
    /// # Errors
    ///
    /// As [`listeners`](Self::listeners).
    pub fn udp_sockets(&self) -> io::Result<Vec<UdpSocket>> {
        self.sockets(bind_udp, UdpSocket::local_addr)
    }

    fn sockets<S>(
        &self,
        bind: impl Fn(SocketAddr, bool) -> io::Result<S>,
        local_addr: impl Fn(&S) -> io::Result<SocketAddr>,
    ) -> io::Result<Vec<S>> {
        let share_port = self.threads.get() > 1;
        let bind = |addr| bind(addr, share_port).map_err(|error| named(addr, error));
        let mut sockets = vec![bind(self.listen)?];
        let addr = local_addr(&sockets[0])?;
        for _ in 1..self.threads.get() {
            sockets.push(bind(addr)?);
        }
        Ok(sockets)
    }
}

/// Listens on an address; with `share_port`, others of this user may do so as well and get their share
/// of the connections.
///
/// std's own `bind` has a queue of 128 connections, which a crowd of clients overruns at once: some of
/// them then take a second to connect.
///
/// # Errors
///
/// Those of the system, such as [`AddrInUse`](io::ErrorKind::AddrInUse).
pub fn listen(addr: SocketAddr, share_port: bool) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if share_port {
        socket.set_reuse_port(true)?;
    }
    socket.bind(&addr.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn bind_udp(addr: SocketAddr, share_port: bool) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(addr), Type::DGRAM, Some(Protocol::UDP))?;
    if share_port {
        socket.set_reuse_port(true)?;
    }
    socket.bind(&addr.into())?;
    Ok(socket.into())
}

/// Connections that wait to be accepted; the system may allow fewer.
const BACKLOG: i32 = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn args(threads: usize) -> ServerArgs {
        ServerArgs {
            listen: "127.0.0.1:0".parse().unwrap(),
            threads: NonZeroUsize::new(threads).unwrap(),
        }
    }

    #[test]
    fn threads_share_the_port_that_the_first_one_got() {
        let listeners = args(3).listeners().unwrap();
        let addrs: Vec<_> = listeners.iter().map(|l| l.local_addr().unwrap()).collect();
        assert_eq!(addrs, [addrs[0]; 3]);
        assert_ne!(addrs[0].port(), 0);
    }

    #[test]
    fn a_single_thread_does_not_share_its_port() {
        let first = args(1).listeners().unwrap();
        let second = ServerArgs {
            listen: first[0].local_addr().unwrap(),
            ..args(1)
        };
        let error = second.listeners().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        assert!(error.to_string().contains(&second.listen.to_string()));
    }
}
