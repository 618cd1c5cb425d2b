//! TCP.

mod connect;
mod incoming;
mod listener;
mod stream;

pub use connect::Connect;
pub use incoming::Incoming;
pub use listener::TcpListener;
pub use stream::TcpStream;
