//! What the two processes of the crowd agree on.
#![allow(dead_code, unused_imports, reason = "each test file uses some of it")]

mod clients;
mod process;

pub(crate) use clients::Clients;
pub(crate) use process::Process;
use rustix::process::{Resource, getrlimit, setrlimit};

/// Spread over the whole crowd.
pub(crate) fn active_of(crowd: usize) -> impl Iterator<Item = usize> + Clone {
    (0..ACTIVE).map(move |number| number * (crowd / ACTIVE))
}

/// Raises the limit of descriptors as far as it goes, and says how many idle connections that allows.
pub(crate) fn allowed() -> usize {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
    let limit = limit.maximum.map_or(usize::MAX, |limit| limit as usize);
    let idle = IDLE.min(limit.saturating_sub(ACTIVE + OTHERS));
    if idle < IDLE {
        eprintln!("only {idle} idle connections: no more than {limit} descriptors are allowed");
    }
    idle
}

/// Connections beside the active ones, if the limit of descriptors is not too low.
const IDLE: usize = 10_000;
pub(crate) const ACTIVE: usize = 100;
/// What else has a descriptor.
const OTHERS: usize = 100;

/// Messages of an active connection.
pub(crate) const ROUNDS: usize = 50;
/// Bytes of one.
pub(crate) const MESSAGE: usize = 64;

/// Tells the clients to send on all active connections.
pub(crate) const ECHO: u8 = b'e';
/// On one, whose number follows in three bytes.
pub(crate) const ONE: u8 = b'1';
