//! Two chapters to read, with nothing to call in them.
//!
//! * [`own_io_object`]: from a descriptor to an `AsyncRead`, and on from there.
//! * [`wakeup_semantics`]: when exactly a task is woken, and what can go wrong.

pub mod own_io_object;
pub mod wakeup_semantics;
