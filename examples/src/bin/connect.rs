//! ```sh
//! cargo run --release -p examples --bin echo
//! cargo run --release -p examples --bin connect -- 127.0.0.1:7878
//! ```
//!
//! Standard input goes to a socket, and what comes from there to standard output. The end of standard
//! input ends the writing side of the socket only; the program ends when the peer does.
//!
//! # Standard input and output block
//!
//! They may be files, which cannot be polled, or a terminal shared with other programs, which must not
//! be set to non-blocking mode. So each has a thread, with a short channel between it and the loop.
//!
//! ```text
//!   stdin  ─▶ thread ─▶ channel ─▶ ┌──────┐ ─▶ socket
//!   stdout ◀─ thread ◀─ channel ◀─ │ core │ ◀─ socket
//!                                  └──────┘
//! ```

#![forbid(unsafe_code)]

use std::{
    io::{self, Read, Write},
    pin::pin,
    process::ExitCode,
    thread::{self, JoinHandle},
};

use bytes::{Bytes, BytesMut};
use clap::Parser;
use examples::{named, run_program};
use futures::{
    SinkExt, StreamExt,
    channel::mpsc::{Receiver, Sender, channel},
    executor::block_on,
    future::{Either, select},
};
use io_traits::{
    io::{shutdown, write_all},
    read_buf, task,
};
use net::TcpStream;
use reactor::Core;

fn main() -> ExitCode {
    let args = Args::parse();
    run_program(|| connect(&args.addr))
}

fn connect(addr: &str) -> io::Result<()> {
    let mut core = Core::new()?;
    // An error of it has the name and every address.
    let stream = core.run(net::connect(addr, &core.handle()))??;
    let input = spawn_input()?;
    let (output, printing) = spawn_output()?;
    let received = core.run(async {
        let sending = pin!(send(&stream, input));
        let receiving = pin!(receive(&stream, output));
        // The peer's end is the end of all, however long standard input goes on.
        match select(receiving, sending).await {
            Either::Left((received, _)) => received,
            Either::Right((sent, receiving)) => {
                if let Err(error) = sent {
                    tracing::warn!(%error, "sending has ended early");
                }
                receiving.await
            }
        }
    })?;
    // What was received has to be printed before the program ends; standard input may still block.
    let printed = printing
        .join()
        .unwrap_or_else(|_| Err(io::Error::other("the thread has panicked")));
    printed.map_err(|error| named("standard output", error))?;
    received.map_err(|error| named(addr, error))
}

async fn send(mut stream: &TcpStream, mut input: Receiver<io::Result<Bytes>>) -> io::Result<()> {
    while let Some(bytes) = input.next().await {
        write_all(&mut stream, &bytes?).await?;
    }
    shutdown(&mut stream).await
}

async fn receive(mut stream: &TcpStream, mut output: Sender<Bytes>) -> io::Result<()> {
    let mut buf = BytesMut::new();
    loop {
        buf.reserve(CHUNK);
        if task::io(|| read_buf(&mut stream, &mut buf)).await? == 0 {
            return Ok(());
        }
        if output.send(buf.split().freeze()).await.is_err() {
            // The thread has ended, and will say why.
            return Ok(());
        }
    }
}

/// Starts a thread that reads standard input to its end.
fn spawn_input() -> io::Result<Receiver<io::Result<Bytes>>> {
    let (mut sender, input) = channel(CHUNKS);
    let read = move || {
        let mut stdin = io::stdin().lock();
        let mut buf = vec![0; CHUNK];
        loop {
            let chunk = match stdin.read(&mut buf) {
                Ok(0) => return,
                Ok(n) => Ok(Bytes::copy_from_slice(&buf[..n])),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => Err(named("standard input", error)),
            };
            let failed = chunk.is_err();
            // Blocks this thread while the channel is full. An error: the program ends.
            if block_on(sender.send(chunk)).is_err() || failed {
                return;
            }
        }
    };
    thread::Builder::new().name("stdin".into()).spawn(read)?;
    Ok(input)
}

/// Starts a thread that prints what it is sent, until the sender is dropped.
fn spawn_output() -> io::Result<(Sender<Bytes>, JoinHandle<io::Result<()>>)> {
    let (output, mut receiver) = channel::<Bytes>(CHUNKS);
    let print = move || {
        let mut stdout = io::stdout().lock();
        while let Some(bytes) = block_on(receiver.next()) {
            stdout.write_all(&bytes)?;
            stdout.flush()?;
        }
        Ok(())
    };
    let thread = thread::Builder::new().name("stdout".into()).spawn(print)?;
    Ok((output, thread))
}

/// Bytes that are read at once.
const CHUNK: usize = 64 * 1024;
/// Chunks that wait between a thread and the loop.
const CHUNKS: usize = 4;

/// Connect standard input and output to a socket
#[derive(Parser)]
#[command(version)]
struct Args {
    /// Where to connect to, as HOST:PORT
    addr: String,
}
