//! Connections of Unix sockets.

use std::io;
pub(crate) use std::os::unix::net::{SocketAddr, UnixStream as StdStream};

pub(crate) use net::{UnixListener as Listener, UnixStream as Stream};
use reactor::Handle;

use crate::common::HANG;
pub(crate) use crate::common::{SocketPath as At, fill_unix as fill, unix_streams as pair};

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

/// A connection of std, both ends blocking; reads of it fail instead of hanging.
pub(crate) fn std_pair() -> (StdStream, StdStream) {
    let (one, two) = StdStream::pair().unwrap();
    for stream in [&one, &two] {
        stream.set_read_timeout(Some(HANG)).unwrap();
        stream.set_write_timeout(Some(HANG)).unwrap();
    }
    (one, two)
}

pub(crate) fn try_pair_of_ours(handle: &Handle) -> io::Result<(Stream, Stream)> {
    Stream::pair(handle)
}

/// Closes a connection with data unread, which is an error for the other end. Ours must have sent some.
pub(crate) fn break_off(stream: StdStream) {
    drop(stream);
}

pub(crate) fn pair_of_ours(handle: &Handle) -> (Stream, Stream) {
    try_pair_of_ours(handle).unwrap()
}

pub(crate) fn try_listen(handle: &Handle) -> io::Result<(Listener, At)> {
    let at = At::new();
    Ok((Listener::bind(&at, handle)?, at))
}

pub(crate) fn listen(handle: &Handle) -> (Listener, At) {
    try_listen(handle).unwrap()
}

/// A listener of std, blocking.
pub(crate) fn listen_std() -> (std::os::unix::net::UnixListener, At) {
    let at = At::new();
    let listener = std::os::unix::net::UnixListener::bind(&at).unwrap();
    (listener, at)
}

pub(crate) async fn connect(at: &At, handle: &Handle) -> io::Result<Stream> {
    Stream::connect(at, handle).await
}

pub(crate) fn connect_std(at: &At) -> StdStream {
    StdStream::connect(at).unwrap()
}

/// An accept has said that it is this peer's, which has no name: nobody has bound it to one.
#[track_caller]
pub(crate) fn assert_is_from(from: &SocketAddr, peer: &StdStream) {
    assert!(from.is_unnamed(), "{from:?}");
    assert!(peer.local_addr().unwrap().is_unnamed());
}

#[track_caller]
pub(crate) fn assert_listens_at(listener: &Listener, at: &At) {
    let addr = listener.local_addr().unwrap();
    assert_eq!(addr.as_pathname(), Some(at.as_ref()));
}
