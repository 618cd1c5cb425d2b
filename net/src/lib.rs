//! Non-blocking sockets for the current task.
//!
//! ```text
//!     kernel ─ mio ─▶ reactor ─▶ net ─▶ io_traits::read_buf ─▶ codec ─▶ user
//!                                ▲ you are here
//! ```
//!
//! This crate speaks of sockets:
//!
//! | | connections of bytes | listeners | datagrams |
//! |---|---|---|---|
//! | Internet | [`TcpStream`] | [`TcpListener`] | [`UdpSocket`] |
//! | this machine (Unix systems) | `UnixStream` | `UnixListener` | `UnixDatagram` |
//!
//! Every operation takes `&self`, never blocks, and has two forms: on the current task
//! (`stream.peek(&mut buf)`, which says `WouldBlock` and has the task woken) and with an explicit
//! context (`stream.poll_peek(cx, &mut buf)`). Those on datagrams have a third, for which no task is
//! needed (`socket.try_recv(&mut buf)`). Any of them becomes async by
//! `task::io(|| stream.peek(&mut buf)).await`.
//!
//! ```
//! use futures::StreamExt;
//! use net::{TcpListener, TcpStream, io_traits::io, reactor::Core};
//!
//! let mut core = Core::new()?;
//! let (handle, spawner) = (core.handle(), core.spawner());
//! let listener = TcpListener::bind(&"127.0.0.1:0".parse().unwrap(), &handle)?;
//! let addr = listener.local_addr()?;
//!
//! // The ten-line echo server.
//! spawner.clone().spawn(async move {
//!     let mut incoming = listener.incoming();
//!     while let Some(Ok((stream, _))) = incoming.next().await {
//!         spawner.spawn(async move { io::copy(&mut &stream, &mut &stream).await });
//!     }
//! });
//!
//! core.run(async {
//!     let mut stream = TcpStream::connect(&addr, &handle).await?;
//!     io::write_all(&mut stream, b"hello").await?;
//!     let mut answer = [0; 5];
//!     io::read_exact(&mut stream, &mut answer).await?;
//!     assert_eq!(&answer, b"hello");
//!     std::io::Result::Ok(())
//! })??;
//! # std::io::Result::Ok(())
//! ```
//!
//! # Reading order
//!
//! 1. [`TcpStream`]: what a socket of ours is.
//! 2. `byte_stream.rs`: how it reads and writes, and when a short transfer is trusted.
//! 3. [`TcpListener`] and [`Incoming`]: accepting, and surviving what can go wrong there ([`AcceptError`]).
//! 4. [`Connect`]: when a connection counts as made; [`TcpBuilder`]: options before that.
//! 5. [`OwnedWriteHalf`], [`Deadline`] and [`Tracker`]: what a connection needs to end in good order, one
//!    direction, one silence, or the whole server at a time.
//! 6. [`UdpSocket`]: datagrams, and errors that are not the end ([`is_transient`]); [`RecvBatch`],
//!    [`Transmit`] and [`UdpSender`]: many of them, and what travels beside them.
//! 7. `UnixStream`, `UnixListener`, `UnixConnect` and `UnixDatagram`: what is different where there is no
//!    network; `FdBuffer` and `PeerCredentials`: what there is only here.
//! 8. [`connect`] and [`Connector`]: names, and several addresses at once; `by_name/mod.rs` is the map of
//!    how. [`check_target`]: whether a target is written right. [`Resolve`] and [`ResolverPool`]: where the
//!    addresses come from.
//! 9. [`relay`] and [`relay_one_way`]: bytes from socket to socket; `relay/mod.rs` is the map. [`send_file()`]: from
//!    file to socket; `idle_limit.rs`: for how long nothing may move in either.
//! 10. [`CoresBuilder`]: one server on many cores; `cores/mod.rs` is the map.
//! 11. `sys/`: the wall towards the operating system.

mod accept_error;
mod async_datagram;
mod by_name;
mod byte_stream;
mod cores;
mod deadline;
mod idle_limit;
mod incoming;
mod owned_write_half;
mod relay;
mod send_file;
mod sys;
mod tcp;
mod tracker;
mod udp;
#[cfg(unix)]
mod unix;
mod wake;

pub use io_traits;
pub use reactor;

pub use accept_error::AcceptError;
pub use by_name::{
    ConnectByName, ConnectError, Connector, Lookup, LookupError, Resolve, ResolverPool, Resolving,
    check_target, connect, lookup,
};
pub use cores::{CoreLoad, Cores, CoresBuilder, CoresShutdown, OnCore, Spread};
pub use deadline::Deadline;
pub use incoming::Incoming;
pub use owned_write_half::OwnedWriteHalf;
pub use relay::{Relay, RelayError, RelayOneWay, Relayed, relay, relay_one_way};
pub use send_file::{SendFile, send_file};
pub use tcp::{Connect, TcpBuilder, TcpListener, TcpStream};
pub use tracker::{Activity, Busy, Stop, Tracked, Tracker, UntilStopped};
pub use udp::{
    Datagram, Datagrams, Ecn, RecvBatch, RecvMeta, Transmit, UdpSender, UdpSocket, is_transient,
};
#[cfg(unix)]
pub use unix::{FdBuffer, PeerCredentials, UnixConnect, UnixDatagram, UnixListener, UnixStream};
