use std::{
    io,
    os::unix::net::SocketAddr,
    task::{Context, Poll},
};

use io_traits::{AsyncDatagram, ReadCursor};

use super::UnixDatagram;

macro_rules! for_it_and_a_reference {
    ($($socket:ty),*) => {$(
        impl AsyncDatagram for $socket {
            type Addr = SocketAddr;

            fn poll_recv_datagram(
                &mut self,
                cx: &mut Context<'_>,
                buf: &mut ReadCursor<'_>,
            ) -> Poll<io::Result<SocketAddr>> {
                self.io.poll_read_with(cx, |io| {
                    // Code that parses names is easily wrong about long ones; that of std is right.
                    let (n, from) = io.get_ref().recv_from(buf.initialize_unfilled())?;
                    buf.advance(n)?;
                    Ok(from)
                })
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

for_it_and_a_reference!(UnixDatagram, &UnixDatagram);
