//! The programs side by side with their peers.
//!
//! ```text
//!   bench (CPU 1): one scenario, one contestant, one round ──starts──▶ bench-ours, bench-tokio, … (CPU 0)
//!     │   generator: a closed loop of 64-byte messages ◀────sockets────▶  │
//!     └── reads the server's CPU time, memory, instructions, syscalls ────┘
//! ```
//!
//! `make bench` compares CPU time and memory, `make count` counts exactly. This library is what the
//! servers and the driver agree on; all servers are set up alike, so that only their loops differ.
//!
//! # Reading order
//!
//! 1. `bin/bench-bare.rs`, `bin/bench-ours.rs`, `bin/bench-tokio.rs`, `bin/bench-smol.rs`, for relays
//!    `bin/bench-splice.rs`, for datagrams `bin/bench-bare-udp.rs`, `bin/bench-ours-udp.rs` and
//!    `bin/bench-tokio-udp.rs`: the contestants.
//! 2. `bin/bench/scenario/`: what is timed; one scenario, one file.
//! 3. `bin/bench/count/`: what is counted; one kind of count, one file.
//! 4. `bin/bench/generator.rs`, `bin/bench/server.rs`: the two ends of a measurement.

#![forbid(unsafe_code)]

use std::time::Duration;

mod announce;
mod congestion;
mod datagrams;
mod listen;
mod sleeping;
mod udp;
mod work;

pub use announce::{Announcement, announce};
pub use congestion::Congestion;
pub use datagrams::{Datagrams, Sending};
pub use listen::listen;
pub use sleeping::{CpuClock, Lateness, SHORT_SLEEP, long_sleeps, many_sleeps};
pub use udp::bind_udp;
pub use work::Work;

/// Bytes of a message.
pub const MESSAGE: usize = 64;

/// Bytes of the length before a frame.
pub const HEAD: usize = size_of::<u32>();

/// What the frames of a server of frames may be long: many messages.
pub const LONGEST_FRAME: usize = 64 * 1024;

/// For how long a loop that spins does so before it sleeps: longer than a client takes for its next message.
pub const SPIN: Duration = Duration::from_micros(200);

/// Bytes of the buffer that a server's connection, or a bare loop, reads into.
pub const BUFFER: usize = 4096;

/// The last byte of a datagram that a server of [`Work::UdpReceive`] answers.
pub const MARK: u8 = b'.';

/// Bytes of a datagram where their number is what counts, and not their bytes: what QUIC sends at first.
pub const PACKET: usize = 1200;

/// How many of those one message to the kernel takes, with GSO.
pub const SEGMENTS: usize = 65_507 / PACKET;
