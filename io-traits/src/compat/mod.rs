//! Adapters between the traits of this crate and those of others, both ways.
//!
//! | feature | ours for others | others for us |
//! |---|---|---|
//! | `futures-io` | `ToFuturesIo` | `FromFuturesIo` |
//! | `tokio` | `ToTokio` | `FromTokio` |
//! | `hyper` | `ToHyper` | `FromHyper` |
//!
//! There is no buffer in between, so nothing can be lost at the border: `into_inner` gives the object
//! back at any time. Memory is filled in place, and where the other trait allows for it without being
//! zeroed first.
//!
//! Those other traits remember one task for each direction. The adapters for us remember all that wait,
//! as the laws ask for, and show the object inside one waker for each direction.

mod fan;
#[cfg(feature = "futures-io")]
mod from_futures_io;
#[cfg(feature = "hyper")]
mod from_hyper;
#[cfg(feature = "tokio")]
mod from_tokio;
#[cfg(feature = "futures-io")]
mod to_futures_io;
#[cfg(feature = "hyper")]
mod to_hyper;
#[cfg(feature = "tokio")]
mod to_tokio;

#[cfg(feature = "futures-io")]
pub use self::{from_futures_io::FromFuturesIo, to_futures_io::ToFuturesIo};
#[cfg(feature = "hyper")]
pub use self::{from_hyper::FromHyper, to_hyper::ToHyper};
#[cfg(feature = "tokio")]
pub use self::{from_tokio::FromTokio, to_tokio::ToTokio};
