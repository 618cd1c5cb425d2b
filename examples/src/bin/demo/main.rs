//! ```sh
//! cargo run --release -p examples --bin demo
//! cargo run --release -p examples --bin demo -- --clients 100 --kinds frames,udp --seed 7
//! ```
//!
//! An echo server, a proxy and a thousand clients in one process; the server, the proxy and all clients
//! together have a thread and an event loop each. The clients send raw bytes, lines, frames and
//! datagrams. All data comes from a seed, and every byte that comes back is checked; the first wrong one
//! ends the program with exit code 1.
//!
//! ```text
//!   thread "main"             thread "proxy"            thread "server"
//!
//!   ┌─────────┐  1. direct: TCP                          ┌────────┐
//!   │         │ ───────────────────────────────────────▶ │        │
//!   │         │  2. through the proxy                    │        │
//!   │ clients │ ──── TCP ───▶ ┌─────────┐ ──── TCP ────▶ │  echo  │
//!   │         │               │ forward │                │        │
//!   │         │  3. UDP       └─────────┘                │        │
//!   │         │ ───────────────────────────────────────▶ │        │
//!   └─────────┘                                          └────────┘
//!
//!   each part:  connect ──▶ flood: as fast as it goes ──▶ paced: one message at a time ──▶ end of each
//!                           measures throughput           measures round trips             stream
//! ```
//!
//! The parts come one after the other, with the same data in 1 and 2. UDP does not go through the proxy,
//! which carries connections only. What may be in flight at any time is limited for all clients together.
//!
//! # Reading order
//!
//! 1. This file: the parts, one after the other; `args.rs` and `part.rs`: what can be chosen.
//! 2. `client.rs`: what every client does; `raw_client.rs`, `lines_client.rs`, `frames_client.rs` and
//!    `udp_client.rs`: how each kind does it; `content.rs` and `items.rs`: what they send, and how it is
//!    checked.
//! 3. `crowd.rs`: all clients of a part at once; `semaphore.rs`: how much they may have in flight.
//! 4. `servers.rs`, `server_thread.rs` and `echo.rs`: the other two loops; `mistakes.rs`: what the server
//!    does wrong when it is told to.
//! 5. `outcome.rs`, `tally.rs` and `memory.rs`: what is measured; `progress.rs` and `table.rs`: how it is shown.

#![forbid(unsafe_code)]

mod args;
mod client;
mod content;
mod crowd;
mod echo;
mod frames_client;
mod items;
mod lines_client;
mod memory;
mod mistakes;
mod outcome;
mod part;
mod progress;
mod raw_client;
mod semaphore;
mod server_thread;
mod servers;
mod table;
mod tally;
mod udp_client;

use std::{
    cmp::min,
    io::{self, Write},
    process::ExitCode,
    rc::Rc,
};

use clap::Parser;
use examples::{raise_descriptor_limit, run_program};
use reactor::Core;

use crate::{
    args::Args, crowd::Crowd, outcome::Outcome, part::Part, progress::Progress,
    semaphore::Semaphore, servers::Servers, table::Table, tally::Tally,
};

fn main() -> ExitCode {
    let args = Args::parse();
    run_program(|| demo(&args))
}

fn demo(args: &Args) -> io::Result<()> {
    let clients = args.affordable_clients(raise_descriptor_limit()?);
    let servers = Servers::start(args.drop_datagrams)?;
    let outcomes = run_parts(args, clients, &servers)?;
    servers.stop()?;
    let table = Table {
        outcomes: &outcomes,
        seed: args.seed,
    };
    write!(io::stdout(), "{table}")
}

fn run_parts(args: &Args, clients: usize, servers: &Servers) -> io::Result<Vec<Outcome>> {
    let progress = Progress::new(args.parts().map(|part| args.duration(part)).sum());
    let mut core = Core::new()?;
    let mut outcomes = Vec::new();
    for part in args.parts() {
        if args.corrupt == Some(part) {
            servers.corrupt(part);
        }
        let crowd = Crowd {
            part,
            clients: match part {
                Part::Direct | Part::Proxied => clients,
                Part::Udp => min(clients, udp_client::MOST_CLIENTS),
            },
            kinds: args.kinds(part),
            server: servers.addr(part),
            seed: args.seed,
            duration: args.duration(part),
            in_flight: Semaphore::new(MOST_IN_FLIGHT),
            tally: Rc::new(Tally::default()),
            handle: core.handle(),
            spawner: core.spawner(),
        };
        outcomes.push(core.run(Outcome::of(crowd, servers, &progress))??);
    }
    Ok(outcomes)
}

/// What all clients together may have sent and not yet received, in bytes. So it bounds the buffers of all
/// sockets as well.
const MOST_IN_FLIGHT: usize = 64 * 1024 * 1024;
