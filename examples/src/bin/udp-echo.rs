//! ```sh
//! cargo run --release -p examples --bin udp-echo
//! nc -u 127.0.0.1 7878
//! ```
//!
//! Sends every datagram back to where it came from.

#![forbid(unsafe_code)]

use std::{io, process::ExitCode};

use clap::Parser;
use examples::{ServerArgs, run_on_threads, run_program};
use futures::{FutureExt, channel::oneshot, select_biased};
use io_traits::task;
use net::UdpSocket;
use reactor::Core;

fn main() -> ExitCode {
    let Args { server } = Args::parse();
    run_program(|| {
        let sockets = || {
            let sockets = server.udp_sockets()?;
            Ok((sockets[0].local_addr()?, sockets))
        };
        run_on_threads(sockets, echo_until)
    })
}

fn echo_until(socket: std::net::UdpSocket, stopped: oneshot::Receiver<()>) -> io::Result<()> {
    let mut core = Core::new()?;
    let socket = UdpSocket::from_std(socket, &core.handle())?;
    core.run(async {
        select_biased! {
            _ = stopped.fuse() => Ok(()),
            result = echo(&socket).fuse() => result,
        }
    })?
}

async fn echo(socket: &UdpSocket) -> io::Result<()> {
    let mut buf = vec![0; LARGEST];
    loop {
        let (n, peer) = match task::io(|| socket.recv_from(&mut buf)).await {
            // An earlier answer has found nobody. That is that peer's affair.
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => continue,
            received => received?,
        };
        if let Err(error) = task::io(|| socket.send_to(&buf[..n], &peer)).await {
            // A datagram may be lost; the next one may not be.
            tracing::debug!(%peer, %error, "a datagram was not sent back");
        }
    }
}

/// Send every datagram back to where it came from
#[derive(Parser)]
#[command(version)]
struct Args {
    #[command(flatten)]
    server: ServerArgs,
}

/// The most that a datagram can carry.
const LARGEST: usize = 64 * 1024;
