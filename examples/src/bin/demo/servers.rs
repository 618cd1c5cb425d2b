use std::{
    io,
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    sync::Arc,
    time::{Duration, Instant},
};

use examples::forward;
use net::{Connector, TcpStream};
use reactor::Handle;

use crate::{
    echo::{echo, spawn_udp_echo},
    mistakes::Mistakes,
    part::Part,
    server_thread::ServerThread,
};

/// The echo server and the proxy in front of it.
pub(crate) struct Servers {
    echo: ServerThread,
    proxy: ServerThread,
    udp: SocketAddr,
    mistakes: Arc<Mistakes>,
}

impl Servers {
    /// Starts both. The server drops as many datagrams before it echoes one.
    pub(crate) fn start(datagrams_to_drop: u64) -> io::Result<Self> {
        let mistakes = Mistakes::new(datagrams_to_drop);
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        let udp = socket.local_addr()?;
        let echo = ServerThread::start("server", {
            let mistakes = mistakes.clone();
            move |core| {
                spawn_udp_echo(core, socket, mistakes.clone())?;
                Ok(async move |stream: &TcpStream| echo(stream, &mistakes).await)
            }
        })?;
        let to = echo.addr().to_string();
        let proxy = ServerThread::start("proxy", move |core| {
            let connector = Connector::new(&core.handle());
            Ok(async move |client: &TcpStream| forward(client, &to, &connector, IDLE_LIMIT).await)
        })?;
        Ok(Self {
            echo,
            proxy,
            udp,
            mistakes,
        })
    }

    /// Where the clients of a part go.
    pub(crate) fn addr(&self, part: Part) -> SocketAddr {
        match part {
            Part::Direct => self.echo.addr(),
            Part::Proxied => self.proxy.addr(),
            Part::Udp => self.udp,
        }
    }

    /// Has the echo server make one mistake.
    pub(crate) fn corrupt(&self, part: Part) {
        match part {
            Part::Direct | Part::Proxied => self.mistakes.corrupt_connection(),
            Part::Udp => self.mistakes.corrupt_datagram(),
        }
    }

    /// The ways to both loops.
    pub(crate) fn handles(&self) -> [&Handle; 2] {
        [self.echo.handle(), self.proxy.handle()]
    }

    /// Waits until the connections are closed on this side as well, a moment after the clients have.
    pub(crate) async fn settle(&self, handle: &Handle) -> io::Result<()> {
        let deadline = Instant::now() + SETTLE_LIMIT;
        while self.registered() > REGISTERED_WHEN_IDLE && Instant::now() < deadline {
            handle.sleep(Duration::from_millis(1)).await?;
        }
        Ok(())
    }

    fn registered(&self) -> u64 {
        let registered = |handle: &Handle| handle.metrics().registered;
        self.handles().into_iter().map(registered).sum()
    }

    /// Ends both.
    ///
    /// # Errors
    ///
    /// Those of either.
    pub(crate) fn stop(self) -> io::Result<()> {
        self.proxy.stop()?;
        self.echo.stop()
    }
}

/// Longer than the demo lasts.
const IDLE_LIMIT: Duration = Duration::from_secs(600);
/// Two listeners and a UDP socket.
const REGISTERED_WHEN_IDLE: u64 = 3;
/// A connection that is still open then takes up a few descriptors, and nothing else.
const SETTLE_LIMIT: Duration = Duration::from_secs(5);
