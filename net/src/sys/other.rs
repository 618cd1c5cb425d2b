use std::io::{self, IoSlice, Read, Write};
/// What a socket is to the functions below; there is no other system than Windows that has any.
pub(crate) use std::os::windows::io::AsSocket as Socket;

use io_traits::ReadCursor;

use crate::AcceptError;

/// Reads into the unfilled part of `buf`, zeroed first; returns the number of bytes read.
pub(crate) fn recv_into<S>(socket: &S, buf: &mut ReadCursor<'_>) -> io::Result<usize>
where
    for<'a> &'a S: Read,
{
    let mut socket = socket;
    let n = socket.read(buf.initialize_unfilled())?;
    buf.advance(n)?;
    Ok(n)
}

/// Receives a datagram into the unfilled part of `buf`, zeroed first; returns who sent it.
pub(crate) fn recv_datagram_into(
    socket: &reactor::mio::net::UdpSocket,
    buf: &mut ReadCursor<'_>,
) -> io::Result<std::net::SocketAddr> {
    let (n, from) = socket.recv_from(buf.initialize_unfilled())?;
    buf.advance(n)?;
    Ok(from)
}

/// Writes from a buffer.
pub(crate) fn send<S>(socket: &S, buf: &[u8]) -> io::Result<usize>
where
    for<'a> &'a S: Write,
{
    let mut socket = socket;
    socket.write(buf)
}

/// Writes from several buffers.
pub(crate) fn send_vectored<S>(socket: &S, bufs: &[IoSlice<'_>]) -> io::Result<usize>
where
    for<'a> &'a S: Write,
{
    let mut socket = socket;
    socket.write_vectored(bufs)
}

/// Sends bytes of a file by way of a buffer; 0 are the end of the file. What the socket does not take is
/// read again the next time.
pub(crate) fn copy_from_file<S>(
    socket: &S,
    mut file: &std::fs::File,
    offset: u64,
    len: usize,
) -> io::Result<usize>
where
    for<'a> &'a S: Write,
{
    use std::io::{Seek, SeekFrom};

    let mut buf = io_traits::pool::take();
    let room = len.min(buf.capacity());
    buf.resize(room, 0);
    file.seek(SeekFrom::Start(offset))?;
    match file.read(&mut buf)? {
        0 => Ok(0),
        n => send(socket, &buf[..n]),
    }
}

/// No system of these is known to take fewer slices than there are.
pub(crate) const MOST_SLICES: usize = usize::MAX;

pub(crate) fn is_in_progress(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}

pub(crate) fn accept_error(error: &io::Error) -> AcceptError {
    AcceptError::of_kind(error)
}

/// Windows has its own numbers: 10040 is "too long", 10050 to 10054 what ICMP said, 10065 "no route".
pub(crate) fn is_transient(error: &io::Error) -> bool {
    use io::ErrorKind::{
        ConnectionRefused, ConnectionReset, HostUnreachable, NetworkUnreachable, PermissionDenied,
    };
    matches!(
        error.kind(),
        ConnectionRefused
            | ConnectionReset
            | HostUnreachable
            | NetworkUnreachable
            | PermissionDenied
    ) || matches!(error.raw_os_error(), Some(10_040 | 10_052 | 10_055))
}
