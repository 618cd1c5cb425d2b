//! Unix sockets.

mod connect;
mod datagram;
mod fd_buffer;
mod listener;
mod peer_credentials;
mod stream;

pub use connect::UnixConnect;
pub use datagram::UnixDatagram;
pub use fd_buffer::FdBuffer;
pub use listener::UnixListener;
pub use peer_credentials::PeerCredentials;
pub use stream::UnixStream;
