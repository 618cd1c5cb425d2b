//! Frames in datagrams.

mod error;
mod framed;
mod receive;
mod send_queue;

pub use error::DatagramError;
pub use framed::UdpFramed;
