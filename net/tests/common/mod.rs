//! What the tests of this crate share: connections, and what `reactor`'s tests have.
#![allow(dead_code, unused_imports, reason = "each test file uses some of it")]

#[path = "../../../reactor/tests/common/mod.rs"]
mod of_reactor;

use std::{
    io::{ErrorKind, Write},
    net::{SocketAddr, TcpListener as StdListener, TcpStream as StdStream},
    os::fd::AsFd,
    task::Waker,
};

use io_traits::task;
use net::{TcpListener, TcpStream};
pub(crate) use of_reactor::*;
use reactor::Handle;

pub(crate) fn any_port() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

/// A connection of std, both ends blocking; reads of it fail instead of hanging.
pub(crate) fn std_pair() -> (StdStream, StdStream) {
    let listener = StdListener::bind(any_port()).unwrap();
    let one = StdStream::connect(listener.local_addr().unwrap()).unwrap();
    let two = listener.accept().unwrap().0;
    for stream in [&one, &two] {
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(HANG)).unwrap();
        stream.set_write_timeout(Some(HANG)).unwrap();
    }
    (one, two)
}

/// A connection with one end of ours, registered, and one of std.
pub(crate) fn pair(handle: &Handle) -> (TcpStream, StdStream) {
    let (ours, theirs) = std_pair();
    (TcpStream::from_std(ours, handle).unwrap(), theirs)
}

pub(crate) fn listen(handle: &Handle) -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind(&any_port(), handle).unwrap();
    let addr = listener.local_addr().unwrap();
    (listener, addr)
}

/// Writes until the socket is full and stays so; returns how many bytes that took.
pub(crate) fn fill(stream: &TcpStream) -> usize {
    let socket = socket2::SockRef::from(stream);
    let mut filled = 0;
    let mut full = false;
    loop {
        match socket.send(&[7; 65_536]) {
            Ok(n) => {
                filled += n;
                full = false;
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                if full {
                    break;
                }
                // What is under way to the peer's buffer makes room a moment later.
                full = !is_writable(stream.as_fd(), 20);
            }
            Err(error) => panic!("{error}"),
        }
    }
    // The stream is to know it, too.
    let mut stream = stream;
    let error = with_cx(Waker::noop(), |cx| {
        task::enter(cx, || stream.write(&[7; 65_536]))
    });
    assert_eq!(error.unwrap_err().kind(), ErrorKind::WouldBlock);
    filled
}

/// Closes a connection with a reset.
pub(crate) fn reset(stream: StdStream) {
    let stream = socket2::Socket::from(stream);
    stream.set_linger(Some(std::time::Duration::ZERO)).unwrap();
}
