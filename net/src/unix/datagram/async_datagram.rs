use std::{
    io,
    os::unix::net::{SocketAddr, UnixDatagram as StdDatagram},
    task::{Context, Poll},
};

use io_traits::{AsyncDatagram, ReadCursor, pool::CAPACITY};

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
                self.io.poll_read_with(cx, |io| recv_into(io.get_ref(), buf))
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

/// Code that parses names is easily wrong about long ones; that of std is right, and wants memory that is
/// initialised: lent memory up to the size of that, so that nothing is cut shorter than `buf` is.
fn recv_into(socket: &StdDatagram, buf: &mut ReadCursor<'_>) -> io::Result<SocketAddr> {
    let mut sender = None;
    let mut receive = |memory: &mut [u8]| {
        let (n, from) = socket.recv_from(memory)?;
        sender = Some(from);
        Ok(n)
    };
    if buf.remaining() <= CAPACITY {
        buf.fill_with(&mut receive)?;
    } else {
        let n = receive(buf.initialize_unfilled())?;
        buf.advance(n)?;
    }
    Ok(sender.expect("what has received has told who sent it"))
}
