//! The floor of relays: one thread, one epoll, two pipes for each pair of sockets, and no more than
//! splice(2) in between.

#![forbid(unsafe_code)]

use std::{
    io,
    net::{SocketAddr, TcpListener, TcpStream},
    os::fd::OwnedFd,
};

use bench::{Congestion, Work, announce, listen};
use rustix::{
    event::epoll::{self, CreateFlags, Event, EventData, EventFlags},
    io::Errno,
    net::{Shutdown, SocketFlags, accept_with, shutdown},
    pipe::{PipeFlags, SpliceFlags, fcntl_setpipe_size, pipe_with, splice},
};
use slab::Slab;

fn main() -> io::Result<()> {
    match Work::from_args()? {
        Work::Relay { to, congestion, .. } => {
            Server::new(listen(Congestion::System)?, to, congestion)?.serve()
        }
        work => Err(work.unsupported()),
    }
}

struct Server {
    epoll: OwnedFd,
    listener: TcpListener,
    to: SocketAddr,
    congestion: Congestion,
    pairs: Slab<Pair>,
}

struct Pair {
    sockets: [TcpStream; 2],
    /// From the first to the second, and back.
    lanes: [Lane; 2],
}

struct Lane {
    pipe: (OwnedFd, OwnedFd),
    in_pipe: usize,
    is_over: bool,
}

impl Server {
    fn new(listener: TcpListener, to: SocketAddr, congestion: Congestion) -> io::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let data = EventData::new_u64(LISTENER);
        epoll::add(&epoll, &listener, data, EventFlags::IN)?;
        announce(listener.local_addr()?)?;
        Ok(Self {
            epoll,
            listener,
            to,
            congestion,
            pairs: Slab::new(),
        })
    }

    fn serve(mut self) -> io::Result<()> {
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
                // The other socket's event may have ended it.
                let Some(pair) = self.pairs.get_mut(key) else {
                    continue;
                };
                if !pair.go_on().unwrap_or(false) {
                    self.pairs.remove(key);
                }
            }
        }
    }

    fn accept(&mut self) -> io::Result<()> {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let client = match accept_with(&self.listener, flags) {
            Ok(client) => TcpStream::from(client),
            Err(Errno::WOULDBLOCK) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let server = TcpStream::connect(self.to)?;
        server.set_nonblocking(true)?;
        self.congestion.set(&server)?;
        let entry = self.pairs.vacant_entry();
        for socket in [&client, &server] {
            socket.set_nodelay(true)?;
            let data = EventData::new_u64(entry.key() as u64);
            let both = EventFlags::IN | EventFlags::OUT | EventFlags::ET;
            epoll::add(&self.epoll, socket, data, both)?;
        }
        entry.insert(Pair {
            sockets: [client, server],
            lanes: [Lane::new()?, Lane::new()?],
        });
        Ok(())
    }
}

impl Pair {
    /// Whether there is more to come.
    fn go_on(&mut self) -> io::Result<bool> {
        let [client, server] = &self.sockets;
        let [there, back] = &mut self.lanes;
        there.go_on(client, server)?;
        back.go_on(server, client)?;
        Ok(!(there.is_over && back.is_over))
    }
}

impl Lane {
    fn new() -> io::Result<Self> {
        let pipe = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        fcntl_setpipe_size(&pipe.1, PIPE)?;
        Ok(Self {
            pipe,
            in_pipe: 0,
            is_over: false,
        })
    }

    /// Until one of the two would block.
    fn go_on(&mut self, from: &TcpStream, to: &TcpStream) -> io::Result<()> {
        let (reader, writer) = &self.pipe;
        while !self.is_over {
            let spliced = match self.in_pipe {
                0 => splice(from, None, writer, None, PIPE, FLAGS),
                in_pipe => splice(reader, None, to, None, in_pipe, FLAGS),
            };
            match (spliced, self.in_pipe) {
                (Ok(0), 0) => {
                    shutdown(to, Shutdown::Write)?;
                    self.is_over = true;
                }
                (Ok(n), 0) => self.in_pipe = n,
                (Ok(n), _) => self.in_pipe -= n,
                (Err(Errno::AGAIN), _) => break,
                (Err(error), _) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

/// Bytes of a pipe: as many as ours asks for.
const PIPE: usize = 512 * 1024;
const FLAGS: SpliceFlags = SpliceFlags::MOVE.union(SpliceFlags::NONBLOCK);
const LISTENER: u64 = u64::MAX;
const EVENTS: usize = 64;
const NO_EVENT: Event = Event {
    flags: EventFlags::empty(),
    data: EventData::new_u64(0),
};
