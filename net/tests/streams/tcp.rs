//! Connections of TCP.

pub(crate) use std::net::TcpStream as StdStream;

pub(crate) use net::TcpStream as Stream;
use reactor::Handle;

pub(crate) use crate::common::{fill, pair, reset as break_off, std_pair};

#[path = "bytes.rs"]
mod bytes;
#[path = "end.rs"]
mod end;

pub(crate) fn pair_of_ours(handle: &Handle) -> (Stream, Stream) {
    let (one, two) = std_pair();
    let ours = |stream| Stream::from_std(stream, handle).unwrap();
    (ours(one), ours(two))
}
