//! Time, through the [`Handle`](crate::Handle): nothing fires early, and no duration is too long.
//!
//! ```text
//!   Sleep ── polled in a task of the loop ──▶ OwnTimers ────┐
//!     │                                                     ├─ Timers ─┬─ Table: who waits
//!     └───── polled anywhere else ──────────▶ SharedTimers ─┘          └─ Wheel, twice: when
//! ```

mod alarm;
mod chunks;
mod deadline;
mod interval;
mod length;
mod own_timers;
mod place;
mod shared_timers;
mod sleep;
mod table;
mod timeout;
mod timers;
mod waiter;
mod wheel;

pub use interval::{Interval, LateTicks};
pub use sleep::Sleep;
pub use timeout::{Elapsed, Timeout};

pub(crate) use alarm::Alarm;
pub(crate) use deadline::Deadline;
pub(crate) use length::Length;
pub(crate) use own_timers::OwnTimers;
pub(crate) use shared_timers::SharedTimers;
#[cfg(all(test, loom))]
pub(crate) use timers::Next;
pub(crate) use timers::{share, sooner};
use waiter::Waiter;
