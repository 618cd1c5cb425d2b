//! Bytes from socket to socket.
//!
//! ```text
//!     Relay ── Lane, a to b ──▶ Held ── Pipe (splice) or a lent buffer
//!        └──── Lane, b to a ──▶ Held
//! ```
//!
//! [`Relayed`] is what a lane asks of a socket, `lane.rs` how one way goes, [`Relay`] how two go together,
//! [`RelayOneWay`] one alone. The pipes and their pool are behind the wall, in `sys/splice.rs`.

mod future;
mod held;
mod lane;
mod limits;
mod one_way;
mod relay_error;
mod relayed;

pub(crate) use self::relayed::{Carries, relayed};
pub use self::{
    future::{Relay, relay},
    one_way::{RelayOneWay, relay_one_way},
    relay_error::RelayError,
    relayed::Relayed,
};
