//! Relays: bytes from socket to socket.

#[path = "../common/mod.rs"]
mod common;
#[path = "../relayed/mod.rs"]
mod relayed;

mod bytes;
mod ends;
mod held;
mod refused;
