use std::{
    io::{self, Read},
    task::{Context, Poll, ready},
};

use bytes::BytesMut;
use io_traits::{AsyncDatagram, AsyncRead, ReadCursor, poll_read_buf, task};

/// Receives a datagram behind what is in `buf`, which must have room for it; returns who sent it.
pub(super) fn poll_receive<S: AsyncDatagram>(
    socket: &mut S,
    cx: &mut Context<'_>,
    buf: &mut BytesMut,
) -> Poll<io::Result<S::Addr>> {
    let mut receiving = Receiving { socket, from: None };
    let result = ready!(poll_read_buf(&mut receiving, cx, buf));
    Poll::Ready(match (result, receiving.from) {
        (Err(error), _) => Err(error),
        (Ok(_), Some(from)) => Ok(from),
        // A socket that fills a part of the buffer and then says that it would block.
        (Ok(_), None) => Err(io::ErrorKind::InvalidData.into()),
    })
}

/// A socket as a reader, because [`poll_read_buf`] fills uninitialised memory, which this crate, without
/// unsafe code, cannot.
struct Receiving<'a, S: AsyncDatagram> {
    socket: &'a mut S,
    from: Option<S::Addr>,
}

impl<S: AsyncDatagram> AsyncRead for Receiving<'_, S> {
    fn poll_read_into(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadCursor<'_>,
    ) -> Poll<io::Result<usize>> {
        let before = buf.filled();
        self.from = Some(ready!(self.socket.poll_recv_datagram(cx, buf))?);
        Poll::Ready(Ok(buf.filled() - before))
    }
}

impl<S: AsyncDatagram> Read for Receiving<'_, S> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        task::poll(|cx| ReadCursor::with_initialized(buf, |buf| self.poll_read_into(cx, buf)).0)
    }
}
