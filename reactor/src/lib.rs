//! Event loop, readiness, tasks and time for non-blocking I/O objects, on [mio].
//!
//! ```text
//!     kernel ─ mio ─▶ reactor ─▶ net ─▶ io_traits::read_buf ─▶ codec ─▶ user
//!              events ▲ you are here
//! ```
//!
//! This crate speaks of readiness, time and tasks. Sockets are in `net`; here is what they are made
//! of, and what objects of your own are made of.
//!
//! # Your own I/O object
//!
//! Something that never blocks and that the system can poll becomes an I/O object by way of
//! [`PollEvented`]: it knows when a task has to wait and who is to be woken. Here is a UDP socket of
//! mio's, which has no `Read`, on the current task:
//!
//! ```
//! use std::{io::{self, ErrorKind::WouldBlock}, net::SocketAddr, task::{Poll, ready}};
//! use io_traits::task;
//! use reactor::{Core, Handle, PollEvented, mio::net::UdpSocket};
//!
//! struct Datagrams { io: PollEvented<UdpSocket> }
//!
//! impl Datagrams {
//!     fn bind(addr: SocketAddr, handle: &Handle) -> io::Result<Self> {
//!         Ok(Self { io: PollEvented::new(UdpSocket::bind(addr)?, handle)? })
//!     }
//!
//!     fn recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
//!         task::poll(|cx| {
//!             let witness = ready!(self.io.poll_read(cx))?;
//!             match self.io.get_ref().recv_from(buf) {
//!                 Err(e) if e.kind() == WouldBlock => {
//!                     self.io.need_read(cx, witness)?;
//!                     Poll::Pending
//!                 }
//!                 result => Poll::Ready(result),
//!             }
//!         })
//!     }
//! }
//!
//! let mut core = Core::new()?;
//! let datagrams = Datagrams::bind("127.0.0.1:0".parse().unwrap(), &core.handle())?;
//! let addr = datagrams.io.get_ref().local_addr()?;
//! std::net::UdpSocket::bind("127.0.0.1:0")?.send_to(b"hello", addr)?;
//! let mut buf = [0; 16];
//! let (n, _) = core.run(task::io(|| datagrams.recv_from(&mut buf)))??;
//! assert_eq!(&buf[..n], b"hello");
//! # io::Result::Ok(())
//! ```
//!
//! [`guide`] has the chapters: how to write an object of your own from a descriptor on, and when exactly a
//! task is woken.
//!
//! # Reading order
//!
//! 1. [`PollEvented`]: an object and what is known of its readiness.
//! 2. `readiness.rs` and `slot.rs`: the word in which events and waiters meet.
//! 3. [`Core`]: the loop that brings events to slots and polls tasks; `core/poller.rs` is how it asks the system.
//! 4. [`Handle`]: the way to a loop from anywhere; `shared.rs` is what is behind it.
//! 5. `doorbell.rs`: how other threads wake the loop, and when they need not.
//! 6. `executor/`: tasks; `time/`: timers.
//! 7. `signal` (a feature): signals of Unix.
//! 8. [`Background`]: a loop on a thread of its own, for tasks of another executor.
//! 9. `model/`: what is tried in every order of its steps. `tests/README.md`: which test shows what.
//!
//! # What is not here
//!
//! | wanted | where it is |
//! |---|---|
//! | channels, `select!`, `join!`, streams | crate `futures`: they need no reactor |
//! | a scheduler that steals work | any executor, with [`Background`] for readiness; or one [`Core`] to a processor, with listeners that share a port |
//! | a pool of threads for what blocks | crate `blocking` or `rayon`; its result comes through a `futures` channel |
//! | files | a thread: for a file "ready" has no meaning ([`NotPollable`]), and a read waits for the disk all the same |
//! | processes | `std::process`, and a pidfd as an object of one's own: the program `pidfd` of the examples |
//! | sockets, names, TLS | `net`; a TLS library for blocking sockets runs on it unchanged |

#![deny(unsafe_code)]

mod background;
mod core;
mod core_options;
mod debug_dump;
mod direction;
mod doorbell;
mod error;
mod executor;
mod extensions;
mod fault;
#[cfg(unix)]
mod fd;
#[cfg(unix)]
pub mod guide;
mod handle;
mod interest;
mod left_waker;
mod metrics;
#[cfg(all(test, loom))]
mod model;
mod options;
mod peer_closed;
mod poll_evented;
mod progress;
mod readiness;
mod ready;
mod register_error;
mod registration;
mod shared;
mod sight;
#[cfg(all(unix, feature = "signal"))]
pub mod signal;
mod slot;
mod slots;
mod sync;
mod sys;
mod time;
mod trace;
mod trigger;
mod until_error;
mod waker_set;
mod witness;

pub use mio;

#[cfg(unix)]
pub use crate::fd::Fd;

pub use crate::{
    background::Background,
    core::Core,
    core_options::CoreOptions,
    debug_dump::DebugDump,
    direction::Direction,
    error::{Forked, NestedRun, NotPollable, ReactorGone},
    executor::{JoinError, JoinHandle, Spawner, TaskGroup, YieldNow, yield_now},
    handle::Handle,
    interest::Interest,
    metrics::Metrics,
    options::Options,
    peer_closed::PeerClosed,
    poll_evented::PollEvented,
    progress::Progress,
    ready::{OwnedReady, Ready},
    register_error::RegisterError,
    time::{Elapsed, Interval, LateTicks, Sleep, Timeout},
    trigger::Trigger,
    witness::{ReadWitness, WriteWitness},
};
