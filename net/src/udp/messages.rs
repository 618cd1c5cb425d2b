use std::{
    io::{self, IoSliceMut},
    task::{Context, Poll},
};

use io_traits::task;
use reactor::Progress;

use super::UdpSocket;
use crate::{RecvMeta, Transmit, sys};

/// Messages: datagrams with what is beside them.
impl UdpSocket {
    /// Receives a datagram with all that is known of it, on the current task; with
    /// [GRO](Self::set_gro) it may be several.
    ///
    /// # Errors
    ///
    /// `WouldBlock` with the task scheduled; an error with the source
    /// [`NotInTask`](task::NotInTask) outside of a task; those of the system.
    pub fn recv_msg(&self, buf: &mut [u8]) -> io::Result<RecvMeta> {
        task::poll(|cx| self.poll_recv_msg(cx, buf))
    }

    /// Receives a datagram with all that is known of it; as [`recv_msg`](Self::recv_msg).
    ///
    /// # Errors
    ///
    /// Those of the system, but never `WouldBlock` nor `Interrupted`.
    pub fn poll_recv_msg(
        &self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<RecvMeta>> {
        self.io.poll_read_with(cx, |io| sys::recv_message(io, buf))
    }

    /// Receives a datagram with all that is known of it if there is one, without a task; as
    /// [`recv_msg`](Self::recv_msg).
    ///
    /// # Errors
    ///
    /// `WouldBlock`, after which [`readable`](Self::readable) waits for what is new; those of the system.
    pub fn try_recv_msg(&self, buf: &mut [u8]) -> io::Result<RecvMeta> {
        self.io.try_read_with(|io| sys::recv_message(io, buf))
    }

    /// Receives as many messages as there are, buffers, and `metas`, but no more than 64, in one system
    /// call and on the current task; returns how many.
    ///
    /// For those who own buffers already; [`recv_batch`](Self::recv_batch) is simpler.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) for no buffers. Otherwise as
    /// [`recv_msg`](Self::recv_msg).
    pub fn recv_msgs(
        &self,
        bufs: &mut [IoSliceMut<'_>],
        metas: &mut [RecvMeta],
    ) -> io::Result<usize> {
        task::poll(|cx| self.poll_recv_msgs(cx, bufs, metas))
    }

    /// Receives several messages; as [`recv_msgs`](Self::recv_msgs).
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) for no buffers. Otherwise as
    /// [`poll_recv_msg`](Self::poll_recv_msg).
    pub fn poll_recv_msgs(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        metas: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        if bufs.is_empty() || metas.is_empty() {
            return Poll::Ready(Err(no_room()));
        }
        self.io.poll_read_draining(cx, |io| {
            let bufs = bufs.iter_mut().map(|buf| &mut **buf);
            let (value, drained) = sys::recv_messages(io, bufs, metas)?;
            Ok(Progress { value, drained })
        })
    }

    /// Receives several messages if there are any, without a task; as [`recv_msgs`](Self::recv_msgs).
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) for no buffers. Otherwise as
    /// [`try_recv_msg`](Self::try_recv_msg).
    pub fn try_recv_msgs(
        &self,
        bufs: &mut [IoSliceMut<'_>],
        metas: &mut [RecvMeta],
    ) -> io::Result<usize> {
        if bufs.is_empty() || metas.is_empty() {
            return Err(no_room());
        }
        self.io.try_read_with(|io| {
            let bufs = bufs.iter_mut().map(|buf| &mut **buf);
            Ok(sys::recv_messages(io, bufs, metas)?.0)
        })
    }

    /// Sends a transmit, on the current task.
    ///
    /// It is all sent when this is `Ok`. Several datagrams may be sent in part before it says
    /// `WouldBlock`; calling it again with the same transmit sends the rest, and nothing twice.
    ///
    /// # Errors
    ///
    /// `WouldBlock` with the task scheduled; an error with the source
    /// [`NotInTask`](task::NotInTask) outside of a task; those of the system, of the first datagram that
    /// is left in the transmit.
    pub fn send_msg(&self, transmit: &mut Transmit<'_>) -> io::Result<()> {
        task::poll(|cx| self.poll_send_msg(cx, transmit))
    }

    /// Sends a transmit; as [`send_msg`](Self::send_msg).
    ///
    /// # Errors
    ///
    /// Those of the system, but never `WouldBlock` nor `Interrupted`.
    pub fn poll_send_msg(
        &self,
        cx: &mut Context<'_>,
        transmit: &mut Transmit<'_>,
    ) -> Poll<io::Result<()>> {
        self.poll_send_batch(cx, std::slice::from_mut(transmit))
            .map_ok(drop)
    }

    /// Sends a transmit if there is room, without a task; as [`send_msg`](Self::send_msg).
    ///
    /// # Errors
    ///
    /// `WouldBlock`, after which [`writable`](Self::writable) waits for what is new; those of the system.
    pub fn try_send_msg(&self, transmit: &mut Transmit<'_>) -> io::Result<()> {
        self.try_send_batch(std::slice::from_mut(transmit))
            .map(drop)
    }
}

fn no_room() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidInput,
        "there is no buffer to receive into",
    )
}
