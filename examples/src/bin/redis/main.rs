//! ```sh
//! cargo run --release -p examples --bin redis -- --listen 127.0.0.1:6379
//! redis-cli -p 6379 SET greeting hello    # or redis-benchmark, or any client
//! ```
//!
//! A server that speaks Redis' protocol, in version 2 and 3, over a dictionary in memory: strings, lists,
//! sets, hashes, expiry, publish and subscribe. It keeps nothing on disk.
//!
//! ```text
//!   redis-cli ─ bytes ─▶ resp::Resp ─ requests ─▶ Connection ─▶ command ─▶ Store, Channels
//!                            ▲                        │
//!                            └─────── replies ────────┘
//! ```
//!
//! # Reading order
//!
//! 1. `connection.rs`: one connection. A client that pipelines a hundred requests is answered with one
//!    write, and no line of the loop says so: `Framed` flushes before it waits.
//! 2. `resp/codec.rs`: the codec, with its states. What breaks the protocol is a fatal error: the client
//!    is told, then the connection ends.
//! 3. `resp/reply.rs`: what is answered, in either version of the protocol.
//! 4. `command/`: what the commands do; `command/table.rs` lists them.
//! 5. `store.rs`, `value.rs`: keys, their values, and when they expire.
//! 6. `channels.rs`: who listens to what. A subscriber that does not keep up is dropped.

#![forbid(unsafe_code)]

mod channels;
mod command;
mod connection;
mod resp;
mod server;
mod session;
mod store;
mod value;

use std::{process::ExitCode, sync::Arc};

use clap::Parser;
use examples::{ServerArgs, run_program, serve};

use crate::{connection::Connection, server::Server};

fn main() -> ExitCode {
    let args = Args::parse();
    let server = Arc::new(Server::new());
    run_program(|| {
        serve(&args.server, async move |stream| {
            Connection::new(stream, server.clone(), args.max_request)
                .serve()
                .await
        })
    })
}

/// Serve a dictionary to clients of Redis
#[derive(Parser)]
#[command(version)]
struct Args {
    #[command(flatten)]
    server: ServerArgs,

    /// The longest request, which bounds the longest value
    #[arg(long, value_name = "BYTES", default_value_t = 64 * 1024 * 1024)]
    max_request: usize,
}
