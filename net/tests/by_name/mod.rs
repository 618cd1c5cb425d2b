//! What the tests of connecting by name share: resolvers with a script, addresses that never answer,
//! and a record of which attempt began when.
#![allow(dead_code, reason = "each test file uses some of it")]

use std::{
    future::Future,
    io,
    net::{SocketAddr, TcpListener as StdListener, TcpStream as StdStream},
    sync::{Arc, Condvar, Mutex},
    time::{Duration, Instant},
};

use net::{Connector, Resolve, Resolving, TcpStream};
use reactor::Handle;
use socket2::{Domain, Socket, Type};

use crate::common::HANG;

/// Longer than any test runs: what is due then does not happen.
pub(crate) const NEVER: Duration = Duration::from_secs(3_600);

pub(crate) fn v4() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

pub(crate) fn v6() -> SocketAddr {
    "[::1]:0".parse().unwrap()
}

/// Whether this machine has an IPv6 loopback; says so if not.
pub(crate) fn has_v6(test: &str) -> bool {
    let has = StdListener::bind(v6()).is_ok();
    if !has {
        eprintln!("{test}: skipped, there is no IPv6 here");
    }
    has
}

/// A listener of std whose connections need not be accepted to be made.
pub(crate) fn answering(addr: SocketAddr) -> (StdListener, SocketAddr) {
    let listener = StdListener::bind(addr).unwrap();
    let addr = listener.local_addr().unwrap();
    (listener, addr)
}

/// An address that refuses; it is ours as long as the socket lives.
pub(crate) fn refusing(addr: SocketAddr) -> (Socket, SocketAddr) {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, None).unwrap();
    socket.bind(&addr.into()).unwrap();
    let addr = socket.local_addr().unwrap().as_socket().unwrap();
    (socket, addr)
}

/// An address that does not answer: a listener with a full queue.
#[derive(Debug)]
pub(crate) struct Silent {
    listener: Socket,
    pub(crate) addr: SocketAddr,
    queued: Vec<StdStream>,
}

impl Silent {
    pub(crate) fn new(addr: SocketAddr) -> Self {
        let (listener, addr) = refusing(addr);
        listener.listen(0).unwrap();
        let mut queued = Vec::new();
        // The system drops what comes when the queue is full.
        while let Ok(stream) = StdStream::connect_timeout(&addr, Duration::from_millis(50)) {
            queued.push(stream);
            assert!(queued.len() < 10, "the queue never gets full");
        }
        Self {
            listener,
            addr,
            queued,
        }
    }

    /// Makes room in the queue: who still tries is answered.
    pub(crate) fn answer(&self) {
        for _ in &self.queued {
            drop(self.listener.accept().unwrap());
        }
    }
}

/// When and in which order attempts began, and how many sockets there were then.
#[derive(Debug, Clone, Default)]
pub(crate) struct Begun(Arc<Mutex<Vec<Beginning>>>);

#[derive(Debug, Clone, Copy)]
pub(crate) struct Beginning {
    pub(crate) addr: SocketAddr,
    pub(crate) at: Instant,
    /// Attempts that are still running.
    pub(crate) others: u64,
}

impl Begun {
    /// A connector without limits that records its attempts. Nothing but connections may be registered.
    pub(crate) fn connector(handle: &Handle) -> (Connector, Self) {
        let begun = Self::default();
        let record = begun.clone();
        let connector = Connector::new(handle)
            .lookup_limit(NEVER)
            .attempt_limit(NEVER)
            .limit(NEVER)
            .attempt_with(move |addr, handle| {
                record.0.lock().unwrap().push(Beginning {
                    addr: *addr,
                    at: Instant::now(),
                    others: handle.metrics().registered,
                });
                TcpStream::connect(addr, handle)
            });
        (connector, begun)
    }

    pub(crate) fn all(&self) -> Vec<Beginning> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn addrs(&self) -> Vec<SocketAddr> {
        self.all().iter().map(|beginning| beginning.addr).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

/// Answers every host with the same addresses, at once.
#[derive(Debug, Clone)]
pub(crate) struct Always(pub(crate) Vec<SocketAddr>);

impl Resolve for Always {
    fn resolve(&self, _host: &str) -> Resolving {
        let addrs = self.0.clone();
        Box::pin(async move { Ok(addrs) })
    }
}

/// A resolver that is a function.
pub(crate) struct Scripted<F>(pub(crate) F);

impl<F, R> Resolve for Scripted<F>
where
    F: Fn(&str) -> R + Send + Sync,
    R: Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'static,
{
    fn resolve(&self, host: &str) -> Resolving {
        Box::pin((self.0)(host))
    }
}

/// A door that threads wait at.
#[derive(Debug, Default)]
pub(crate) struct Door {
    state: Mutex<DoorState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct DoorState {
    open: bool,
    came: usize,
    inside: usize,
    most_inside: usize,
}

impl Door {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Waits until the door is open.
    pub(crate) fn pass(&self) {
        let mut state = self.state.lock().unwrap();
        state.came += 1;
        state.inside += 1;
        state.most_inside = state.most_inside.max(state.inside);
        self.changed.notify_all();
        let mut state = (self.changed)
            .wait_while(state, |state| !state.open)
            .unwrap();
        state.inside -= 1;
    }

    pub(crate) fn open(&self) {
        self.state.lock().unwrap().open = true;
        self.changed.notify_all();
    }

    /// How many have come so far.
    pub(crate) fn came(&self) -> usize {
        self.state.lock().unwrap().came
    }

    /// How many there were at one time at most.
    pub(crate) fn most_inside(&self) -> usize {
        self.state.lock().unwrap().most_inside
    }

    /// Waits until so many have come.
    #[track_caller]
    pub(crate) fn wait_for(&self, came: usize) {
        let state = self.state.lock().unwrap();
        let (state, _) = (self.changed)
            .wait_timeout_while(state, HANG, |state| state.came < came)
            .unwrap();
        assert!(state.came >= came, "{} of {came} came", state.came);
    }
}
