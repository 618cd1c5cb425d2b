//! Futures over [`AsyncRead`](crate::AsyncRead) and [`AsyncWrite`](crate::AsyncWrite).
//!
//! They are free functions: an `AsyncRead` bound brings `std::io::Read` with it, whose method
//! `read_exact` loses bytes on a `WouldBlock`, so ours cannot be methods of the same names.
//!
//! Each takes its objects by reference and works with unsized ones (`dyn AsyncRead`). Each yields to
//! other tasks after a documented amount of work; see [`task::budget`](crate::task::budget).

mod copy;
mod flush;
mod read;
mod read_exact;
mod shutdown;
mod write_all;

pub use copy::{Copy, copy};
pub use flush::{Flush, flush};
pub use read::{Read, read};
pub use read_exact::{ReadExact, read_exact};
pub use shutdown::{Shutdown, shutdown};
pub use write_all::{WriteAll, write_all};
