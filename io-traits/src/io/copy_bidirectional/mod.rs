//! Two copies, one each way, that end together.

mod carried;
mod future;
mod watch;
mod way;

pub use carried::Carried;
pub use future::{CopyBidirectional, copy_bidirectional};
pub use watch::Watch;
pub use way::Way;
