//! UDP.
//!
//! ```text
//!   send, recv, …        one datagram                        send.rs, receive.rs
//!   send_msg, recv_msg   and what is beside it               messages.rs
//!   send_batch, …        many at a time                      batch.rs, recv_batch.rs
//!        │                                                   offload.rs: what the kernel may be asked for
//!        ▼
//!   sys/datagrams.rs, cmsg.rs, aside.rs     (or sys/plain_datagrams.rs)
//! ```

mod batch;
mod datagram;
mod datagrams;
mod ecn;
mod messages;
mod multicast;
mod offload;
mod options;
mod receive;
mod recv_batch;
mod recv_meta;
mod recv_options;
mod send;
mod sender;
mod socket;
mod transient;
mod transmit;

pub use datagrams::{Datagram, Datagrams};
pub use ecn::Ecn;
pub use recv_batch::RecvBatch;
pub use recv_meta::RecvMeta;
pub use sender::UdpSender;
pub use socket::UdpSocket;
pub use transient::is_transient;
pub use transmit::Transmit;

pub(crate) use transmit::Message;
