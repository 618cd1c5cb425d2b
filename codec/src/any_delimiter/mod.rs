//! Frames that end with one of a few bytes.

mod codec;
mod delimiters;
mod error;

pub use codec::AnyDelimiterCodec;
pub use error::AnyDelimiterError;
