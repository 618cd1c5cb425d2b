use std::io;

use crate::sys;

/// Whether an error of a datagram socket is of one datagram, and the socket is as good as before.
///
/// Such are what ICMP says to an earlier datagram (nobody listens there; on Windows 10054, even to a socket
/// that is not connected), an address that cannot be reached or must not be, a datagram that is too
/// long, and no memory for it at the moment. A server goes on after them, with the next call: a receive has
/// received nothing, a send has not sent *this* datagram. After any other error it would hear the same
/// again.
///
/// # Examples
///
/// ```no_run
/// use std::io;
/// use net::{UdpSocket, io_traits::task, is_transient};
///
/// async fn serve(socket: &UdpSocket) -> io::Result<()> {
///     let mut buf = [0; 1500];
///     loop {
///         match task::io(|| socket.recv_from(&mut buf)).await {
///             Ok((n, from)) => println!("{n} bytes from {from}"),
///             Err(error) if is_transient(&error) => println!("{error}"),
///             Err(error) => return Err(error),
///         }
///     }
/// }
/// ```
pub fn is_transient(error: &io::Error) -> bool {
    sys::is_transient(error)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn what_concerns_one_datagram_is_transient_and_what_concerns_the_socket_is_not() {
        for (number, expected) in [
            (libc::ECONNREFUSED, true),
            (libc::EHOSTUNREACH, true),
            (libc::ENETUNREACH, true),
            (libc::EMSGSIZE, true),
            (libc::EPERM, true),
            (libc::ENOBUFS, true),
            (libc::ENETDOWN, false),
            (libc::EBADF, false),
            (libc::EINVAL, false),
            (libc::ENOTCONN, false),
            (libc::EAGAIN, false),
        ] {
            let error = io::Error::from_raw_os_error(number);
            assert_eq!(is_transient(&error), expected, "{error}");
        }
        assert!(!is_transient(&io::ErrorKind::ConnectionRefused.into()));
        assert!(!is_transient(&io::Error::other("of ours")));
    }
}
