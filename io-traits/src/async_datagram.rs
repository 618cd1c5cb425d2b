use std::{
    io,
    task::{Context, Poll},
};

use crate::ReadCursor;

/// A socket that sends and receives datagrams and never blocks.
///
/// What is generic over datagrams (a codec over UDP) asks for this, as what is generic over bytes asks
/// for [`AsyncRead`](crate::AsyncRead) and [`AsyncWrite`](crate::AsyncWrite). The sockets of `net` are such.
/// The trait is object safe for a given address type.
///
/// # Implementer notes
///
/// * A datagram is received and sent whole, in one call.
/// * One of 0 bytes is a datagram, not an end; there is no end.
/// * After `Pending` the task is woken when the operation may make progress.
pub trait AsyncDatagram {
    /// What names a peer.
    type Addr;

    /// Receives a datagram into `buf`, which may be uninitialised, with the task of `cx` as the one to
    /// wake; returns who sent it. The cursor tells how long it is.
    ///
    /// What there is no room for is cut off. Whoever has to know gives one byte more than the longest
    /// datagram that is right.
    ///
    /// # Errors
    ///
    /// Those of the socket, but never `WouldBlock` nor `Interrupted`. An error is usually one of a single
    /// datagram; the next call may succeed.
    fn poll_recv_datagram(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadCursor<'_>,
    ) -> Poll<io::Result<Self::Addr>>;

    /// Sends a datagram to `to`, with the task of `cx` as the one to wake.
    ///
    /// # Errors
    ///
    /// Those of the socket, but never `WouldBlock` nor `Interrupted`. A datagram that cannot be sent
    /// (one that is too long) is an error of that datagram; the next one may be fine.
    fn poll_send_datagram(
        &mut self,
        cx: &mut Context<'_>,
        buf: &[u8],
        to: &Self::Addr,
    ) -> Poll<io::Result<()>>;
}

macro_rules! forward {
    ($($pointer:ty),*) => {$(
        impl<T: AsyncDatagram + ?Sized> AsyncDatagram for $pointer {
            type Addr = T::Addr;

            fn poll_recv_datagram(
                &mut self,
                cx: &mut Context<'_>,
                buf: &mut ReadCursor<'_>,
            ) -> Poll<io::Result<T::Addr>> {
                (**self).poll_recv_datagram(cx, buf)
            }

            fn poll_send_datagram(
                &mut self,
                cx: &mut Context<'_>,
                buf: &[u8],
                to: &T::Addr,
            ) -> Poll<io::Result<()>> {
                (**self).poll_send_datagram(cx, buf, to)
            }
        }
    )*};
}

forward!(Box<T>, &mut T);
