use std::{
    io,
    net::SocketAddr,
    task::{Context, Poll},
};

use io_traits::{AsyncDatagram, ReadCursor};

use super::UdpSocket;
use crate::sys;

macro_rules! for_it_and_a_reference {
    ($($socket:ty),*) => {$(
        impl AsyncDatagram for $socket {
            type Addr = SocketAddr;

            fn poll_recv_datagram(
                &mut self,
                cx: &mut Context<'_>,
                buf: &mut ReadCursor<'_>,
            ) -> Poll<io::Result<SocketAddr>> {
                self.io
                    .poll_read_with(cx, |io| sys::recv_datagram_into(io, buf))
            }

            fn poll_send_datagram(
                &mut self,
                cx: &mut Context<'_>,
                buf: &[u8],
                to: &SocketAddr,
            ) -> Poll<io::Result<()>> {
                // The system sends a datagram whole or not at all.
                self.poll_send_to(cx, buf, to).map_ok(drop)
            }
        }
    )*};
}

for_it_and_a_reference!(UdpSocket, &UdpSocket);
