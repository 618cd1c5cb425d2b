//! The floor: one thread, one level-triggered epoll, one buffer for all connections, no async at all.

#![forbid(unsafe_code)]

use std::{
    io::{self, ErrorKind, Read, Write},
    net::{TcpListener, TcpStream},
    os::fd::OwnedFd,
};

use bench::{BUFFER, Work, announce, listen};
use rustix::{
    event::epoll::{self, CreateFlags, Event, EventData, EventFlags},
    io::Errno,
    net::{SocketFlags, accept_with},
};
use slab::Slab;

fn main() -> io::Result<()> {
    match Work::from_args()? {
        Work::TcpEcho => Server::new(listen()?)?.serve(),
        work => Err(work.unsupported()),
    }
}

struct Server {
    epoll: OwnedFd,
    listener: TcpListener,
    connections: Slab<Connection>,
}

struct Connection {
    stream: TcpStream,
    /// While there is some, the connection is not read from.
    unsent: Vec<u8>,
}

impl Server {
    fn new(listener: TcpListener) -> io::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        epoll::add(
            &epoll,
            &listener,
            EventData::new_u64(LISTENER),
            EventFlags::IN,
        )?;
        announce(listener.local_addr()?)?;
        Ok(Self {
            epoll,
            listener,
            connections: Slab::new(),
        })
    }

    fn serve(mut self) -> io::Result<()> {
        let mut buf = [0; BUFFER];
        let mut events = [NO_EVENT; EVENTS];
        loop {
            let count = match epoll::wait(&self.epoll, &mut events, None) {
                Ok(count) => count,
                Err(Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            };
            for event in &events[..count] {
                let key = event.data.u64();
                if key == LISTENER {
                    self.accept()?;
                    continue;
                }
                let key = usize::try_from(key).expect("a key of the slab");
                if !self.echo(key, &mut buf).unwrap_or(false) {
                    // Closing it takes it out of the epoll.
                    self.connections.remove(key);
                }
            }
        }
    }

    fn accept(&mut self) -> io::Result<()> {
        loop {
            // std's own `accept` leaves it to another call to make the socket non-blocking.
            let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
            let stream = match accept_with(&self.listener, flags) {
                Ok(stream) => TcpStream::from(stream),
                Err(Errno::WOULDBLOCK) => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            let _ = stream.set_nodelay(true);
            let entry = self.connections.vacant_entry();
            epoll::add(&self.epoll, &stream, data(entry.key()), EventFlags::IN)?;
            let unsent = Vec::new();
            entry.insert(Connection { stream, unsent });
        }
    }

    /// Whether the connection goes on.
    fn echo(&mut self, key: usize, buf: &mut [u8]) -> io::Result<bool> {
        let connection = &mut self.connections[key];
        if !connection.unsent.is_empty() {
            let sent = written(&connection.stream, &connection.unsent)?;
            connection.unsent.drain(..sent);
            if connection.unsent.is_empty() {
                connection.unsent = Vec::new();
                epoll::modify(&self.epoll, &connection.stream, data(key), EventFlags::IN)?;
            }
            return Ok(true);
        }
        let received = match (&connection.stream).read(buf) {
            Ok(0) => return Ok(false),
            Ok(received) => received,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
            Err(error) => return Err(error),
        };
        let sent = written(&connection.stream, &buf[..received])?;
        if sent < received {
            connection.unsent = buf[sent..received].to_vec();
            epoll::modify(&self.epoll, &connection.stream, data(key), EventFlags::OUT)?;
        }
        Ok(true)
    }
}

fn written(mut stream: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
    match stream.write(bytes) {
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
        result => result,
    }
}

fn data(key: usize) -> EventData {
    EventData::new_u64(key as u64)
}

/// No key of the slab.
const LISTENER: u64 = u64::MAX;

/// As many as tokio and ours ask for at once.
const EVENTS: usize = 1024;

const NO_EVENT: Event = Event {
    flags: EventFlags::empty(),
    data: EventData::new_u64(LISTENER),
};
