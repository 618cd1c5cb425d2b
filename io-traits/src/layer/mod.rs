//! Protocol libraries written for blocking sockets, on the event loop.
//!
//! A library that speaks a protocol over anything that is `Read + Write`, and that tolerates a
//! `WouldBlock` in between, runs here as it is: give it a socket of `net` (or any object that keeps the
//! two promises of this crate), and call it with the task as the current one. [`Layer`] does the calling,
//! and knows the four things that are easily forgotten:
//!
//! * what the library has written into its own buffers is flushed before the task parks;
//! * a `write` that takes nothing because those buffers are full is a "would block", not an end;
//! * a `WouldBlock` that waits for nothing is an error after a while, not a spin ([`Stalled`]);
//! * an error of the library's own may have the `WouldBlock` behind it.
//!
//! [`handshake()`] drives those libraries that give back a half-made object when they would block.
//!
//! [`Stalled`]: crate::task::Stalled

mod handshake;
mod layered;
mod with;

pub use handshake::{Handshake, Step, handshake};
pub use layered::Layer;
pub use with::With;
