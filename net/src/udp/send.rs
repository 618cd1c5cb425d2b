use std::{
    io,
    net::SocketAddr,
    task::{Context, Poll},
};

use io_traits::task;

use super::UdpSocket;

/// Sending.
impl UdpSocket {
    /// Sends a datagram to an address, on the current task; returns its length.
    ///
    /// A datagram that the system cannot send, as one that is too long (`EMSGSIZE`), is an error of that
    /// datagram; the next one may be fine.
    ///
    /// # Errors
    ///
    /// `WouldBlock` with the task scheduled; an error with the source
    /// [`NotInTask`](task::NotInTask) outside of a task; those of the system.
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
        self.io.poll_write_with(cx, |io| io.send_to(buf, *target))
    }

    /// Sends a datagram to an address if there is room, without a task; as
    /// [`send_to`](Self::send_to).
    ///
    /// # Errors
    ///
    /// `WouldBlock`, after which [`writable`](Self::writable) waits for what is new; those of the system.
    pub fn try_send_to(&self, buf: &[u8], target: &SocketAddr) -> io::Result<usize> {
        self.io.try_write_with(|io| io.send_to(buf, *target))
    }

    /// Sends a datagram to the address that the socket is [connected](Self::connect) to, on the current
    /// task; returns its length.
    ///
    /// A datagram that the system cannot send, as one that is too long (`EMSGSIZE`), is an error of that
    /// datagram; the next one may be fine.
    ///
    /// # Errors
    ///
    /// `WouldBlock` with the task scheduled; an error with the source
    /// [`NotInTask`](task::NotInTask) outside of a task; those of the system.
    pub fn send(&self, buf: &[u8]) -> io::Result<usize> {
        task::poll(|cx| self.poll_send(cx, buf))
    }

    /// Sends a datagram to the address that the socket is connected to; as [`send`](Self::send).
    ///
    /// # Errors
    ///
    /// Those of the system, but never `WouldBlock` nor `Interrupted`.
    pub fn poll_send(&self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.io.poll_write_with(cx, |io| io.send(buf))
    }

    /// Sends a datagram if there is room, without a task; as [`send`](Self::send).
    ///
    /// # Errors
    ///
    /// `WouldBlock`, after which [`writable`](Self::writable) waits for what is new; those of the system.
    pub fn try_send(&self, buf: &[u8]) -> io::Result<usize> {
        self.io.try_write_with(|io| io.send(buf))
    }
}
