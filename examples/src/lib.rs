//! What the programs in `src/bin` share. The programs themselves are what is to be read.
//!
//! ```text
//!     kernel ─ mio ─▶ reactor ─▶ net ─▶ io_traits::read_buf ─▶ codec ─▶ user
//!                                                                       ▲ you are here
//! ```
//!
//! The programs are for Unix, the gallery is for Linux. Logs go to standard error, of the level that `RUST_LOG` names (`info` if
//! it names none).
//!
//! # Reading order
//!
//! 1. `bin/echo.rs`: a server in six lines.
//! 2. `bin/chat.rs`: lines between many clients, none of whom can delay the others.
//! 3. `bin/connect.rs`: a client, and how blocking standard input gets along with an event loop.
//! 4. `bin/demo/main.rs`: a thousand clients, a proxy and a server in one process, every byte checked.
//! 5. `bin/https/main.rs`: HTTP over TLS, with a TLS library that knows nothing of event loops.
//! 6. `bin/redis/main.rs`: a codec of one's own, with states, and the clients of a whole world for it.
//! 7. `bin/proxy.rs` and [`forward`]: two connections carried into each other.
//! 8. `bin/socks5/main.rs`: a proxy that is told where to; `bin/http-file/main.rs`: a folder, sent without being read.
//! 9. `bin/balance.rs`: one server on many cores, and how evenly they are loaded.
//! 10. `bin/udp-echo.rs`: echo with datagrams; `bin/udp-batch.rs`: many of them at a time, and how many in a
//!     second.
//! 11. `bin/dns/main.rs`: a name server that asks another one, by datagrams and connections.
//! 12. `bin/poll-loop.rs` and `bin/foreign.rs`: a core in the loop of somebody else, and sockets under an executor
//!     of somebody else.
//! 13. [`serve`]: what makes a server of a handler of connections; underneath, [`serve_on`] does it on one
//!     core, and [`run_on_threads`] sees to threads, signals and the end.
//! 14. [`run_program`], [`listen`], [`any_port`], [`raise_descriptor_limit`], [`linger`], [`Random`]: the small
//!     rest.
//!
//! # The gallery
//!
//! I/O objects of your own: one program for each kind that the kernel has, none of which is a socket of
//! `net`. Each wraps a descriptor in [`PollEvented`](reactor::PollEvented) and gives it verbs, in the
//! order of difficulty:
//!
//! 1. `bin/pipe.rs`: objects that read and write already, in both directions at once.
//! 2. `bin/timerfd.rs`: one verb, made by [`read_with`](reactor::PollEvented::read_with).
//! 3. `bin/eventfd.rs`: two verbs, shared with a thread that has another executor.
//! 4. `bin/signalfd.rs`: an object of another library, whose "would block" is not an error.
//! 5. `bin/pidfd.rs`: children that end; an operation that is not a read at all.
//! 6. `bin/watch.rs`: inotify, whose reader keeps a buffer of its own.
//! 7. `bin/ping.rs`: raw ICMP, where most of what is read is for others.
//! 8. `bin/pty.rs`: a terminal, whose end is an error.
//! 9. `bin/stdin.rs`: standard input and output, whatever they are: files that cannot be polled, and a
//!    terminal whose mode belongs to others.

#![forbid(unsafe_code)]

mod any_port;
mod connections;
mod descriptors;
mod forward;
#[cfg(feature = "http")]
pub mod http;
mod linger;
mod program;
mod random;
mod serve;
mod serve_on;
mod server_args;

pub use any_port::any_port;
pub use descriptors::raise_descriptor_limit;
pub use forward::forward;
pub use linger::linger;
pub use program::{named, run_program};
pub use random::Random;
pub use serve::{run_on_threads, serve, serve_with};
pub use serve_on::serve_on;
pub use server_args::{ServerArgs, listen};
