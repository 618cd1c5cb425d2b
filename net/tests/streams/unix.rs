//! Connections of Unix sockets.

pub(crate) use std::os::unix::net::UnixStream as StdStream;

pub(crate) use net::UnixStream as Stream;
use reactor::Handle;

use crate::common::HANG;
pub(crate) use crate::common::{fill_unix as fill, unix_streams as pair};

#[path = "bytes.rs"]
mod bytes;
#[path = "end.rs"]
mod end;

/// A connection of std, both ends blocking; reads of it fail instead of hanging.
pub(crate) fn std_pair() -> (StdStream, StdStream) {
    let (one, two) = StdStream::pair().unwrap();
    for stream in [&one, &two] {
        stream.set_read_timeout(Some(HANG)).unwrap();
        stream.set_write_timeout(Some(HANG)).unwrap();
    }
    (one, two)
}

pub(crate) fn pair_of_ours(handle: &Handle) -> (Stream, Stream) {
    Stream::pair(handle).unwrap()
}

/// Closes a connection with data unread, which is an error for the other end. Ours must have sent some.
pub(crate) fn break_off(stream: StdStream) {
    drop(stream);
}
