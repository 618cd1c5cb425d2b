//! Two copies, one each way, that end together.

mod carried;
mod future;
mod idle;
mod linger;
mod watch;
mod way;

pub use carried::Carried;
pub use future::{CopyBidirectional, copy_bidirectional};
pub use idle::Idle;
pub use linger::Linger;
pub use watch::Watch;
pub use way::Way;
