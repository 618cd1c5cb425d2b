//! ```sh
//! cargo run --release -p examples --bin proxy -- --to 127.0.0.1:7878
//! cargo run --release -p examples --bin connect -- 127.0.0.1:7979
//! ```
//!
//! Carries bytes between each client and a connection of its own to another server, in both directions.
//! The end of one direction is carried over and leaves the other one open. If one side fails, so does the
//! other. How it is done is in [`forward`], which the demo uses as well.

#![forbid(unsafe_code)]

use std::{net::SocketAddr, process::ExitCode};

use clap::Parser;
use examples::{ServerArgs, forward, run_program, serve_with};
use net::TcpStream;

fn main() -> ExitCode {
    let Args { server, to } = Args::parse();
    run_program(|| {
        serve_with(&server, move |handle| {
            let handle = handle.clone();
            async move |client: &TcpStream| forward(client, to, &handle).await
        })
    })
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
