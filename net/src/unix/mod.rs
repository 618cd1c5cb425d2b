//! Unix sockets.

mod connect;
mod listener;
mod stream;

pub use connect::UnixConnect;
pub use listener::UnixListener;
pub use stream::UnixStream;
