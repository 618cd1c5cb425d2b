//! The driver: starts the servers, loads them, and writes what it has found. `make bench` and
//! `make count` call it.

#![forbid(unsafe_code)]

mod contestant;
mod count;
mod cpus;
mod datagram_clients;
mod frame_clients;
mod generator;
mod machine;
mod report;
mod scenario;
mod server;
mod spread;
mod strace;
mod timing;

use std::{io, path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use crate::cpus::Cpus;

fn main() -> ExitCode {
    let args = Args::parse();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> io::Result<()> {
    machine::raise_descriptor_limit()?;
    let cpus = Cpus::of_this_process()?;
    let report = match &args.command {
        Command::Time { rounds, seed, only } => {
            timing::run(*rounds, *seed, only, &cpus, &args.programs)?
        }
        Command::Count { only } => count::run(only, &cpus.shared()?, &args.out)?,
    };
    report.write(&args.out)?;
    Ok(())
}

/// Compare the libraries with their peers
#[derive(Parser)]
#[command(version)]
struct Args {
    #[command(subcommand)]
    command: Command,

    /// Where the reports go
    #[arg(long, global = true, default_value = "target/bench")]
    out: PathBuf,

    /// Where the example programs are, which some scenarios measure as well
    #[arg(long, global = true, default_value = "target/release")]
    programs: PathBuf,
}

#[derive(Subcommand)]
enum Command {
    /// CPU time, throughput and memory, as ratios to a bare epoll loop
    Time {
        /// How often each contestant is measured in each scenario
        #[arg(long, default_value_t = 7)]
        rounds: usize,

        /// What the order of the contestants comes from
        #[arg(long, default_value_t = 1)]
        seed: u64,

        /// Only scenarios whose name contains this
        #[arg(long, default_value = "")]
        only: String,
    },
    /// Instructions, syscalls and allocated bytes
    Count {
        /// Only counts whose name contains this
        #[arg(long, default_value = "")]
        only: String,
    },
}
