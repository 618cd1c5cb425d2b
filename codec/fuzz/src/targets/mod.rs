//! What is fuzzed; one target, one file.

pub(crate) mod any_delimiter;
pub(crate) mod bytes;
pub(crate) mod chunked;
pub(crate) mod framed;
pub(crate) mod length_delimited;
pub(crate) mod lines;
pub(crate) mod resp;
pub(crate) mod round_trip;
pub(crate) mod varint_delimited;
