use std::{
    io::{self, ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use bench::{Congestion, HEAD};

use crate::generator::{Poller, key_of};

/// Connections that send so many frames at once, and the next when all of them have come back.
pub(crate) struct FrameClients {
    poller: Poller,
    clients: Vec<Client>,
    burst: Burst,
}

/// What each connection sends over and over.
struct Burst {
    bytes: Vec<u8>,
    frames: u64,
}

impl FrameClients {
    /// # Errors
    ///
    /// Those of connecting.
    pub(crate) fn connect(
        addr: SocketAddr,
        count: usize,
        payload: usize,
        depth: usize,
    ) -> io::Result<Self> {
        let poller = Poller::new()?;
        let mut clients = Vec::with_capacity(count);
        for key in 0..count {
            clients.push(Client::connect(addr)?);
            poller.add_both(&clients[key].stream, key)?;
        }
        let mut frame = u32::try_from(payload)
            .expect("a frame")
            .to_be_bytes()
            .to_vec();
        frame.resize(HEAD + payload, b'x');
        let burst = Burst {
            bytes: frame.repeat(depth),
            frames: depth as u64,
        };
        Ok(Self {
            poller,
            clients,
            burst,
        })
    }

    /// # Errors
    ///
    /// Those of the system.
    pub(crate) fn set_congestion(&self, congestion: Congestion) -> io::Result<()> {
        let mut clients = self.clients.iter();
        clients.try_for_each(|client| congestion.set(&client.stream))
    }

    /// All connections at once, for `duration` and until the last frame; returns the number of frames.
    pub(crate) fn echo_for(&mut self, duration: Duration) -> io::Result<u64> {
        let end = Instant::now() + duration;
        self.echo_while(|_| Instant::now() < end)
    }

    /// As many bursts of each connection.
    pub(crate) fn echo_bursts(&mut self, bursts: u64) -> io::Result<u64> {
        let most = bursts * self.clients.len() as u64;
        self.echo_while(|begun| begun < most)
    }

    /// A connection goes on as long as `more`, which is told how many bursts have begun, says so.
    fn echo_while(&mut self, more: impl Fn(u64) -> bool) -> io::Result<u64> {
        for client in &mut self.clients {
            client.begin();
        }
        let (mut begun, mut frames, mut under_way) =
            (self.clients.len() as u64, 0, self.clients.len());
        // At first all, each of which may be done before anybody waits for it.
        let mut ready: Vec<_> = (0..self.clients.len()).collect();
        loop {
            for key in ready.drain(..) {
                let client = &mut self.clients[key];
                while client.is_under_way && client.go_on(&self.burst)? {
                    frames += self.burst.frames;
                    if more(begun) {
                        client.begin();
                        begun += 1;
                    } else {
                        under_way -= 1;
                    }
                }
            }
            if under_way == 0 {
                break;
            }
            ready.extend(self.poller.wait()?.iter().map(key_of));
        }
        Ok(frames)
    }
}

struct Client {
    stream: TcpStream,
    sent: usize,
    received: usize,
    is_under_way: bool,
    buf: Vec<u8>,
}

impl Client {
    fn connect(addr: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(addr)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream,
            sent: 0,
            received: 0,
            is_under_way: false,
            buf: vec![0; 256 * 1024],
        })
    }

    fn begin(&mut self) {
        (self.sent, self.received, self.is_under_way) = (0, 0, true);
    }

    /// Sends and receives what it can; whether the burst has come back.
    fn go_on(&mut self, burst: &Burst) -> io::Result<bool> {
        while self.sent < burst.bytes.len() {
            match self.stream.write(&burst.bytes[self.sent..]) {
                Ok(sent) => self.sent += sent,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        loop {
            match self.stream.read(&mut self.buf) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(received) => {
                    let expected = burst.bytes.get(self.received..self.received + received);
                    if expected != Some(&self.buf[..received]) {
                        return Err(io::Error::other("the answer is not what was sent"));
                    }
                    self.received += received;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
            if self.received == burst.bytes.len() {
                self.is_under_way = false;
                return Ok(true);
            }
        }
    }
}
