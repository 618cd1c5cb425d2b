//! ```sh
//! cargo run --release -p examples --bin balance
//! cargo run --release -p examples --bin balance -- --threads 4 --at-once 200
//! ```
//!
//! Shows how evenly connections and requests come to the cores of a server, when the system spreads the
//! connections ([`Spread::System`]), and when they are handed to the core that has the fewest
//! ([`Spread::HandOff`]). Every tenth connection, or so, asks ten times as often as the others, and stays ten
//! times as long: nobody knows that when it comes.
//!
//! The server is a [`CoresBuilder`] and a handler, as any other could be. It ends by itself.

#![forbid(unsafe_code)]

use std::{
    io,
    net::SocketAddr,
    num::NonZeroUsize,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use clap::Parser;
use examples::{Random, raise_descriptor_limit, run_program};
use futures::{TryStreamExt, future::ready, stream};
use io_traits::io::{read_exact, write_all};
use net::{Activity, CoresBuilder, OnCore, Spread, TcpStream};
use reactor::{Core, Handle};

fn main() -> ExitCode {
    let args = Args::parse();
    run_program(|| {
        raise_descriptor_limit()?;
        for (spread, what) in [
            (Spread::System, "the system spreads them (SO_REUSEPORT)"),
            (Spread::HandOff, "handed to the core that has the fewest"),
        ] {
            println!("{what}:");
            let (shares, open) = measure(&args, spread)?;
            show(&shares, open);
        }
        Ok(())
    })
}

/// What has come to one core.
struct Share {
    connections: u64,
    requests: u64,
}

/// Also by how much the core with the most open connections was above its fair share, on average.
fn measure(args: &Args, spread: Spread) -> io::Result<(Vec<Share>, f64)> {
    let requests: Arc<[AtomicU64]> = (0..args.threads.get()).map(|_| AtomicU64::new(0)).collect();
    let counting = requests.clone();
    let handler = move |core: &OnCore| {
        let (index, counting) = (core.index(), counting.clone());
        async move |mut stream: TcpStream, _: SocketAddr, activity: Activity| -> io::Result<()> {
            let mut request = [0; MESSAGE];
            loop {
                read_exact(&mut stream, &mut request).await?;
                let _busy = activity.busy();
                counting[index].fetch_add(1, Relaxed);
                write_all(&mut stream, &request).await?;
            }
        }
    };
    let cores = CoresBuilder::new()
        .threads(args.threads)
        .spread(spread)
        .listen(&"127.0.0.1:0".parse().expect("an address"), handler)?;

    let mut core = Core::new()?;
    let handle = core.handle();
    let addr = cores.local_addr();
    let mut random = Random::new(1);
    let clients = (0..args.connections).map(|_| {
        let mut byte = [0];
        random.fill(&mut byte);
        let times = match byte[0] % 10 {
            0 => 10 * u64::from(args.requests),
            _ => args.requests.into(),
        };
        io::Result::Ok(ask(addr, times, &handle))
    });
    let clients = stream::iter(clients).try_buffer_unordered(args.at_once.get());
    let mut open = Vec::new();
    // Looked at whenever a client has its answers.
    core.run(clients.try_for_each(|()| {
        open.push(imbalance(cores.loads().iter().map(|load| load.open as u64)));
        ready(Ok(()))
    }))??;
    let open = open.iter().sum::<f64>() / open.len() as f64;
    let loads = cores.loads();
    cores.shutdown().begin(Duration::from_secs(5));
    cores.wait()?;
    let share = |(load, requests): (&net::CoreLoad, &AtomicU64)| Share {
        connections: load.accepted,
        requests: requests.load(Relaxed),
    };
    Ok((loads.iter().zip(&*requests).map(share).collect(), open))
}

async fn ask(addr: SocketAddr, times: u64, handle: &Handle) -> io::Result<()> {
    let mut stream = TcpStream::connect(&addr, handle).await?;
    stream.set_nodelay(true)?;
    for _ in 0..times {
        write_all(&mut stream, &[b'x'; MESSAGE]).await?;
        read_exact(&mut stream, &mut [0; MESSAGE]).await?;
    }
    Ok(())
}

fn show(shares: &[Share], open: f64) {
    println!("  core  connections  requests");
    for (index, share) in shares.iter().enumerate() {
        let Share {
            connections,
            requests,
        } = share;
        println!("  {index:>4}  {connections:>11}  {requests:>8}");
    }
    println!(
        "  most  {:>11.2}  {:>8.2}  as a multiple of a fair share; of those open at one time {open:.2}",
        imbalance(shares.iter().map(|share| share.connections)),
        imbalance(shares.iter().map(|share| share.requests)),
    );
}

fn imbalance(parts: impl ExactSizeIterator<Item = u64> + Clone) -> f64 {
    let most = parts.clone().max().unwrap_or(0) as f64;
    let fair = parts.clone().sum::<u64>() as f64 / parts.len() as f64;
    if fair == 0.0 { 1.0 } else { most / fair }
}

const MESSAGE: usize = 64;

/// Show how evenly a server's cores are loaded
#[derive(Parser)]
#[command(version)]
struct Args {
    /// How many cores serve
    #[arg(long, value_name = "N", default_value = "2")]
    threads: NonZeroUsize,

    /// How many clients connect
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    connections: u32,

    /// How many of them are there at a time: when one has its answers, the next one comes
    #[arg(long, value_name = "N", default_value = "50")]
    at_once: NonZeroUsize,

    /// How often most of them ask; some ask ten times as often
    #[arg(long, value_name = "N", default_value_t = 50)]
    requests: u32,
}
