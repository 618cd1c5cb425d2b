//! One server on many cores.
//!
//! ```text
//!   Spread::System                              Spread::HandOff
//!     core 0: listener ─▶ connections             accept: listener ─┬─▶ core 0: connections
//!     core 1: listener ─▶ connections                               └─▶ core 1: connections
//! ```
//!
//! [`CoresBuilder`] starts the threads, `worker.rs` is what each of them does, `acceptor.rs` who hands out
//! in the second picture, [`Cores`] what the caller keeps.

mod acceptor;
mod builder;
mod core_load;
mod cores_shutdown;
mod running;
mod spread;
mod starting;
mod worker;

pub use self::{
    builder::CoresBuilder, core_load::CoreLoad, cores_shutdown::CoresShutdown, running::Cores,
    spread::Spread, worker::OnCore,
};
