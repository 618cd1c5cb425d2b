//! Connecting by name: which addresses a name has, and which of them answers first.
//!
//! ```text
//!   "host:port" ─▶ Lookup ──────────▶ addresses ─▶ Race (RFC 8305) ─▶ TcpStream
//!                    │ Resolve           ▲          attempts, staggered
//!                    └─▶ ResolverPool ───┘
//! ```

mod connect_by_name;
mod connect_error;
mod connector;
mod desk;
mod lookup;
mod lookup_error;
mod order;
mod race;
mod resolve;
mod resolver_pool;
mod target;
mod waiter;

pub use connect_by_name::ConnectByName;
pub use connect_error::ConnectError;
pub use connector::{Connector, connect, lookup};
pub use lookup::Lookup;
pub use lookup_error::LookupError;
pub use resolve::{Resolve, Resolving};
pub use resolver_pool::ResolverPool;
pub use target::check_target;
