//! Datagrams on this machine.
//!
//! `socket.rs` makes sockets, `receive.rs` and `send.rs` are what they are for, `async_datagram.rs` the same
//! as the trait of datagrams has it. `room.rs` is for those who send to a queue that is full.

mod async_datagram;
mod receive;
mod room;
mod send;
mod socket;

pub use socket::UnixDatagram;
