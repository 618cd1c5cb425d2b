//! One script of operations, played on our `TcpStream`, on tokio's and on std's blocking one.
//!
//! ```text
//!              ┌─▶ Ours, with its loop on this thread ─┐  near      far
//!   Script ────┼─▶ Ours, with its loop on another ─────┼─ stream ═══ std socket ──▶ Transcript ×4
//!     seed     ├─▶ Tokios ─────────────────────────────┤     lock step                  │
//!              └─▶ Blocking ───────────────────────────┘                           disagreement
//! ```
//!
//! The kernel leaves open when something arrives, and so how much a read gets. The script takes that
//! away: [`State`](state::State) says what has to have arrived after each step, and the player waits
//! until the sockets show it. Then every count and every kind of error is the kernel's only answer, and
//! implementations that ask it the same question must hear the same.
//!
//! Where they differ by design, the script does not go, or the player says so at the place:
//!
//! * An empty buffer: ours is done at once. The others ask the kernel, which waits, or tells an error.
//! * To end a direction of a dead connection is fine for ours, and for tokio's asynchronous half-close;
//!   std and the bare socket tell `NotConnected`.
//! * A read that has to wait may be woken by a part of what was written. It is followed by a read of
//!   the rest, and the two count as one.
//! * tokio has neither a vectored read of its own nor a shutdown of the reading side: `try_read_vectored`
//!   and the bare socket stand in.
//!
//! # Reading order
//!
//! `step.rs`, `state.rs`, `script.rs`; then `subject.rs` and who implements it (`ours.rs`, `tokios.rs`,
//! `blocking.rs`; `faulty.rs` must be found out); then `player.rs`, `far_end.rs` and `transcript.rs`.

mod blocking;
mod far_end;
mod faulty;
mod ours;
mod player;
mod script;
mod state;
mod step;
mod subject;
mod tokios;
mod transcript;

pub(crate) use blocking::Blocking;
pub(crate) use faulty::{Fault, Faulty};
pub(crate) use ours::Ours;
pub(crate) use player::play;
pub(crate) use script::Script;
pub(crate) use step::Step;
pub(crate) use tokios::Tokios;
pub(crate) use transcript::{Side, disagreement};
