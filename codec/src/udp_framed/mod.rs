//! Frames in datagrams.

mod datagram;
mod error;
mod framed;
mod receive;
mod send_queue;

pub use error::DatagramError;
pub use framed::UdpFramed;
