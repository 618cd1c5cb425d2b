use std::{
    io,
    os::unix::net::{SocketAddr, UnixDatagram as StdDatagram},
};

use io_traits::{ReadCursor, pool::CAPACITY};
use reactor::Fd;

use super::UnixDatagram;
use crate::async_datagram::async_datagram;

async_datagram!(UnixDatagram, SocketAddr, recv_into);

/// Code that parses names is easily wrong about long ones; that of std is right, and wants memory that is
/// initialised: lent memory up to the size of that, so that nothing is cut shorter than `buf` is.
fn recv_into(socket: &Fd<StdDatagram>, buf: &mut ReadCursor<'_>) -> io::Result<SocketAddr> {
    let mut sender = None;
    let mut receive = |memory: &mut [u8]| {
        let (n, from) = socket.get_ref().recv_from(memory)?;
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
