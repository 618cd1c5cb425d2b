//! The datagram trait for sockets of ours, which differ in their addresses and in how they receive.

/// Implements [`AsyncDatagram`](io_traits::AsyncDatagram) for a socket and for a reference to it. `receive` is
/// given the object that is registered, and a cursor; it returns who sent what it has received.
macro_rules! async_datagram {
    ($socket:ident, $addr:ty, $receive:expr) => {
        $crate::async_datagram::async_datagram!(for $socket, $addr, $receive);
        $crate::async_datagram::async_datagram!(for &$socket, $addr, $receive);
    };
    (for $socket:ty, $addr:ty, $receive:expr) => {
        impl io_traits::AsyncDatagram for $socket {
            type Addr = $addr;

            fn poll_recv_datagram(
                &mut self,
                cx: &mut std::task::Context<'_>,
                buf: &mut io_traits::ReadCursor<'_>,
            ) -> std::task::Poll<std::io::Result<$addr>> {
                self.io.poll_read_with(cx, |io| $receive(io, buf))
            }

            fn poll_send_datagram(
                &mut self,
                cx: &mut std::task::Context<'_>,
                buf: &[u8],
                to: &$addr,
            ) -> std::task::Poll<std::io::Result<()>> {
                // The system sends a datagram whole or not at all.
                self.poll_send_to(cx, buf, to).map_ok(drop)
            }
        }
    };
}

pub(crate) use async_datagram;
