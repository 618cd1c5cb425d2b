//! The wall between this crate and the operating system.
//!
//! A platform owes:
//!
//! * `Socket`: what a socket has to be for the functions;
//! * `recv_into`, `recv_datagram_into`: read from a socket into memory that may be uninitialised;
//! * `send`, `send_vectored`: write from one or several buffers, without a signal if the peer has gone;
//! * `is_in_progress`: whether connecting goes on although the call says that it failed;
//! * `accept_error`: which errors of `accept` are whose business;
//! * `is_transient`: which errors are of one datagram and not of the socket;
//! * `recv_message`, `recv_messages`, `send_messages`: datagrams with what is beside them, `can_segment`,
//!   `refuses_offload`, `is_of_the_device`, `is_of_the_length`: whether the kernel takes them apart, `aside` and
//!   `set_aside`: what it is to tell; of all this there is a plain form for systems that have less;
//! * where there are Unix sockets: `recv_stream`, `recv_stream_into`, `peek`, `accept_unix`,
//!   `TRUSTS_SHORT_UNIX_WRITES`, `peer_credentials`, and in `fds.rs` descriptors that travel with bytes;
//! * `Pipe` and `is_refusal`: bytes from socket to socket without a buffer of ours, if it can be had;
//! * `copy_from_file`, and `send_file`, which need not copy: bytes of a file to a socket;
//! * where there is TCP fast open: `set_fast_open` and `set_fast_open_connect`.
//!
//! Linux is tested. Other Unix systems share its file, untested; the rest has a file that needs
//! nothing from the system, untested as well.

#[cfg(unix)]
mod errors;
#[cfg(unix)]
mod fds;
#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub(crate) use {errors::*, fds::*, unix::*};

#[cfg(any(target_os = "linux", target_os = "android"))]
mod splice;
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) use splice::*;

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod no_splice;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) use no_splice::*;

#[cfg(not(unix))]
mod other;
#[cfg(not(unix))]
pub(crate) use other::*;

#[cfg(any(target_os = "linux", target_os = "android"))]
mod aside;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod cmsg;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod datagrams;
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) use {aside::*, datagrams::*};

// Tested on Linux, too.
#[cfg(any(test, not(any(target_os = "linux", target_os = "android"))))]
#[cfg_attr(any(target_os = "linux", target_os = "android"), allow(dead_code))]
mod plain_datagrams;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) use plain_datagrams::*;

/// What the kernel may tell beside a datagram, or do to several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Aside {
    Destination,
    Ecn,
    Timestamp,
    Gro,
}
