//! Lines of text.

mod codec;
mod error;

pub use codec::LinesCodec;
pub use error::LinesError;
