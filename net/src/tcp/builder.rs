use std::{io, net::SocketAddr, time::Duration};

use reactor::Handle;
use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};

use super::{Connect, TcpListener};

/// Options of a socket that have to be set before it listens or connects, or that are best set then.
///
/// What is not set is left to the system, with two exceptions for listeners, which are those of
/// [`TcpListener::bind`]. One builder makes any number of sockets. A listener passes most of its options
/// on to the connections that it accepts.
///
/// Whatever is missing here: make a socket of your own, set it up with `socket2` and give it to
/// [`TcpListener::from_std`] or [`TcpStream::connect_std`](super::TcpStream::connect_std). What can be
/// set at any time is set on the listener or stream, by `socket2::SockRef::from(&stream)`.
///
/// # Errors
///
/// No setter fails: what the system does not take is an error of [`listen`](Self::listen), or of the
/// future of [`connect`](Self::connect).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use net::{TcpBuilder, reactor::Core};
///
/// let core = Core::new()?;
/// let any_port = "127.0.0.1:0".parse().unwrap();
/// let listener = TcpBuilder::new()
///     .backlog(4096)
///     .nodelay(true)
///     .keepalive(Duration::from_secs(60))
///     .listen(&any_port, &core.handle())?;
/// assert!(socket2::SockRef::from(&listener).keepalive()?);
/// # std::io::Result::Ok(())
/// ```
#[derive(Debug, Clone, Default)]
#[must_use = "a builder does nothing until it listens or connects"]
pub struct TcpBuilder {
    reuse_address: Option<bool>,
    reuse_port: bool,
    backlog: Option<u32>,
    local_addr: Option<SocketAddr>,
    only_v6: Option<bool>,
    recv_buffer_size: Option<usize>,
    send_buffer_size: Option<usize>,
    nodelay: Option<bool>,
    keepalive: Option<TcpKeepalive>,
    ttl: Option<u32>,
    tos: Option<u8>,
    user_timeout: Option<Duration>,
    fast_open: bool,
    abort_on_drop: bool,
}

impl TcpBuilder {
    /// No options.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether an address may be bound that connections of an earlier socket still have
    /// (`SO_REUSEADDR`). A listener does so unless it is told not to, except on Windows, where it would let
    /// others take the port over.
    pub fn reuse_address(mut self, on: bool) -> Self {
        self.reuse_address = Some(on);
        self
    }

    /// Whether several sockets of one user may listen at one address; the system spreads the
    /// connections over them (`SO_REUSEPORT`).
    #[cfg(unix)]
    pub fn reuse_port(mut self, on: bool) -> Self {
        self.reuse_port = on;
        self
    }

    /// How many connections may wait to be accepted; 1024 if it is not set. The system may allow fewer
    /// (on Linux `net.core.somaxconn`).
    pub fn backlog(mut self, connections: u32) -> Self {
        self.backlog = Some(connections);
        self
    }

    /// The address to connect from. Port 0 lets the system choose. A listener takes no notice of it.
    pub fn bind(mut self, addr: SocketAddr) -> Self {
        self.local_addr = Some(addr);
        self
    }

    /// Whether an IPv6 socket refuses IPv4 (`IPV6_V6ONLY`). An IPv4 socket takes no notice of it.
    pub fn only_v6(mut self, on: bool) -> Self {
        self.only_v6 = Some(on);
        self
    }

    /// The size of the system's buffer for what was received, in bytes (`SO_RCVBUF`). Linux doubles it,
    /// and stops to adapt it to the connection.
    pub fn recv_buffer_size(mut self, bytes: usize) -> Self {
        self.recv_buffer_size = Some(bytes);
        self
    }

    /// The size of the system's buffer for what is to be sent, in bytes (`SO_SNDBUF`). Linux doubles it,
    /// and stops to adapt it to the connection.
    pub fn send_buffer_size(mut self, bytes: usize) -> Self {
        self.send_buffer_size = Some(bytes);
        self
    }

    /// Whether small writes are sent at once (`TCP_NODELAY`).
    pub fn nodelay(mut self, on: bool) -> Self {
        self.nodelay = Some(on);
        self
    }

    /// Asks an idle peer after this time whether it is still there (`SO_KEEPALIVE`, `TCP_KEEPIDLE`). It is
    /// rounded up to whole seconds, at least one.
    pub fn keepalive(mut self, idle: Duration) -> Self {
        let keepalive = self.keepalive.unwrap_or(TcpKeepalive::new());
        self.keepalive = Some(keepalive.with_time(rounded_up(idle, SECOND)));
        self
    }

    /// As [`keepalive`](Self::keepalive), asks again after each `interval`, and gives the connection up
    /// after `retries` without an answer (`TCP_KEEPINTVL`, `TCP_KEEPCNT`). The interval is rounded up to whole
    /// seconds, at least one.
    pub fn keepalive_retries(mut self, interval: Duration, retries: u32) -> Self {
        let keepalive = self.keepalive.unwrap_or(TcpKeepalive::new());
        let keepalive = keepalive.with_interval(rounded_up(interval, SECOND));
        self.keepalive = Some(keepalive.with_retries(retries));
        self
    }

    /// How many routers a packet may pass (`IP_TTL`, `IPV6_UNICAST_HOPS`). An IPv6 listener sets it for
    /// its IPv6 peers alone.
    pub fn ttl(mut self, hops: u32) -> Self {
        self.ttl = Some(hops);
        self
    }

    /// The type of service, or traffic class, of the packets (`IP_TOS`, `IPV6_TCLASS`). An IPv6 listener
    /// sets it for its IPv6 peers alone.
    #[cfg(unix)]
    pub fn tos(mut self, tos: u8) -> Self {
        self.tos = Some(tos);
        self
    }

    /// How long what was sent may stay unacknowledged before the connection is given up
    /// (`TCP_USER_TIMEOUT`). It is rounded up to whole milliseconds, at least one.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub fn user_timeout(mut self, limit: Duration) -> Self {
        self.user_timeout = Some(rounded_up(limit, Duration::from_millis(1)));
        self
    }

    /// Whether the first bytes may travel with the request to connect (`TCP_FASTOPEN`,
    /// `TCP_FASTOPEN_CONNECT`), which saves a round trip to a server that this machine knows already.
    ///
    /// For clients that speak first, and for first bytes that do no harm when they arrive twice. A
    /// connection may be ready before anything was sent: the first write connects, and what goes wrong
    /// with the connection is an error of the first operation. A client that reads first would wait for
    /// ever.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub fn fast_open(mut self, on: bool) -> Self {
        self.fast_open = on;
        self
    }

    /// Whether dropping the socket resets the connection and throws away what was not sent, as
    /// [`TcpStream::abort`](super::TcpStream::abort) does (`SO_LINGER` with 0 seconds). Set here, it is true of a
    /// connection that is given up half made, too.
    pub fn abort_on_drop(mut self, on: bool) -> Self {
        self.abort_on_drop = on;
        self
    }

    /// Listens at an address. Port 0 lets the system choose.
    ///
    /// # Errors
    ///
    /// [`AddrInUse`](io::ErrorKind::AddrInUse), [`AddrNotAvailable`](io::ErrorKind::AddrNotAvailable)
    /// and others of the system. An error with the source [`ReactorGone`](reactor::ReactorGone) if the
    /// core has been dropped.
    pub fn listen(&self, addr: &SocketAddr, handle: &Handle) -> io::Result<TcpListener> {
        TcpListener::from_std(self.listen_std(addr)?, handle)
    }

    /// Listens without a reactor.
    pub(crate) fn listen_std(&self, addr: &SocketAddr) -> io::Result<std::net::TcpListener> {
        let socket = self.socket(addr, self.reuse_address.unwrap_or(cfg!(not(windows))))?;
        socket.bind(&(*addr).into())?;
        let backlog = i32::try_from(self.backlog.unwrap_or(BACKLOG)).unwrap_or(i32::MAX);
        #[cfg(any(target_os = "linux", target_os = "android"))]
        if self.fast_open {
            crate::sys::set_fast_open(&socket, backlog)?;
        }
        socket.listen(backlog)?;
        Ok(socket.into())
    }

    /// Connects to an address.
    ///
    /// Errors come from the future, never from this call.
    pub fn connect(&self, addr: &SocketAddr, handle: &Handle) -> Connect {
        Connect::start(handle, || self.start(addr), self.fast_open)
    }

    fn start(&self, addr: &SocketAddr) -> io::Result<std::net::TcpStream> {
        let socket = self.socket(addr, self.reuse_address == Some(true))?;
        if let Some(local_addr) = self.local_addr {
            socket.bind(&local_addr.into())?;
        }
        #[cfg(any(target_os = "linux", target_os = "android"))]
        if self.fast_open {
            crate::sys::set_fast_open_connect(&socket)?;
        }
        let socket = std::net::TcpStream::from(socket);
        super::connect::begin(&socket, addr)?;
        Ok(socket)
    }

    fn socket(&self, addr: &SocketAddr, reuse_address: bool) -> io::Result<Socket> {
        let domain = Domain::for_address(*addr);
        let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
        if reuse_address {
            socket.set_reuse_address(true)?;
        }
        #[cfg(unix)]
        if self.reuse_port {
            socket.set_reuse_port(true)?;
        }
        let set = |option: Option<usize>, to: fn(&Socket, usize) -> io::Result<()>| match option {
            Some(value) => to(&socket, value),
            None => Ok(()),
        };
        set(self.recv_buffer_size, Socket::set_recv_buffer_size)?;
        set(self.send_buffer_size, Socket::set_send_buffer_size)?;
        if let Some(nodelay) = self.nodelay {
            socket.set_tcp_nodelay(nodelay)?;
        }
        if let Some(keepalive) = &self.keepalive {
            socket.set_tcp_keepalive(keepalive)?;
        }
        #[cfg(any(target_os = "linux", target_os = "android"))]
        if let Some(limit) = self.user_timeout {
            socket.set_tcp_user_timeout(Some(limit))?;
        }
        if self.abort_on_drop {
            socket.set_linger(Some(Duration::ZERO))?;
        }
        if addr.is_ipv4() {
            self.set_up_v4(&socket)?;
        } else {
            self.set_up_v6(&socket)?;
        }
        Ok(socket)
    }

    fn set_up_v4(&self, socket: &Socket) -> io::Result<()> {
        if let Some(hops) = self.ttl {
            socket.set_ttl_v4(hops)?;
        }
        #[cfg(unix)]
        if let Some(tos) = self.tos {
            socket.set_tos_v4(tos.into())?;
        }
        Ok(())
    }

    fn set_up_v6(&self, socket: &Socket) -> io::Result<()> {
        if let Some(on) = self.only_v6 {
            socket.set_only_v6(on)?;
        }
        if let Some(hops) = self.ttl {
            socket.set_unicast_hops_v6(hops)?;
        }
        #[cfg(unix)]
        if let Some(tos) = self.tos {
            socket.set_tclass_v6(tos.into())?;
        }
        Ok(())
    }
}

/// In whole units, at least one: the system refuses 0, or takes it for "as long as usual".
fn rounded_up(limit: Duration, unit: Duration) -> Duration {
    match limit.as_nanos() % unit.as_nanos() {
        0 if !limit.is_zero() => limit,
        rest => limit.saturating_add(unit - Duration::from_nanos(rest as u64)),
    }
}

const SECOND: Duration = Duration::from_secs(1);

/// Connections that wait to be accepted; the system may allow fewer.
const BACKLOG: u32 = 1024;
