//! ```sh
//! cargo run --release -p examples --bin proxy -- --to 127.0.0.1:7878
//! cargo run --release -p examples --bin connect -- 127.0.0.1:7979
//! ```
//!
//! Carries bytes between each client and a connection of its own to another server, in both directions.
//! The end of one direction is carried over and leaves the other one open. If one side fails, so does the
//! other, and a connection that nothing goes through is ended after a while. How it is done is in
//! [`forward`], which the demo uses as well.

#![forbid(unsafe_code)]

use std::{io, process::ExitCode, time::Duration};

use clap::Parser;
use examples::{ServerArgs, forward, run_program, serve_with};
use net::{Connector, TcpStream, check_target};

fn main() -> ExitCode {
    let Args {
        server,
        to,
        idle_limit,
    } = Args::parse();
    let idle_limit = Duration::from_secs(idle_limit);
    run_program(|| {
        serve_with(&server, move |handle| {
            let connector = Connector::new(handle).limit(CONNECT_LIMIT);
            async move |client: &TcpStream| forward(client, &to, &connector, idle_limit).await
        })
    })
}

const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// Carry bytes between clients and another server
#[derive(Parser)]
#[command(version, mut_arg("listen", |arg| arg.default_value("127.0.0.1:7979")))]
struct Args {
    #[command(flatten)]
    server: ServerArgs,

    /// The server to which each client gets a connection
    #[arg(long, value_name = "HOST:PORT", value_parser = target)]
    to: String,

    /// After how many seconds without a byte either way a connection is ended
    // RFC 5382, section 5: whoever stands between two should wait for at least 2 hours and 4 minutes.
    #[arg(long, value_name = "SECONDS", default_value_t = 7_440)]
    idle_limit: u64,
}

/// A mistake is better told now than to the first client. Who the host is, is asked for each client.
fn target(to: &str) -> io::Result<String> {
    check_target(to)?;
    Ok(to.to_owned())
}
