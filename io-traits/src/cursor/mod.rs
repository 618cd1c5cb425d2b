//! Memory that a reader may fill and must not look into. One of the crate's two modules with unsafe code
//! of their own; the other is the slot of the current task.
#![allow(
    unsafe_code,
    reason = "reading into uninitialised memory is what it is for"
)]

mod memory;
mod read_cursor;

pub(crate) use memory::Memory;
pub use read_cursor::ReadCursor;
