//! Datagrams on this machine.
//!
//! `socket.rs` makes sockets, `receive.rs` and `send.rs` are what they are for, `datagram.rs` makes one of
//! them a datagram trait's. `room.rs` is for who sends to a queue that is full.

mod datagram;
mod receive;
mod room;
mod send;
mod socket;

pub use socket::UnixDatagram;
