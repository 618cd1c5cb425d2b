//! What has been read and not been decoded: when memory is taken for it and given back, and how much is
//! read at once.

mod again;
mod buffer;
mod expected;

pub(crate) use buffer::ReadBuffer;

/// No read is given less room, in bytes, unless the decoder knows that it needs less.
const LEAST_ROOM: usize = 4 * 1024;
