//! ```sh
//! cargo run --release -p examples --bin demo
//! cargo run --release -p examples --bin demo -- --clients 1000 --seed 7 --seconds 5
//! ```
//!
//! An echo server and hundreds of clients in one process, over TCP, each with an event loop of its own.
//! Half of the clients send raw bytes, half send lines. All data comes from a seed, and every byte that
//! comes back is checked; the first wrong one ends the program with exit code 1.
//!
//! ```text
//!   main thread: core of the clients ─── TCP ───▶ thread "server": core of the server
//!
//!   connect ──▶ flood: as fast as it goes ──▶ paced: one message at a time ──▶ end of each stream
//!               measures throughput           measures round trips
//! ```
//!
//! # Reading order
//!
//! 1. This file: the two parts, and what the clients wait for in between.
//! 2. `client.rs`: what every client does; `raw_client.rs` and `lines_client.rs`: how each kind does it.
//! 3. `server.rs`: the server, and a mistake to be found.
//! 4. `tally.rs`: what is counted, and the table.

#![forbid(unsafe_code)]

mod client;
mod lines_client;
mod raw_client;
mod server;
mod tally;

use std::{
    io,
    net::SocketAddr,
    process::ExitCode,
    rc::Rc,
    time::{Duration, Instant},
};

use clap::{Parser, value_parser};
use examples::{named, raise_descriptor_limit, run_program};
use futures::{
    StreamExt,
    channel::{mpsc, oneshot},
    future::{FutureExt, join_all, try_join, try_join_all},
};
use indicatif::{ProgressBar, ProgressStyle};
use net::TcpStream;
use reactor::{Core, Handle, Spawner};

use crate::{
    client::{Plan, run_client},
    lines_client::LinesClient,
    raw_client::RawClient,
    server::Server,
    tally::Tally,
};

fn main() -> ExitCode {
    let args = Args::parse();
    run_program(|| demo(&args))
}

fn demo(args: &Args) -> io::Result<()> {
    let clients = affordable(args.clients as usize, raise_descriptor_limit()?);
    let server = Server::start(args.corrupt)?;
    let tally = Rc::new(Tally::default());

    let mut core = Core::new()?;
    let (handle, spawner) = (core.handle(), core.spawner());
    let total = args.flood() + args.paced();
    spawner.spawn(show_progress(handle.clone(), tally.clone(), total));
    let crowd = Crowd {
        args,
        clients,
        handle,
        spawner,
        tally: tally.clone(),
    };
    let outcome = core.run(crowd.run(server.addr()))?;
    // With its tasks, among which is the progress bar.
    drop(core);

    let metrics = server.metrics();
    server.stop()?;
    outcome?;
    tally.print_table(clients, args.seed, &metrics);
    Ok(())
}

/// A connection takes two descriptors, as both its ends are in this process.
fn affordable(wanted: usize, descriptors: u64) -> usize {
    let descriptors = usize::try_from(descriptors).unwrap_or(usize::MAX);
    let most = (descriptors.saturating_sub(OTHER_DESCRIPTORS) / 2).max(1);
    if most < wanted {
        eprintln!("{most} clients instead of {wanted}: the limit is {descriptors} descriptors");
    }
    most.min(wanted)
}

/// The clients, all on one core.
struct Crowd<'a> {
    args: &'a Args,
    clients: usize,
    handle: Handle,
    spawner: Spawner,
    tally: Rc<Tally>,
}

impl Crowd<'_> {
    async fn run(&self, server: SocketAddr) -> io::Result<()> {
        let streams = self.connect(server).await?;
        let (flooding, flood_over) = mpsc::channel::<()>(0);
        let (start_pace, pace) = oneshot::channel();
        let plan = Plan {
            flood_until: self.tally.start_flood() + self.args.flood(),
            flooding,
            pace: pace.shared(),
            interval: self.interval(),
        };

        let mut clients = Vec::with_capacity(self.clients);
        for (number, stream) in streams.into_iter().enumerate() {
            clients.push(self.spawn_client(number, stream, plan.clone()));
        }
        drop(plan);
        let clients = try_join_all(clients);

        let parts = async {
            // The channel ends when the last client has dropped its sender.
            flood_over.collect::<Vec<()>>().await;
            self.tally.end_flood();
            // An error: a client has failed, which it tells itself.
            let _ = start_pace.send(Instant::now() + self.args.paced());
            Ok(())
        };
        try_join(clients, parts).await?;
        Ok(())
    }

    async fn connect(&self, server: SocketAddr) -> io::Result<Vec<TcpStream>> {
        let mut streams = Vec::with_capacity(self.clients);
        while streams.len() < self.clients {
            let batch = CONNECT_AT_ONCE.min(self.clients - streams.len());
            let connects = (0..batch).map(|_| TcpStream::connect(&server, &self.handle));
            for stream in join_all(connects).await {
                let stream = stream?;
                stream.set_nodelay(true)?;
                streams.push(stream);
            }
        }
        Ok(streams)
    }

    async fn spawn_client(&self, number: usize, stream: TcpStream, plan: Plan) -> io::Result<()> {
        let (handle, tally) = (self.handle.clone(), self.tally.clone());
        let seed = self.args.seed.wrapping_add(number as u64);
        let (kind, task) = if number % 2 == 0 {
            let client = RawClient::new(stream, seed);
            let run = run_client(client, seed, plan, handle, tally);
            ("raw", self.spawner.spawn(run))
        } else {
            let client = LinesClient::new(stream, seed);
            let run = run_client(client, seed, plan, handle, tally);
            ("lines", self.spawner.spawn(run))
        };
        let result = task.await.map_err(io::Error::from).and_then(|done| done);
        result.map_err(|error| named(format_args!("client {number} ({kind})"), error))
    }

    /// The pause of a client between two round trips, so that all together keep to the rate.
    fn interval(&self) -> Duration {
        Duration::from_secs_f64(self.clients as f64 / f64::from(ROUND_TRIPS_PER_SECOND))
    }
}

/// Shows, on a terminal, how far it is.
async fn show_progress(handle: Handle, tally: Rc<Tally>, total: Duration) -> io::Result<()> {
    let bar = ProgressBar::new(total.as_millis() as u64);
    let style = ProgressStyle::with_template("{wide_bar} {msg}").expect("the template is valid");
    bar.set_style(style);
    loop {
        handle.sleep(Duration::from_millis(100)).await?;
        bar.set_position(tally.elapsed().as_millis() as u64);
        bar.set_message(format!("{} MB checked", tally.bytes() / 1_000_000));
    }
}

/// As many as the listener's queue has room for, with some to spare.
const CONNECT_AT_ONCE: usize = 256;
/// Descriptors that are not connections: standard streams, listener, pollers.
const OTHER_DESCRIPTORS: usize = 32;
/// A load that leaves the loops idle for most of the time.
const ROUND_TRIPS_PER_SECOND: u32 = 2_000;

/// Echo random data of hundreds of clients in one process, and check every byte
#[derive(Parser)]
#[command(version)]
struct Args {
    /// How many clients there are
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = value_parser!(u32).range(1..))]
    clients: u32,

    /// What the data comes from
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,

    /// How long it takes in all, half for each part
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = value_parser!(u64).range(1..))]
    seconds: u64,

    /// Have the server flip one bit, to see the check fail
    #[arg(long, hide = true)]
    corrupt: bool,
}

impl Args {
    fn flood(&self) -> Duration {
        Duration::from_secs(self.seconds) / 2
    }

    fn paced(&self) -> Duration {
        Duration::from_secs(self.seconds) / 2
    }
}
