//! What the tests of relays share: two sockets of ours with a peer of std's at each.
#![allow(dead_code, reason = "each test file uses some of it")]

use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpStream as StdStream},
    os::unix::net::UnixStream as StdUnix,
    thread,
};

use net::{Relayed, TcpStream, UnixStream};
use reactor::Handle;

use crate::common::{HANG, Random, pair, unix_streams};

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
