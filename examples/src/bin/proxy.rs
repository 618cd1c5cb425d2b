//! ```sh
//! cargo run --release -p examples --bin proxy -- --to 127.0.0.1:7878
//! cargo run --release -p examples --bin connect -- 127.0.0.1:7979
//! ```
//!
//! Carries bytes between each client and a connection of its own to another server, in both directions.
//! The end of one direction is carried over and leaves the other one open. If one side fails, so does the
//! other.

#![forbid(unsafe_code)]

use std::{io, net::SocketAddr, process::ExitCode, time::Duration};

use clap::Parser;
use examples::{ServerArgs, named, run_program, serve_with};
use futures::future::try_join;
use io_traits::io::{copy, shutdown};
use net::TcpStream;
use reactor::Handle;

fn main() -> ExitCode {
    let Args { server, to } = Args::parse();
    run_program(|| {
        serve_with(&server, move |handle| {
            let handle = handle.clone();
            async move |client: &TcpStream| proxy(client, to, &handle).await
        })
    })
}

async fn proxy(client: &TcpStream, to: SocketAddr, handle: &Handle) -> io::Result<()> {
    let connect = handle.timeout(CONNECT_LIMIT, TcpStream::connect(&to, handle));
    let server = connect
        .await
        .and_then(|connected| connected)
        .map_err(|error| {
            tracing::warn!(%to, %error, "no connection to the server");
            named(to, error)
        })?;
    server.set_nodelay(true)?;
    // Both in one task; each has a buffer only while there are bytes in it.
    try_join(carry(client, &server), carry(&server, client)).await?;
    Ok(())
}

/// Carries everything, and then the end.
async fn carry(from: &TcpStream, to: &TcpStream) -> io::Result<()> {
    copy(&mut &*from, &mut &*to).await?;
    shutdown(&mut &*to).await
}

/// Carry bytes between clients and another server
#[derive(Parser)]
#[command(version, mut_arg("listen", |arg| arg.default_value("127.0.0.1:7979")))]
struct Args {
    #[command(flatten)]
    server: ServerArgs,

    /// The server to which each client gets a connection
    #[arg(long, value_name = "ADDR")]
    to: SocketAddr,
}

const CONNECT_LIMIT: Duration = Duration::from_secs(10);
