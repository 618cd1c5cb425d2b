//! TCP.

mod builder;
mod connect;
mod listener;
mod stream;

pub use builder::TcpBuilder;
pub use connect::Connect;
pub use listener::TcpListener;
pub(crate) use listener::Unregistered;
pub use stream::TcpStream;
