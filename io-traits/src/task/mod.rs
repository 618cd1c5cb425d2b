//! The current task: how a plain `read` or `write` finds whom to wake.
//!
//! `std::io::Read::read` takes no [`Context`](std::task::Context), so the task is found through a
//! thread-local that is *entered* for the length of a call:
//!
//! ```
//! # use std::{future::poll_fn, io::Read, task::Poll};
//! # use io_traits::task;
//! # use futures::executor::block_on;
//! # block_on(async {
//! # let mut stream: &[u8] = b"hi";
//! # let mut buf = [0; 8];
//! // inside a poll function, on any executor:
//! let n = poll_fn(|cx| Poll::Ready(task::enter(cx, || stream.read(&mut buf)))).await?;
//! # assert_eq!(n, 2);
//! // inside an async fn: any operation becomes async this way
//! let n = task::io(|| stream.read(&mut buf)).await?;
//! # assert_eq!(n, 0);
//! # std::io::Result::Ok(()) }).unwrap();
//! ```
//!
//! Outside of [`enter`] there is no current task. An operation that needs one then fails with an
//! error whose source is [`NotInTask`], whether or not data is there.
//!
//! # Why the executor does not enter the task
//!
//! It would be convenient if the executor entered each task around its whole poll, so that a bare
//! `stream.read(&mut buf)` worked anywhere inside. It would also lose wakeups:
//!
//! ```text
//!   task T ──polls──▶ FuturesUnordered ──polls──▶ future A ──reads──▶ socket
//!   waker of T         waker of A (inner)          bare read()
//! ```
//!
//! `FuturesUnordered`, `select!` and `buffer_unordered` poll a child with a waker of its own and poll
//! it again only when *that* waker was used. A bare `read` inside A would find the waker that the
//! executor entered: T's. The socket would wake T, T would poll the `FuturesUnordered`, and that would
//! not poll A, because nobody woke A. The data would lie there for ever.
//!
//! So only code that holds a `Context` enters it, and it enters the innermost one, which is the right
//! one. A bare `read` in an async block is an error at once, the same on every call:
//!
//! ```
//! use futures::{executor::block_on, stream::FuturesUnordered, StreamExt};
//! use io_traits::{task::{self, NotInTask}, testing::Script};
//! use std::io::Read;
//!
//! let mut children = FuturesUnordered::new();
//! children.push(async {
//!     let mut stream = Script::new().would_block().gives(b"late");
//!     let mut buf = [0; 4];
//!     // The mistake: no context was entered, so there is nobody to wake.
//!     let error = stream.read(&mut buf).unwrap_err();
//!     assert!(NotInTask::is_source_of(&error));
//!     // The cure:
//!     task::io(|| stream.read(&mut buf)).await
//! });
//! assert_eq!(block_on(children.next()).unwrap().unwrap(), 4);
//! ```
//!
//! # The one bridge
//!
//! [`poll`] leads from the implicit task back to an explicit `Context`. Every implicit operation goes
//! through it, so that one place knows whether a "would block" was registered with anybody. A library
//! may return a `WouldBlock` of its own making without having touched the socket: then nobody would
//! wake the task. [`poll_io`] and [`io()`] see that, try again in place a few times and then schedule
//! the task themselves; [`Io`] ends a series of such polls with a [`Stalled`] error instead of
//! spinning.

pub(crate) mod attempt;
pub mod budget;
mod error;
mod io;
mod scope;

pub use error::{NotInTask, Stalled};
pub use io::{Io, io, poll_io};
pub use scope::{enter, poll};
