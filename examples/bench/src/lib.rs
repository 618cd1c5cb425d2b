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
//! 1. `bin/bench-bare.rs`, `bin/bench-ours.rs`, `bin/bench-tokio.rs`, `bin/bench-smol.rs`, and for
//!    relays `bin/bench-splice.rs`: the contestants.
//! 2. `bin/bench/scenario/`: what is timed; one scenario, one file.
//! 3. `bin/bench/count/`: what is counted; one kind of count, one file.
//! 4. `bin/bench/generator.rs`, `bin/bench/server.rs`: the two ends of a measurement.

#![forbid(unsafe_code)]

mod announce;
mod listen;
mod sleeping;
mod work;

pub use announce::{Announcement, announce};
pub use listen::listen;
pub use sleeping::{CpuClock, Lateness, SHORT_SLEEP, long_sleeps, many_sleeps};
pub use work::Work;

/// Bytes of a message.
pub const MESSAGE: usize = 64;

/// Bytes of the length before a frame.
pub const HEAD: usize = size_of::<u32>();

/// What the frames of a server of frames may be long: many messages.
pub const LONGEST_FRAME: usize = 64 * 1024;

/// Bytes of the buffer that a server's connection, or a bare loop, reads into.
pub const BUFFER: usize = 4096;
