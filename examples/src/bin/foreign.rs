//! ```sh
//! cargo run --release -p examples --bin foreign -- tokio
//! cargo run --release -p examples --bin foreign -- smol --clients 100 --messages 1000
//! ```
//!
//! Sockets of `net` under an executor that knows nothing of them: an echo server and its clients, as tasks of tokio
//! or of smol. One thread turns the reactor, and all that it does is to wake.
//!
//! ```text
//!   threads of the executor: tasks that read and write ──┐ would block: registered
//!            ▲                                            ▼
//!            └────────────── wake ◀── the thread of the reactor (Background)
//! ```

#![forbid(unsafe_code)]

use std::{
    future::Future,
    io::{self, Write},
    net::{Ipv4Addr, SocketAddr},
    process::ExitCode,
};

use clap::{Parser, ValueEnum};
use examples::{Random, run_program};
use futures::{StreamExt, future::try_join_all};
use io_traits::io::{copy, read_exact, write_all};
use net::{TcpListener, TcpStream};
use reactor::{Background, Handle};

fn main() -> ExitCode {
    let args = Args::parse();
    run_program(|| run(&args))
}

fn run(args: &Args) -> io::Result<()> {
    let background = Background::new()?;
    let handle = background.handle();
    match args.executor {
        Executor::Tokio => {
            // Neither its sockets nor its timers are needed.
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .build()?;
            let spawn = |task| drop(tokio::spawn(task));
            runtime.block_on(echo(args, &handle, spawn))?;
        }
        Executor::Smol => {
            let executor = smol::Executor::new();
            let spawn = |task| executor.spawn(task).detach();
            smol::block_on(executor.run(echo(args, &handle, spawn)))?;
        }
    }
    let metrics = handle.metrics();
    background.stop()?;
    writeln!(
        io::stdout(),
        "{:?}: {} clients have got all of {} messages each; {} wakeups by {} events",
        args.executor,
        args.clients,
        args.messages,
        metrics.wakeups,
        metrics.events,
    )
}

/// A server and its clients; `spawn` is how the executor takes a task.
async fn echo<S>(args: &Args, handle: &Handle, spawn: S) -> io::Result<()>
where
    S: Fn(Task),
{
    let listener = TcpListener::bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), handle)?;
    let addr = listener.local_addr()?;
    let mut incoming = listener.incoming().take(args.clients);
    let serve = async {
        while let Some(accepted) = incoming.next().await {
            let (stream, _) = accepted?;
            spawn(Box::pin(async move {
                if let Err(error) = copy(&mut &stream, &mut &stream).await {
                    tracing::warn!(%error, "a connection has failed");
                }
            }));
        }
        io::Result::Ok(())
    };
    let clients = (0..args.clients).map(|client| talk(client as u64, addr, args.messages, handle));
    futures::try_join!(serve, try_join_all(clients))?;
    Ok(())
}

type Task = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

/// Sends messages of random bytes, and compares what comes back.
async fn talk(seed: u64, addr: SocketAddr, messages: u32, handle: &Handle) -> io::Result<()> {
    let stream = TcpStream::connect(&addr, handle).await?;
    stream.set_nodelay(true)?;
    let mut random = Random::new(seed);
    let (mut message, mut answer) = ([0; 64], [0; 64]);
    for _ in 0..messages {
        random.fill(&mut message);
        write_all(&mut &stream, &message).await?;
        read_exact(&mut &stream, &mut answer).await?;
        if answer != message {
            return Err(io::Error::other("something else came back"));
        }
    }
    Ok(())
}

/// Run sockets of net under the executor of somebody else
#[derive(Parser)]
#[command(version)]
struct Args {
    /// Whose tasks they are
    executor: Executor,

    /// How many clients there are at once
    #[arg(long, value_name = "N", default_value_t = 20)]
    clients: usize,

    /// How many messages each of them sends
    #[arg(long, value_name = "N", default_value_t = 100)]
    messages: u32,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Executor {
    Tokio,
    Smol,
}
