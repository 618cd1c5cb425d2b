//! Non-blocking [`Read`](std::io::Read) and [`Write`](std::io::Write) that wake the current task.
//!
//! ```text
//!     kernel ─ mio ─▶ reactor ─▶ net ─▶ io_traits::read_buf ─▶ codec ─▶ user
//!                                        ▲ you are here
//! ```
//!
//! This crate speaks of bytes and of the current task, and of nothing else: it knows no socket, no
//! event loop and no frame. Two promises hold for every type that implements [`AsyncRead`] or
//! [`AsyncWrite`]:
//!
//! 1. an operation never blocks the thread; what would block returns
//!    [`WouldBlock`](std::io::ErrorKind::WouldBlock) (or [`Pending`](std::task::Poll::Pending));
//! 2. when it does, the current task has been scheduled for a wakeup.
//!
//! Because the lowest level is std's own `Read` and `Write`, a protocol library that was written for
//! blocking sockets and tolerates `WouldBlock` runs on an event loop unchanged.
//!
//! # Reading order
//!
//! 1. [`task`]: how an operation without a `Context` finds the task to wake.
//! 2. [`AsyncRead`] and [`AsyncWrite`]: the two promises as traits, object safe.
//! 3. [`ReadCursor`]: memory that may be uninitialised, as a reader sees it.
//! 4. [`read_buf`] and [`write_buf`]: the same operations over [`BufMut`](bytes::BufMut) and
//!    [`Buf`](bytes::Buf).
//! 5. [`io`]: futures over the traits, one a file: `read_exact`, `write_all`, `copy`, `lines`. Those that
//!    look before they take ask for [`AsyncBufRead`].
//! 6. [`BufReader`], [`BufWriter`], [`pool`]: buffers that idle connections do not hold.
//! 7. [`split()`]: two directions of one object, owned by two tasks.
//! 8. [`layer`]: protocol libraries written for blocking sockets.
//! 9. [`duplex()`], [`chain()`], [`Window`], [`AllowStdIo`]: what is not a socket. [`AsyncDatagram`]: what is not
//!    a stream.
//! 10. `testing` (a feature): a suite that checks the laws on an object of your own. `compat` (the features
//!     `futures-io`, `hyper`, `tokio`): adapters to and from the traits of others.
//!
//! # Cancel safety
//!
//! The docs of each future say whether it is *cancel safe*. The word means: if the future is dropped
//! before it was ready, no byte has been lost that the caller cannot still reach. What was read is in
//! the caller's buffer with a count that the caller can see, or is still in the reader; what was
//! written is counted where the caller can see it.

mod allow_std_io;
mod async_buf_read;
mod async_datagram;
mod async_read;
mod async_write;
mod buf;
mod buffered;
mod chain;
#[cfg(any(feature = "futures-io", feature = "hyper", feature = "tokio"))]
pub mod compat;
mod cursor;
mod duplex;
mod forward;
mod impls;
pub mod io;
pub mod layer;
pub mod pool;
mod scratch;
mod split;
pub mod task;
#[cfg(feature = "testing")]
pub mod testing;
mod waiters;
mod window;

pub use allow_std_io::AllowStdIo;
pub use async_buf_read::AsyncBufRead;
pub use async_datagram::AsyncDatagram;
pub use async_read::AsyncRead;
pub use async_write::AsyncWrite;
pub use buf::{poll_read_buf, poll_write_buf, read_buf, write_buf};
pub use buffered::{BufReader, BufWriter, Finish};
pub use chain::{Chain, chain};
pub use cursor::ReadCursor;
pub use duplex::{Duplex, duplex};
pub use split::{ReadHalf, ReuniteError, Splittable, WriteHalf, split};
pub use window::Window;
