//! `AsyncRead` and `AsyncWrite` for what std offers.

mod deref;
mod memory;
mod std_io;
