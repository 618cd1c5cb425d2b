use std::{
    future::Future,
    io,
    net::{Shutdown, TcpListener, TcpStream},
    os::fd::BorrowedFd,
    pin::pin,
};

use futures::poll;

use super::step::Way;
use crate::common::any_port;

/// A connection, as one implementation offers it; each operation returns when it is done.
///
/// Where there is a `meanwhile`, the operation has to wait for it: it is called when the stream has
/// found that it must, or, where nobody can see that, at about that time.
pub(crate) trait Subject {
    fn name(&self) -> &'static str;

    fn socket(&self) -> BorrowedFd<'_>;

    fn read(&mut self, way: Way, room: usize, meanwhile: Meanwhile<'_>) -> io::Result<Vec<u8>>;

    fn peek(&mut self, room: usize, meanwhile: Meanwhile<'_>) -> io::Result<Vec<u8>>;

    fn read_exact(&mut self, len: usize, meanwhile: Meanwhile<'_>) -> io::Result<Vec<u8>>;

    /// What came before the end, or before the error, and which of them it was.
    fn read_to_end(&mut self, meanwhile: Meanwhile<'_>) -> (Vec<u8>, io::Result<()>);

    /// Begins to read, finds nothing, and is dropped. Where it cannot be dropped, it does not begin.
    fn give_up(&mut self, way: Way, room: usize);

    fn write(&mut self, way: Way, bytes: &[u8]) -> io::Result<usize>;

    fn write_all(&mut self, bytes: &[u8], meanwhile: Meanwhile<'_>) -> io::Result<()>;

    /// Writes all bytes and reads so many, at the same time.
    fn exchange(&mut self, bytes: &[u8], len: usize) -> io::Result<Vec<u8>>;

    fn shutdown(&mut self, how: Shutdown) -> io::Result<()>;

    /// The asynchronous half-close.
    fn end(&mut self) -> io::Result<()>;

    /// Lets the event loop see what there is to see.
    fn look(&mut self);
}

/// What happens while an operation waits.
pub(crate) type Meanwhile<'a> = Option<&'a mut (dyn FnMut() + Send)>;

/// Polls an operation; if something is to happen meanwhile, it must be waiting for it then.
pub(super) async fn after_waiting<F: Future>(operation: F, meanwhile: Meanwhile<'_>) -> F::Output {
    let mut operation = pin!(operation);
    if let Some(meanwhile) = meanwhile {
        assert!(
            poll!(operation.as_mut()).is_pending(),
            "it does not wait for what has not happened"
        );
        meanwhile();
    }
    operation.await
}

/// Polls an operation once, and drops it.
pub(super) async fn given_up(operation: impl Future) {
    let operation = pin!(operation);
    assert!(poll!(operation).is_pending(), "it has found something");
}

/// A connection of std.
pub(super) fn connection() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind(any_port()).unwrap();
    let connected = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (connected, listener.accept().unwrap().0)
}

/// Where a vectored operation goes from one slice to the next.
pub(super) fn cut(len: usize) -> usize {
    len / 3
}

/// There is nobody left to be told that a direction ends: for ours and for tokio's asynchronous half-close
/// that is no error, for the others it is.
pub(super) fn smoothed(ended: io::Result<()>) -> io::Result<()> {
    match ended {
        Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
        result => result,
    }
}
