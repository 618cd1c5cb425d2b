use std::{
    io,
    task::{Context, Poll},
};

use io_traits::task;
use reactor::Progress;

use super::UdpSocket;
use crate::{RecvBatch, Transmit, sys};

/// Many datagrams at a time.
impl UdpSocket {
    /// Receives as many messages as there are, and room in `batch`, in one system call (recvmmsg(2), on
    /// Linux) and on the current task; returns how many.
    ///
    /// What was in `batch` is gone. On systems without such a call it is one message.
    ///
    /// # Errors
    ///
    /// `WouldBlock` with the task scheduled; an error with the source
    /// [`NotInTask`](task::NotInTask) outside of a task; those of the system.
    pub fn recv_batch(&self, batch: &mut RecvBatch) -> io::Result<usize> {
        task::poll(|cx| self.poll_recv_batch(cx, batch))
    }

    /// Receives as many messages as there are; as [`recv_batch`](Self::recv_batch).
    ///
    /// # Errors
    ///
    /// Those of the system, but never `WouldBlock` nor `Interrupted`.
    pub fn poll_recv_batch(
        &self,
        cx: &mut Context<'_>,
        batch: &mut RecvBatch,
    ) -> Poll<io::Result<usize>> {
        self.io.poll_read_draining(cx, |io| {
            let (value, drained) = receive(io, batch)?;
            Ok(Progress { value, drained })
        })
    }

    /// Receives as many messages as there are, without a task; as [`recv_batch`](Self::recv_batch).
    ///
    /// # Errors
    ///
    /// `WouldBlock`, after which [`readable`](Self::readable) waits for what is new; those of the system.
    pub fn try_recv_batch(&self, batch: &mut RecvBatch) -> io::Result<usize> {
        self.io.try_read_with(|io| Ok(receive(io, batch)?.0))
    }

    /// Sends as many of the transmits as one system call takes (sendmmsg(2), on Linux), on the current task;
    /// returns how many, from the first on. That is at least one, if there are any.
    ///
    /// They may go to different places. What is sent leaves the transmit, also when only some of its
    /// datagrams are sent, so a loop over `&mut batch[sent..]` sends everything, and nothing twice. After
    /// an error the first transmit is the one to blame, and may be left out:
    ///
    /// ```
    /// # use std::io;
    /// # use net::{Transmit, UdpSocket, io_traits::task, is_transient};
    /// async fn send_all(socket: &UdpSocket, mut batch: &mut [Transmit<'_>]) -> io::Result<()> {
    ///     while !batch.is_empty() {
    ///         let sent = match task::io(|| socket.send_batch(batch)).await {
    ///             Err(error) if is_transient(&error) => 1,
    ///             result => result?,
    ///         };
    ///         batch = &mut batch[sent..];
    ///     }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// An error that an earlier datagram has caused (see [`UdpSocket`]) ends a batch that it comes up in the
    /// middle of, and is lost: Linux keeps such an error when receiving, but not when sending. That of the
    /// last datagram stays. So a loop such as this one sends everything, and whoever sends or receives
    /// next hears that nobody was there.
    ///
    /// # Errors
    ///
    /// `WouldBlock` with the task scheduled; an error with the source
    /// [`NotInTask`](task::NotInTask) outside of a task; those of the system, of the first transmit.
    pub fn send_batch(&self, batch: &mut [Transmit<'_>]) -> io::Result<usize> {
        task::poll(|cx| self.poll_send_batch(cx, batch))
    }

    /// Sends as many of the transmits as one system call takes; as [`send_batch`](Self::send_batch).
    ///
    /// # Errors
    ///
    /// Those of the system, of the first transmit, but never `WouldBlock` nor `Interrupted`.
    pub fn poll_send_batch(
        &self,
        cx: &mut Context<'_>,
        batch: &mut [Transmit<'_>],
    ) -> Poll<io::Result<usize>> {
        self.io
            .poll_write_with(cx, |io| self.offload.send(io, batch))
    }

    /// Sends as many of the transmits as one system call takes, without a task; as
    /// [`send_batch`](Self::send_batch).
    ///
    /// # Errors
    ///
    /// `WouldBlock`, after which [`writable`](Self::writable) waits for what is new; those of the system,
    /// of the first transmit.
    pub fn try_send_batch(&self, batch: &mut [Transmit<'_>]) -> io::Result<usize> {
        self.io.try_write_with(|io| self.offload.send(io, batch))
    }

    /// How many datagrams of one transmit the kernel takes apart by itself, as far as is known: 1 where it
    /// cannot, or has refused to. Transmits of more are fine, too.
    pub fn max_segments(&self) -> usize {
        self.offload.max_segments(self.io.get_ref())
    }

    /// Lets the kernel take transmits apart (GSO), which is the default, or not. Switching it on again
    /// forgets that it has refused to.
    pub fn set_gso(&self, on: bool) {
        self.offload.set_segments(on);
    }
}

fn receive<S: sys::Socket>(socket: &S, batch: &mut RecvBatch) -> io::Result<(usize, bool)> {
    let (bufs, metas) = batch.room();
    let received = sys::recv_messages(socket, bufs, metas)?;
    batch.fill(received.0);
    Ok(received)
}
