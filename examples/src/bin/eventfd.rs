//! ```sh
//! cargo run --release -p examples --bin eventfd
//! cargo run --release -p examples --bin eventfd -- --adds 1000 --step 4611686018427387904
//! ```
//!
//! A counter in the kernel, eventfd(2): one thread adds to it, another takes what is there. Nothing that
//! was added is lost, however seldom the other looks.
//!
//! ```text
//!   thread "adding" ── add ──▶ ┌─────────┐ ── take ──▶ main thread, with the core
//!     waits while it is full   │ counter │              waits while it is 0
//!                              └─────────┘
//! ```
//!
//! Both use one object, registered with the core of the main thread. The other thread has an executor
//! that knows nothing of event loops.

#![forbid(unsafe_code)]

use std::{
    io::{self, Write},
    os::fd::OwnedFd,
    process::ExitCode,
    sync::Arc,
    thread,
};

use clap::{Parser, value_parser};
use examples::run_program;
use futures::{channel::oneshot, executor::block_on, future::try_join};
use io_traits::task;
use reactor::{Core, Fd, Handle, PollEvented};
use rustix::event::{EventfdFlags, eventfd};

fn main() -> ExitCode {
    let args = Args::parse();
    run_program(|| count(&args))
}

fn count(args: &Args) -> io::Result<()> {
    let mut core = Core::new()?;
    let counter = Arc::new(Counter::new(&core.handle())?);
    let (ended, end) = oneshot::channel();
    let adding = {
        let (counter, args) = (counter.clone(), args.clone());
        let add = move || ended.send(block_on(add_all(&counter, &args)));
        thread::Builder::new().name("adding".into()).spawn(add)?
    };
    let total = u128::from(args.adds) * u128::from(args.step);
    let added = async {
        let added = end.await;
        added.unwrap_or_else(|_| Err(io::Error::other("the thread has panicked")))
    };
    // If the adding fails, the taking would wait for ever.
    let (takes, ()) = core.run(try_join(take_all(&counter, total), added))??;
    let _ = adding.join();
    writeln!(
        io::stdout(),
        "{} adds of {} are {total}, taken in {takes} times",
        args.adds,
        args.step
    )
}

async fn add_all(counter: &Counter, args: &Args) -> io::Result<()> {
    for _ in 0..args.adds {
        task::io(|| counter.add(args.step)).await?;
    }
    Ok(())
}

/// Takes until there were `total`; returns how many times.
async fn take_all(counter: &Counter, total: u128) -> io::Result<u64> {
    let (mut taken, mut takes) = (0, 0);
    while taken < total {
        taken += u128::from(task::io(|| counter.take()).await?);
        takes += 1;
    }
    if taken > total {
        return Err(io::Error::other(format!("{taken} were taken")));
    }
    Ok(takes)
}

/// A number in the kernel, from 0 to `u64::MAX - 1`.
struct Counter {
    io: PollEvented<Fd<OwnedFd>>,
}

impl Counter {
    fn new(handle: &Handle) -> io::Result<Self> {
        let fd = Fd::new(eventfd(0, EventfdFlags::CLOEXEC)?)?;
        let io = PollEvented::on_demand(fd, handle)?;
        Ok(Self { io })
    }

    /// Adds to it, on the current task; would block if that made more than fits in.
    ///
    /// `u64::MAX` never fits, and is [`InvalidInput`](io::ErrorKind::InvalidInput).
    fn add(&self, number: u64) -> io::Result<()> {
        self.io.write_with(|fd| {
            // eventfd(2): all eight bytes are written, or none.
            rustix::io::write(fd, &number.to_ne_bytes())?;
            Ok(())
        })
    }

    /// Makes it 0 and returns what it was, on the current task; would block if it is 0.
    fn take(&self) -> io::Result<u64> {
        self.io.read_with(|fd| {
            let mut number = [0; 8];
            rustix::io::read(fd, &mut number)?;
            Ok(u64::from_ne_bytes(number))
        })
    }
}

/// Add to a counter in the kernel on one thread, and take from it on another
#[derive(Clone, Parser)]
#[command(version)]
struct Args {
    /// How many times to add
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    adds: u64,

    /// What to add each time
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1,
        value_parser = value_parser!(u64).range(1..u64::MAX)
    )]
    step: u64,
}
