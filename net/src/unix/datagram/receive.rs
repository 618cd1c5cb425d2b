use std::{
    io,
    os::unix::net::SocketAddr,
    task::{Context, Poll},
};

use io_traits::task;

use super::UnixDatagram;
use crate::{FdBuffer, sys};

/// Receiving.
impl UnixDatagram {
    /// Receives a datagram, on the current task; returns its length, or that of the buffer if that is
    /// shorter, and who sent it.
    ///
    /// # Errors
    ///
    /// `WouldBlock` with the task scheduled; an error with the source
    /// [`NotInTask`](task::NotInTask) outside of a task; those of the system.
    pub fn recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        task::poll(|cx| self.poll_recv_from(cx, buf))
    }

    /// Receives a datagram; as [`recv_from`](Self::recv_from).
    ///
    /// # Errors
    ///
    /// Those of the system, but never `WouldBlock` nor `Interrupted`.
    pub fn poll_recv_from(
        &self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<(usize, SocketAddr)>> {
        self.io.poll_read_with(cx, |io| io.get_ref().recv_from(buf))
    }

    /// Receives a datagram if there is one, without a task; as [`recv_from`](Self::recv_from).
    ///
    /// # Errors
    ///
    /// `WouldBlock`, after which [`readable`](Self::readable) waits for what is new; those of the system.
    pub fn try_recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.io.try_read_with(|io| io.get_ref().recv_from(buf))
    }

    /// Receives a datagram without asking who sent it, on the current task; returns its length, or that
    /// of the buffer if that is shorter.
    ///
    /// # Errors
    ///
    /// As [`recv_from`](Self::recv_from).
    pub fn recv(&self, buf: &mut [u8]) -> io::Result<usize> {
        task::poll(|cx| self.poll_recv(cx, buf))
    }

    /// Receives a datagram without asking who sent it; as [`recv`](Self::recv).
    ///
    /// # Errors
    ///
    /// Those of the system, but never `WouldBlock` nor `Interrupted`.
    pub fn poll_recv(&self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        self.io.poll_read_with(cx, |io| io.get_ref().recv(buf))
    }

    /// Receives a datagram if there is one, without a task; as [`recv`](Self::recv).
    ///
    /// # Errors
    ///
    /// As [`try_recv_from`](Self::try_recv_from).
    pub fn try_recv(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.io.try_read_with(|io| io.get_ref().recv(buf))
    }

    /// Looks at the next datagram without taking it away, on the current task; returns its length, or
    /// that of the buffer if that is shorter.
    ///
    /// # Errors
    ///
    /// As [`recv_from`](Self::recv_from).
    pub fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        task::poll(|cx| self.poll_peek(cx, buf))
    }

    /// Looks at the next datagram without taking it away; as [`peek`](Self::peek).
    ///
    /// # Errors
    ///
    /// Those of the system, but never `WouldBlock` nor `Interrupted`.
    pub fn poll_peek(&self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        self.io.poll_read_with(cx, |io| sys::peek(io, buf))
    }

    /// Looks at the next datagram if there is one, without a task; as [`peek`](Self::peek).
    ///
    /// # Errors
    ///
    /// As [`try_recv_from`](Self::try_recv_from).
    pub fn try_peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.io.try_read_with(|io| sys::peek(io, buf))
    }

    /// Receives a datagram and the descriptors that came with it, on the current task.
    ///
    /// # Errors
    ///
    /// As [`recv_from`](Self::recv_from).
    pub fn recv_with_fds(&self, buf: &mut [u8], fds: &mut FdBuffer) -> io::Result<usize> {
        task::poll(|cx| self.poll_recv_with_fds(cx, buf, fds))
    }

    /// Receives a datagram and the descriptors that came with it.
    ///
    /// # Errors
    ///
    /// Those of the system, but never `WouldBlock` nor `Interrupted`.
    pub fn poll_recv_with_fds(
        &self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
        fds: &mut FdBuffer,
    ) -> Poll<io::Result<usize>> {
        self.io
            .poll_read_with(cx, |io| Ok(fds.recv(io, buf)?.bytes))
    }
}
