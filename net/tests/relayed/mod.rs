//! What the tests of relays share: two sockets of ours with a peer of std's at each.
#![allow(dead_code, reason = "each test file uses some of it")]

use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpStream as StdStream},
    os::unix::net::UnixStream as StdUnix,
    thread,
};

use net::{Relayed, TcpStream, UnixStream, relay};
use reactor::{Core, Handle};

use crate::common::{HANG, Random, pair, run, unix_streams};

/// A kind of connection.
pub(crate) trait Kind {
    type Ours: Relayed + 'static;
    type Peer: Peer;

    fn connection(handle: &Handle) -> (Self::Ours, Self::Peer);
}

#[derive(Debug)]
pub(crate) struct Tcp;
#[derive(Debug)]
pub(crate) struct Unix;

impl Kind for Tcp {
    type Ours = TcpStream;
    type Peer = StdStream;

    fn connection(handle: &Handle) -> (TcpStream, StdStream) {
        pair(handle)
    }
}

impl Kind for Unix {
    type Ours = UnixStream;
    type Peer = StdUnix;

    fn connection(handle: &Handle) -> (UnixStream, StdUnix) {
        unix_streams(handle)
    }
}

/// A blocking socket at the far end.
pub(crate) trait Peer: Read + Write + Send + 'static {
    fn again(&self) -> Self;

    fn end(&self);
}

impl Peer for StdStream {
    fn again(&self) -> Self {
        let again = self.try_clone().unwrap();
        again.set_read_timeout(Some(HANG)).unwrap();
        again
    }

    fn end(&self) {
        self.shutdown(Shutdown::Write).unwrap();
    }
}

impl Peer for StdUnix {
    fn again(&self) -> Self {
        self.try_clone().unwrap()
    }

    fn end(&self) {
        self.shutdown(Shutdown::Write).unwrap();
    }
}

/// So many bytes that are all different from others' at the same place.
pub(crate) fn bytes(seed: u64, len: usize) -> Vec<u8> {
    let mut random = Random::new(seed);
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        bytes.extend_from_slice(&random.next().to_ne_bytes());
    }
    bytes.truncate(len);
    bytes
}

/// More than all buffers on the way together.
pub(crate) const MANY: usize = 20 << 20;

#[track_caller]
pub(crate) fn every_byte<A: Kind, B: Kind>() {
    let mut core = Core::new().unwrap();
    let (a, client) = A::connection(&core.handle());
    let (b, server) = B::connection(&core.handle());
    let (there, back) = (bytes(1, MANY), bytes(2, MANY - 4_321));
    let sending = [sends(&client, there.clone()), sends(&server, back.clone())];
    let (heard_there, heard_back) = (hears(&server), hears(&client));
    let carried = run(&mut core, relay(&a, &b)).unwrap();
    assert_eq!(carried.a_to_b, there.len() as u64);
    assert_eq!(carried.b_to_a, back.len() as u64);
    assert!(!carried.stopped);
    sending.into_iter().for_each(|one| one.join().unwrap());
    assert!(heard_there.join().unwrap().unwrap() == there);
    assert!(heard_back.join().unwrap().unwrap() == back);
}

/// Sends `bytes` and the end in the background.
pub(crate) fn sends(peer: &impl Peer, bytes: Vec<u8>) -> thread::JoinHandle<()> {
    let mut peer = peer.again();
    thread::spawn(move || {
        peer.write_all(&bytes).unwrap();
        peer.end();
    })
}

/// Reads to the end in the background.
pub(crate) fn hears(peer: &impl Peer) -> thread::JoinHandle<io::Result<Vec<u8>>> {
    let mut peer = peer.again();
    thread::spawn(move || {
        let mut heard = Vec::new();
        peer.read_to_end(&mut heard).map(|_| heard)
    })
}
