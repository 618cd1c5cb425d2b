//! Connections of TCP.

use std::io;
pub(crate) use std::net::{SocketAddr as At, SocketAddr, TcpStream as StdStream};

pub(crate) use net::{TcpListener as Listener, TcpStream as Stream};
use reactor::Handle;

use crate::common::any_port;
pub(crate) use crate::common::{fill, pair, reset as break_off, std_pair};

#[path = "accept.rs"]
mod accept;
#[path = "bytes.rs"]
mod bytes;
#[path = "end.rs"]
mod end;
#[path = "laws.rs"]
mod laws;
#[path = "wakeups.rs"]
mod wakeups;

pub(crate) fn try_pair_of_ours(handle: &Handle) -> io::Result<(Stream, Stream)> {
    let (one, two) = std_pair();
    let ours = |stream| Stream::from_std(stream, handle);
    Ok((ours(one)?, ours(two)?))
}

pub(crate) fn pair_of_ours(handle: &Handle) -> (Stream, Stream) {
    try_pair_of_ours(handle).unwrap()
}

pub(crate) fn try_listen(handle: &Handle) -> io::Result<(Listener, At)> {
    let listener = Listener::bind(&any_port(), handle)?;
    let at = listener.local_addr()?;
    Ok((listener, at))
}

pub(crate) fn listen(handle: &Handle) -> (Listener, At) {
    try_listen(handle).unwrap()
}

/// A listener of std, blocking.
pub(crate) fn listen_std() -> (std::net::TcpListener, At) {
    let listener = std::net::TcpListener::bind(any_port()).unwrap();
    let at = listener.local_addr().unwrap();
    (listener, at)
}

pub(crate) async fn connect(at: &At, handle: &Handle) -> io::Result<Stream> {
    Stream::connect(at, handle).await
}

pub(crate) fn connect_std(at: &At) -> StdStream {
    StdStream::connect(at).unwrap()
}

/// An accept has said that it is this peer's.
#[track_caller]
pub(crate) fn assert_is_from(from: &SocketAddr, peer: &StdStream) {
    assert_eq!(*from, peer.local_addr().unwrap());
}

#[track_caller]
pub(crate) fn assert_listens_at(listener: &Listener, at: &At) {
    assert_eq!(listener.local_addr().unwrap(), *at);
}
