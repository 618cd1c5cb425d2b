//! Frames that say how long they are.

mod build_error;
mod builder;
mod codec;
mod error;
mod layout;
mod span;

pub use build_error::LengthDelimitedBuildError;
pub use builder::LengthDelimitedBuilder;
pub use codec::LengthDelimitedCodec;
pub use error::LengthDelimitedError;
