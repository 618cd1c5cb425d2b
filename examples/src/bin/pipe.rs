//! ```sh
//! cargo run --release -p examples --bin pipe -- 'sort -rn | head -3'
//! cargo run --release -p examples --bin pipe -- --lines 1000000 'wc -c'
//! ```
//!
//! Sends lines with numbers through a shell command, by two pipes, and prints what comes out.
//!
//! ```text
//!   1, 2, 3, … ─▶ pipe ─▶ command ─▶ pipe ─▶ what is printed
//! ```
//!
//! The command writes while it reads, and a pipe holds 64 KiB. A program that blocks and writes all of it
//! first never ends: nobody empties the second pipe, so the command stops reading the first. Here one
//! thread does both at once.
//!
//! Each end of a pipe is an object of its own with one direction. Setting ours to non-blocking mode does
//! not touch the command's.

#![forbid(unsafe_code)]

use std::{
    io::{self, Write},
    process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio},
};

use clap::Parser;
use examples::run_program;
use futures::future::try_join;
use io_traits::io::{copy, write_all};
use reactor::{Core, Fd, Handle, Options, PollEvented};

fn main() -> ExitCode {
    let args = Args::parse();
    run_program(|| pipe(&args))
}

fn pipe(args: &Args) -> io::Result<()> {
    let mut core = Core::new()?;
    let Filter {
        mut child,
        input,
        mut output,
    } = Filter::spawn(&args.command, &core.handle())?;
    let mut lines = String::new();
    (1..=args.lines).for_each(|number| lines += &format!("{number}\n"));
    let mut said = Vec::new();
    core.run(try_join(
        feed(input, lines.as_bytes()),
        copy(&mut output, &mut said),
    ))??;
    io::stdout().write_all(&said)?;
    io::stdout().flush()?;
    let status = child.wait()?;
    if !status.success() {
        return Err(io::Error::other(format!("{}: {status}", args.command)));
    }
    Ok(())
}

/// Writes everything, and then the end: the pipe is closed.
async fn feed(mut input: PollEvented<Fd<ChildStdin>>, bytes: &[u8]) -> io::Result<()> {
    match write_all(&mut input, bytes).await {
        // The command has read what it wanted.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// A shell command between two pipes.
struct Filter {
    child: Child,
    input: PollEvented<Fd<ChildStdin>>,
    output: PollEvented<Fd<ChildStdout>>,
}

impl Filter {
    fn spawn(command: &str, handle: &Handle) -> io::Result<Self> {
        let mut child = Command::new("sh")
            .args(["-c", command])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let input = Fd::new(input.expect("it is piped"))?;
        let output = Fd::new(output.expect("it is piped"))?;
        Ok(Self {
            child,
            input: PollEvented::with_options(input, handle, Options::write_only())?,
            output: PollEvented::on_demand(output, handle)?,
        })
    }
}

/// Send lines with numbers through a shell command and print what comes out
#[derive(Parser)]
#[command(version)]
struct Args {
    /// How many lines
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    lines: u64,

    #[arg(value_name = "COMMAND")]
    command: String,
}
