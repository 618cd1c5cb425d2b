//! The floor: one thread, one level-triggered epoll, one buffer for all connections, no async at all.

#![forbid(unsafe_code)]

use std::{
    io::{self, ErrorKind, Read, Write},
    net::{TcpListener, TcpStream},
    os::fd::OwnedFd,
};

use bench::{BUFFER, Congestion, HEAD, LONGEST_FRAME, Work, announce, listen};
use rustix::{
    event::epoll::{self, CreateFlags, Event, EventData, EventFlags},
    io::Errno,
    net::{SocketFlags, accept_with},
};
use slab::Slab;

fn main() -> io::Result<()> {
    match Work::from_args()? {
        Work::TcpEcho => {
            Server::new(listen(Congestion::System)?)?.serve(&mut [0; BUFFER], Server::echo)
        }
        // Room for the longest frame, and for another: a part of it comes with this one's end.
        Work::TcpFrames(congestion) => {
            Server::new(listen(congestion)?)?.serve(&mut vec![0; 2 * MOST], Server::echo_frames)
        }
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
    /// The beginning of a frame.
    partial: Vec<u8>,
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

    /// `echo` says whether the connection goes on.
    fn serve(
        mut self,
        buf: &mut [u8],
        echo: impl Fn(&mut Self, usize, &mut [u8]) -> io::Result<bool>,
    ) -> io::Result<()> {
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
                if !echo(&mut self, key, buf).unwrap_or(false) {
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
            entry.insert(Connection {
                stream,
                unsent: Vec::new(),
                partial: Vec::new(),
            });
        }
    }

    fn echo(&mut self, key: usize, buf: &mut [u8]) -> io::Result<bool> {
        let connection = &mut self.connections[key];
        if !connection.unsent.is_empty() {
            return self.send_rest(key);
        }
        let received = match (&connection.stream).read(buf) {
            Ok(0) => return Ok(false),
            Ok(received) => received,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
            Err(error) => return Err(error),
        };
        self.send(key, &buf[..received])
    }

    /// Sends all whole frames back, with one write. What is left over is kept apart.
    fn echo_frames(&mut self, key: usize, buf: &mut [u8]) -> io::Result<bool> {
        let connection = &mut self.connections[key];
        if !connection.unsent.is_empty() {
            return self.send_rest(key);
        }
        let kept = connection.partial.len();
        buf[..kept].copy_from_slice(&connection.partial);
        let received = match (&connection.stream).read(&mut buf[kept..]) {
            Ok(0) => return Ok(false),
            Ok(received) => kept + received,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
            Err(error) => return Err(error),
        };
        let whole = whole_frames(&buf[..received])?;
        connection.partial.clear();
        connection.partial.extend_from_slice(&buf[whole..received]);
        if whole == 0 {
            return Ok(true);
        }
        self.send(key, &buf[..whole])
    }

    fn send(&mut self, key: usize, bytes: &[u8]) -> io::Result<bool> {
        let connection = &mut self.connections[key];
        let sent = written(&connection.stream, bytes)?;
        if sent < bytes.len() {
            connection.unsent = bytes[sent..].to_vec();
            epoll::modify(&self.epoll, &connection.stream, data(key), EventFlags::OUT)?;
        }
        Ok(true)
    }

    fn send_rest(&mut self, key: usize) -> io::Result<bool> {
        let connection = &mut self.connections[key];
        let sent = written(&connection.stream, &connection.unsent)?;
        connection.unsent.drain(..sent);
        if connection.unsent.is_empty() {
            connection.unsent = Vec::new();
            epoll::modify(&self.epoll, &connection.stream, data(key), EventFlags::IN)?;
        }
        Ok(true)
    }
}

/// Where the last whole frame ends.
fn whole_frames(bytes: &[u8]) -> io::Result<usize> {
    let mut end = 0;
    while let Some(head) = bytes[end..].first_chunk::<HEAD>() {
        let length = u32::from_be_bytes(*head) as usize;
        if length > LONGEST_FRAME {
            return Err(ErrorKind::InvalidData.into());
        }
        if bytes.len() - end < HEAD + length {
            break;
        }
        end += HEAD + length;
    }
    Ok(end)
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

/// Bytes of the longest frame and its length.
const MOST: usize = HEAD + LONGEST_FRAME;

/// No key of the slab.
const LISTENER: u64 = u64::MAX;

/// As many as tokio and ours ask for at once.
const EVENTS: usize = 1024;

const NO_EVENT: Event = Event {
    flags: EventFlags::empty(),
    data: EventData::new_u64(LISTENER),
};
