use std::{
    io,
    net::{SocketAddr, UdpSocket},
    time::{Duration, Instant},
};

use bench::{MARK, MESSAGE, PACKET, SEGMENTS, Sending, bind_udp};
use nix::sys::socket::{
    setsockopt,
    sockopt::{UdpGroSegment, UdpGsoSegment},
};

use crate::server::Server;

/// A peer of a server of datagrams. None of what it does loses one: it has no more under way than the
/// server's queue takes.
pub(crate) struct DatagramClient {
    socket: UdpSocket,
}

impl DatagramClient {
    /// # Errors
    ///
    /// Those of the system.
    pub(crate) fn connect(addr: SocketAddr) -> io::Result<Self> {
        let socket = bind_udp()?;
        socket.set_nonblocking(false)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.connect(addr)?;
        Ok(Self { socket })
    }

    /// Sends bursts, each when the last one has been received, for `duration`; returns how many datagrams.
    /// With `gso` the kernel gets several at a time. A server that is `paused` meanwhile finds the burst in its
    /// queue, and does not wake for each message of it.
    pub(crate) fn send_for(
        &self,
        duration: Duration,
        gso: bool,
        paused: Option<&Server>,
    ) -> io::Result<u64> {
        let end = Instant::now() + duration;
        self.send_while(gso, paused, |_| Instant::now() < end)
    }

    /// Sends bursts with GSO, each when the last one has been received, until there were `count` datagrams or
    /// more; returns how many.
    pub(crate) fn send_offloaded(&self, count: u64) -> io::Result<u64> {
        self.send_while(true, None, |sent| sent < count)
    }

    /// `goes_on` is asked before each burst, with the number of datagrams before it.
    fn send_while(
        &self,
        gso: bool,
        paused: Option<&Server>,
        goes_on: impl Fn(u64) -> bool,
    ) -> io::Result<u64> {
        let mut payload = vec![b'x'; PACKET * SEGMENTS];
        let segment = i32::try_from(PACKET).expect("a small number");
        if gso {
            setsockopt(&self.socket, UdpGsoSegment, &segment)?;
        }
        let messages = self.messages_in_burst()?;
        let burst = (messages * SEGMENTS) as u64;
        let mut total = 0;
        while goes_on(total) {
            if let Some(server) = paused {
                server.pause()?;
            }
            for message in 1..=messages {
                let last = payload.last_mut().expect("it is not empty");
                *last = if message == messages { MARK } else { b'x' };
                if gso {
                    self.socket.send(&payload)?;
                } else {
                    for datagram in payload.chunks(PACKET) {
                        self.socket.send(datagram)?;
                    }
                }
            }
            if let Some(server) = paused {
                server.resume()?;
            }
            let mut count = [0; size_of::<u64>()];
            self.socket.recv(&mut count)?;
            if u64::from_be_bytes(count) != burst {
                return Err(io::Error::other("the server has not received everything"));
            }
            total += burst;
        }
        if gso {
            setsockopt(&self.socket, UdpGsoSegment, &0)?;
        }
        Ok(total)
    }

    /// As many messages of [`SEGMENTS`] datagrams as a queue takes, but no more than it takes to make the
    /// server's waiting for them, and its answer, cost nothing.
    fn messages_in_burst(&self) -> io::Result<usize> {
        // The server's is as long.
        let queue = socket2::SockRef::from(&self.socket).recv_buffer_size()?;
        Ok((queue / (SEGMENTS * QUEUED)).clamp(1, 32))
    }

    /// Has the server send for `duration`; returns how many datagrams.
    ///
    /// They go to a socket that nobody reads and that takes them as the server's kernel has them, in one
    /// piece where that uses GSO, so that nothing but sending is measured.
    pub(crate) fn be_sent_to_for(&self, duration: Duration) -> io::Result<u64> {
        let sink = bind_udp()?;
        setsockopt(&sink, UdpGroSegment, &true)?;
        socket2::SockRef::from(&sink).set_recv_buffer_size(0)?;
        let order = Sending {
            count: u32::try_from(ORDER).expect("a small number"),
            port: sink.local_addr()?.port(),
        };
        let end = Instant::now() + duration;
        let mut total = 0;
        while Instant::now() < end {
            self.socket.send(&order.to_bytes())?;
            let mut answer = [0; 16];
            let n = self.socket.recv(&mut answer)?;
            if Sending::from_bytes(&answer[..n])? != order {
                return Err(io::Error::other("the server has not done what it was told"));
            }
            total += ORDER;
        }
        Ok(total)
    }

    /// Sends several messages at once, each time that all of the last ones have come back, for `duration`;
    /// returns how many.
    pub(crate) fn echo_for(&self, duration: Duration, in_flight: usize) -> io::Result<u64> {
        let end = Instant::now() + duration;
        let mut total = 0;
        while Instant::now() < end {
            self.echo_burst(in_flight)?;
            total += in_flight as u64;
        }
        Ok(total)
    }

    /// `count` echoes in all, so many at once, each time that the server is quiet.
    pub(crate) fn echoes(&self, server: &Server, count: usize, in_flight: usize) -> io::Result<()> {
        for _ in 0..count / in_flight {
            server.wait_until_quiet()?;
            self.echo_burst(in_flight)?;
        }
        server.wait_until_quiet()
    }

    fn echo_burst(&self, in_flight: usize) -> io::Result<()> {
        for _ in 0..in_flight {
            self.socket.send(&[b'x'; MESSAGE])?;
        }
        for _ in 0..in_flight {
            let mut answer = [0; 2 * MESSAGE];
            let n = self.socket.recv(&mut answer)?;
            if answer[..n] != [b'x'; MESSAGE] {
                return Err(io::Error::other("the answer is not what was sent"));
            }
        }
        Ok(())
    }
}

/// Bytes that the kernel counts for a datagram in a queue, and some more.
const QUEUED: usize = 2560;

/// Datagrams that a server is told to send at a time: so many that telling it costs nothing.
const ORDER: u64 = 100 * SEGMENTS as u64;
const PATIENCE: Duration = Duration::from_secs(10);
