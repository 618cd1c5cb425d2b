//! Time, through the [`Handle`](crate::Handle): nothing fires early, and no duration is too long.

mod interval;
mod sleep;
mod timeout;
pub(crate) mod wheel;

pub use interval::{Interval, LateTicks};
pub use sleep::Sleep;
pub use timeout::{Elapsed, Timeout};
