//! Whether a reader or writer keeps the laws: a suite that implementers run on their own objects.
//!
//! It takes a factory for a connected pair, the object in question and a peer that keeps the laws itself:
//!
//! ```
//! use io_traits::{duplex, testing::conformance};
//!
//! // #[test]
//! fn keeps_the_laws() {
//!     conformance::stream(|| duplex(64)).run();
//! }
//! # keeps_the_laws();
//! ```
//!
//! An object with one direction goes to [`reader`] or [`writer`]. Objects of an event loop that has no
//! thread of its own need somebody who turns it while the suite waits:
//!
//! ```text
//! let handle = core.handle();
//! conformance::stream(|| pair_of_sockets(&handle))
//!     .drive(|time| core.turn(Some(time)).unwrap())
//!     .run();
//! ```
//!
//! A law that is broken is told with its name and a short story:
//!
//! ```text
//! broken: law 2, what would block registers the task
//!   - a read that waits is woken
//!   - poll_read_into, round 0, nothing is there
//!   - the peer sends 5 bytes
//!   - the task was not woken within 10s
//! ```
//!
//! What it finds most often in a first version: a wrapper that does not forward `poll_shutdown`, whose provided
//! form only flushes, so that the other end waits for an end that never comes; a `read` that answers data
//! outside of a task ([`task::poll`](crate::task::poll) is the one door); a count of tasks that is one.
//!
//! What it cannot see: a wake that is lost only in a race between threads, and an object that blocks the
//! thread for good (a watchdog then tells on the standard error where that was).

mod bench;
mod broken;
mod cancel_copies;
mod cancel_reads;
mod cancel_writes;
mod law;
mod message;
mod read_answers;
mod read_wakes;
mod reads;
mod streams;
mod suite;
mod watchdog;
mod write_answers;
mod write_wakes;
mod writes;

pub use self::{
    broken::Broken,
    law::Law,
    suite::{Suite, reader, stream, writer},
};
