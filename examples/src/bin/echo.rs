//! ```sh
//! cargo run --release -p examples --bin echo
//! cargo run --release -p examples --bin connect -- 127.0.0.1:7878
//! ```
//!
//! Sends every byte back to where it came from. A connection costs no buffer while it is quiet and no
//! allocation per message.

#![forbid(unsafe_code)]

use std::{io, process::ExitCode};

use clap::Parser;
use examples::{ServerArgs, run_program, serve};
use io_traits::io::{copy, shutdown};
use net::TcpStream;

fn main() -> ExitCode {
    let args = Args::parse();
    run_program(|| serve(&args.server, echo))
}

async fn echo(stream: &TcpStream) -> io::Result<()> {
    // A `&TcpStream` reads and writes, so one stream is both ends of the copy.
    copy(&mut &*stream, &mut &*stream).await?;
    // The peer has ended its side, and gets the same from us.
    shutdown(&mut &*stream).await
}

/// Send every byte back to where it came from
#[derive(Parser)]
#[command(version)]
struct Args {
    #[command(flatten)]
    server: ServerArgs,
}
