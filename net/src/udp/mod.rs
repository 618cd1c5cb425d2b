//! UDP.

mod datagram;
mod options;
mod receive;
mod send;
mod socket;

pub use socket::UdpSocket;
