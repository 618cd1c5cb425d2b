//! TCP.

mod connect;
mod listener;
mod stream;

pub use connect::Connect;
pub use listener::TcpListener;
pub use stream::TcpStream;
