use std::{
    io,
    os::{fd::BorrowedFd, unix::net::SocketAddr},
    task::{Context, Poll},
};

use io_traits::task;

use super::UnixDatagram;
use crate::sys;

/// Sending.
impl UnixDatagram {
    /// Sends a datagram to the socket that this one is connected to, on the current task; returns its
    /// length.
    ///
    /// # Errors
    ///
    /// `WouldBlock` with the task scheduled, if the peer's queue is full; an error with the source
    /// [`NotInTask`](task::NotInTask) outside of a task;
    /// [`ConnectionRefused`](io::ErrorKind::ConnectionRefused) if the peer has gone; others of the system.
    pub fn send(&self, buf: &[u8]) -> io::Result<usize> {
        task::poll(|cx| self.poll_send(cx, buf))
    }

    /// Sends a datagram to the socket that this one is connected to; as [`send`](Self::send).
    ///
    /// # Errors
    ///
    /// Those of the system, but never `WouldBlock` nor `Interrupted`.
    pub fn poll_send(&self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.io.poll_write_with(cx, |io| io.get_ref().send(buf))
    }

    /// Sends a datagram if there is room, without a task; as [`send`](Self::send).
    ///
    /// # Errors
    ///
    /// `WouldBlock`, after which [`writable`](Self::writable) waits for what is new; those of the system.
    pub fn try_send(&self, buf: &[u8]) -> io::Result<usize> {
        self.io.try_write_with(|io| io.get_ref().send(buf))
    }

    /// Sends a datagram to an address, on the current task; returns its length.
    ///
    /// If the queue of the receiver is full, it tries again every few milliseconds: the system tells
    /// when there is room in the queue of a connected peer, but not in that of another socket. Who sends
    /// much to one address is better [connected](Self::connect).
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send); [`NotFound`](io::ErrorKind::NotFound) and
    /// [`ConnectionRefused`](io::ErrorKind::ConnectionRefused) if nobody is there.
    pub fn send_to(&self, buf: &[u8], target: &SocketAddr) -> io::Result<usize> {
        task::poll(|cx| self.poll_send_to(cx, buf, target))
    }

    /// Sends a datagram to an address; as [`send_to`](Self::send_to).
    ///
    /// # Errors
    ///
    /// Those of the system, but never `WouldBlock` nor `Interrupted`.
    pub fn poll_send_to(
        &self,
        cx: &mut Context<'_>,
        buf: &[u8],
        target: &SocketAddr,
    ) -> Poll<io::Result<usize>> {
        loop {
            match self.try_send_to(buf, target) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                result => return Poll::Ready(result),
            }
            // A try that fails makes Linux report that we can write, if we can: to wait for that would be a
            // busy loop. (sock_wfree and unix_write_space in the kernel.)
            if sys::is_writable(&self.io) {
                self.room.wait(cx.waker(), || self.io.handle());
                return Poll::Pending;
            }
            // Our own queue may be what is full; that is reported.
            match self.io.poll_write(cx) {
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    self.room.wait(cx.waker(), || self.io.handle());
                    return Poll::Pending;
                }
            }
        }
    }

    /// Sends a datagram to an address if there is room, without a task; as [`send_to`](Self::send_to).
    ///
    /// # Errors
    ///
    /// `WouldBlock`, of which [`writable`](Self::writable) knows nothing if it is the receiver's queue that
    /// is full; those of the system.
    pub fn try_send_to(&self, buf: &[u8], target: &SocketAddr) -> io::Result<usize> {
        self.io
            .try_write_with(|io| io.get_ref().send_to_addr(buf, target))
    }

    /// Sends a datagram and descriptors to the socket that this one is connected to, on the current task;
    /// returns the length of the datagram, which may be 0. The receiver gets duplicates.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send); [`InvalidInput`](io::ErrorKind::InvalidInput) for more than
    /// [`FdBuffer::MOST`](crate::FdBuffer::MOST) descriptors.
    pub fn send_with_fds(&self, buf: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<usize> {
        task::poll(|cx| self.poll_send_with_fds(cx, buf, fds))
    }

    /// Sends a datagram and descriptors; as [`send_with_fds`](Self::send_with_fds).
    ///
    /// # Errors
    ///
    /// As [`send_with_fds`](Self::send_with_fds), but never `WouldBlock` nor `Interrupted`.
    pub fn poll_send_with_fds(
        &self,
        cx: &mut Context<'_>,
        buf: &[u8],
        fds: &[BorrowedFd<'_>],
    ) -> Poll<io::Result<usize>> {
        self.io
            .poll_write_with(cx, |io| sys::send_with_fds(io, buf, fds))
    }
}
