use std::{
    io::{self, ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    os::fd::{AsFd, OwnedFd},
    time::{Duration, Instant},
};

use bench::MESSAGE;
use rustix::{
    event::epoll::{self, CreateFlags, Event, EventData, EventFlags},
    io::Errno,
    time::Timespec,
};
use slab::Slab;

use crate::server::Server;

/// Connections that send a message and wait for the answer before they send the next.
pub(crate) struct Clients {
    poller: Poller,
    clients: Vec<Client>,
}

impl Clients {
    /// # Errors
    ///
    /// Those of connecting.
    pub(crate) fn connect(addr: SocketAddr, count: usize) -> io::Result<Self> {
        let poller = Poller::new()?;
        let mut clients = Vec::with_capacity(count);
        for key in 0..count {
            clients.push(Client::connect(addr)?);
            poller.add(&clients[key].stream, key)?;
        }
        Ok(Self { poller, clients })
    }

    /// All connections at once, each in a closed loop, for `duration` and until the last answer;
    /// returns the number of answers.
    pub(crate) fn echo_for(&mut self, duration: Duration) -> io::Result<u64> {
        let end = Instant::now() + duration;
        self.echo_while(|| Instant::now() < end)
    }

    /// All connections send one message, then all answers are collected.
    fn echo_batch(&mut self) -> io::Result<()> {
        self.echo_while(|| false)?;
        Ok(())
    }

    /// After each wait `more` says whether those that have their answer send again.
    fn echo_while(&mut self, more: impl Fn() -> bool) -> io::Result<u64> {
        for client in &mut self.clients {
            client.send()?;
        }
        let (mut answers, mut in_flight) = (0, self.clients.len());
        while in_flight > 0 {
            let ready = self.poller.wait()?;
            let more = more();
            for event in ready {
                let client = &mut self.clients[key_of(event)];
                if !client.receive()? {
                    continue;
                }
                answers += 1;
                if more {
                    client.send()?;
                } else {
                    in_flight -= 1;
                }
            }
        }
        Ok(answers)
    }
}

/// One after the other on one connection; each message is sent when the server is quiet.
///
/// It returns when the server has closed the connection and is quiet again, as do those below: nothing
/// is left that its end would cut short.
pub(crate) fn lone_echoes(
    server: &Server,
    mut stream: impl Read + Write,
    count: usize,
) -> io::Result<()> {
    let (message, mut answer) = ([b'x'; MESSAGE], [0; MESSAGE]);
    for _ in 0..count {
        server.wait_until_quiet()?;
        stream.write_all(&message)?;
        stream.read_exact(&mut answer)?;
    }
    server.wait_until_quiet()?;
    drop(stream);
    server.wait_until_quiet()
}

/// On several connections: each time the server is quiet, all send one message, then all answers are
/// collected. There are `count` echoes in all.
pub(crate) fn batched_echoes(server: &Server, connections: usize, count: usize) -> io::Result<()> {
    let mut clients = Clients::connect(server.socket_addr()?, connections)?;
    for _ in 0..count / connections {
        server.wait_until_quiet()?;
        clients.echo_batch()?;
    }
    server.wait_until_quiet()?;
    drop(clients);
    server.wait_until_quiet()
}

/// Connects, echoes once and closes, one after the other, each when the server is quiet.
pub(crate) fn lone_connections(server: &Server, count: usize) -> io::Result<()> {
    for _ in 0..count {
        server.wait_until_quiet()?;
        let mut client = connect(server.socket_addr()?)?;
        client.write_all(&[b'x'; MESSAGE])?;
        client.read_exact(&mut [0; MESSAGE])?;
    }
    server.wait_until_quiet()
}

/// Keeps `at_once` connections going that connect, echo once and close, for `duration` and until the
/// last is closed; returns their number.
pub(crate) fn connect_for(addr: SocketAddr, at_once: usize, duration: Duration) -> io::Result<u64> {
    let mut poller = Poller::new()?;
    let mut clients = Slab::with_capacity(at_once);
    let mut connections = 0;
    let end = Instant::now() + duration;
    let open = |poller: &Poller, clients: &mut Slab<Client>| {
        // Over the loopback this waits for nobody: the system answers, not the server.
        let mut client = Client::connect(addr)?;
        client.send()?;
        let entry = clients.vacant_entry();
        poller.add(&client.stream, entry.key())?;
        entry.insert(client);
        io::Result::Ok(())
    };
    for _ in 0..at_once {
        open(&poller, &mut clients)?;
    }
    while !clients.is_empty() {
        let mut closed = 0;
        for event in poller.wait()? {
            if clients[key_of(event)].receive()? {
                clients.remove(key_of(event));
                closed += 1;
            }
        }
        connections += closed;
        if Instant::now() < end {
            for _ in 0..closed {
                open(&poller, &mut clients)?;
            }
        }
    }
    Ok(connections)
}

/// A connection for plain, blocking use; an answer that does not come is an error.
pub(crate) fn connect(addr: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(addr)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    Ok(stream)
}

struct Client {
    stream: TcpStream,
    /// Bytes of the answer that have come.
    received: usize,
}

impl Client {
    fn connect(addr: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(addr)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let received = 0;
        Ok(Self { stream, received })
    }

    fn send(&mut self) -> io::Result<()> {
        self.received = 0;
        // Only one message is ever under way, so there is room for it.
        match self.stream.write(&[b'x'; MESSAGE])? {
            MESSAGE => Ok(()),
            _ => Err(io::Error::other("the system took a part of a message")),
        }
    }

    /// Whether the answer is complete.
    fn receive(&mut self) -> io::Result<bool> {
        let mut answer = [0; MESSAGE];
        match self.stream.read(&mut answer[self.received..]) {
            Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
            Ok(received) => {
                if answer[self.received..][..received]
                    .iter()
                    .any(|&b| b != b'x')
                {
                    return Err(io::Error::other("the answer is not what was sent"));
                }
                self.received += received;
                Ok(self.received == MESSAGE)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error),
        }
    }
}

pub(crate) struct Poller {
    epoll: OwnedFd,
    events: Vec<Event>,
}

impl Poller {
    pub(crate) fn new() -> io::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let events = vec![NO_EVENT; EVENTS];
        Ok(Self { epoll, events })
    }

    fn add(&self, stream: impl AsFd, key: usize) -> io::Result<()> {
        self.add_for(stream, key, EventFlags::IN)
    }

    /// For one who sends more than the system takes at once.
    pub(crate) fn add_both(&self, stream: impl AsFd, key: usize) -> io::Result<()> {
        self.add_for(stream, key, EventFlags::IN | EventFlags::OUT)
    }

    fn add_for(&self, stream: impl AsFd, key: usize, flags: EventFlags) -> io::Result<()> {
        let data = EventData::new_u64(key as u64);
        Ok(epoll::add(
            &self.epoll,
            stream,
            data,
            flags | EventFlags::ET,
        )?)
    }

    pub(crate) fn wait(&mut self) -> io::Result<&[Event]> {
        match epoll::wait(&self.epoll, &mut self.events, Some(&PATIENCE)) {
            Ok(0) => {
                let message = "the server has not answered for ten seconds";
                Err(io::Error::new(ErrorKind::TimedOut, message))
            }
            Ok(count) => Ok(&self.events[..count]),
            Err(Errno::INTR) => Ok(&[]),
            Err(error) => Err(error.into()),
        }
    }
}

pub(crate) fn key_of(event: &Event) -> usize {
    usize::try_from(event.data.u64()).expect("a key of ours")
}

const EVENTS: usize = 1024;
const NO_EVENT: Event = Event {
    flags: EventFlags::empty(),
    data: EventData::new_u64(0),
};
const PATIENCE: Timespec = Timespec {
    tv_sec: 10,
    tv_nsec: 0,
};
