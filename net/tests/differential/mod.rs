//! One script of operations, played on our `TcpStream`, on tokio's and on std's blocking one.
//!
//! ```text
//!              ┌─▶ Ours ─────┐  near    far
//!   Script ────┼─▶ Tokios ───┼─ stream ══ std socket ─▶ Transcript ×3 ─▶ disagreement
//!     seed     └─▶ Blocking ─┘        lock step
//! ```
//!
//! The kernel leaves open when something arrives, and so how much a read gets. The script takes that
//! away: [`State`] says for each step what has to be under way or over after it, and the player waits
//! until the sockets show it. Then every count and every error kind is the kernel's only answer, and
//! three implementations that ask it the same must hear the same.
//!
//! Where they differ by design, the script does not go, or the player says so at the place:
//!
//! * an empty buffer: ours is done at once; the others ask the kernel, which waits, or tells an error;
//! * the asynchronous half-close of a dead connection: fine for ours and tokio, `NotConnected` for std;
//! * a read that waits: the kernel may wake it with a part. The rest is read before anything is compared.
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
