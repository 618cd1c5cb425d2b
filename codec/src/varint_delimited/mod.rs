//! Frames whose length is a number of as few bytes as it takes.

mod codec;
mod error;
mod varint;

pub use codec::VarintDelimitedCodec;
pub use error::VarintDelimitedError;
