//! ```sh
//! cargo run --release -p examples --bin dns -- --upstream 192.0.2.53:53
//! dig @127.0.0.1 -p 5353 example.org
//! ```
//!
//! Asks a name server on behalf of others, and remembers what it has said for as long as that may be
//! remembered. By UDP and TCP.
//!
//! ```text
//!   client ─ datagram ─▶ main.rs: a batch at a time ──▶ forwarder.rs ──▶ cache.rs
//!   client ─ connection ─▶ serve_on: two bytes of length ─▶  │
//!                                                            └ not there ─▶ upstream.rs: a socket for each question
//! ```
//!
//! `message.rs` has what is read in clients' messages and written for them, `answer.rs` what the name server
//! has said. What this does not do: it validates no
//! signatures, and asks for none.

#![forbid(unsafe_code)]

mod answer;
mod cache;
mod forwarder;
mod message;
mod upstream;

use std::{
    io::{self, ErrorKind},
    net::{IpAddr, SocketAddr, TcpListener, UdpSocket as StdUdp},
    num::NonZeroUsize,
    process::ExitCode,
    rc::Rc,
    time::Duration,
};

use bytes::Bytes;
use clap::Parser;
use codec::Framed;
use examples::{ServerArgs, named, run_on_threads, run_program, serve_on};
use futures::{
    channel::oneshot,
    future::{Either, select},
};
use io_traits::task;
use net::{RecvBatch, TcpStream, Transmit, UdpSocket, is_transient};
use reactor::{Core, Handle, Spawner};

use crate::{
    cache::Cache,
    forwarder::{Forwarder, Said},
    message::By,
    upstream::{Upstream, messages},
};

fn main() -> ExitCode {
    let args = Args::parse();
    run_program(|| {
        let server = args.server.clone();
        run_on_threads(
            || both_kinds(&server),
            move |sockets, stopped| serve(&args, sockets, stopped),
        )
    })
}

type Sockets = (StdUdp, TcpListener);

/// Sockets of both kinds at one port.
fn both_kinds(server: &ServerArgs) -> io::Result<(SocketAddr, Vec<Sockets>)> {
    let mut tries = 0..10;
    loop {
        let datagrams = server.udp_sockets()?;
        let listen = datagrams[0].local_addr()?;
        let connections = ServerArgs {
            listen,
            ..server.clone()
        };
        match connections.listeners() {
            Ok(listeners) => return Ok((listen, datagrams.into_iter().zip(listeners).collect())),
            // The port that the system has chosen is free for one kind alone.
            Err(error)
                if error.kind() == ErrorKind::AddrInUse
                    && server.listen.port() == 0
                    && tries.next().is_some() => {}
            Err(error) => return Err(error),
        }
    }
}

fn serve(
    args: &Args,
    (datagrams, listener): Sockets,
    stopped: oneshot::Receiver<()>,
) -> io::Result<()> {
    let mut core = Core::new()?;
    let (handle, spawner) = (core.handle(), core.spawner());
    let upstream = Upstream::new(args.upstream, Duration::from_millis(args.timeout), &handle);
    let forwarder = Rc::new(Forwarder::new(upstream, Cache::new(args.cache.get())));

    let socket = Rc::new(UdpSocket::from_std(datagrams, &handle)?);
    let by_udp = serve_datagrams(socket, forwarder.clone(), spawner.clone());
    let by_udp = spawner.spawn(by_udp);
    let mut failed = None;
    let end = async {
        // Without datagrams there is no use in going on.
        if let Either::Right((ended, _)) = select(stopped, by_udp).await {
            failed = Some(ended);
        }
    };
    let by_tcp =
        async move |client: &TcpStream| serve_connection(client, &forwarder, &handle).await;
    serve_on(&mut core, listener, by_tcp, end)?;
    failed.map_or(Ok(()), |ended| {
        let Err(error) = ended?;
        Err(named("no datagrams any more", error))
    })
}

async fn serve_datagrams(
    socket: Rc<UdpSocket>,
    forwarder: Rc<Forwarder>,
    spawner: Spawner,
) -> io::Result<std::convert::Infallible> {
    // An answer has to come from where the question went, which only matters if there is a choice.
    if socket.local_addr()?.ip().is_unspecified() {
        socket.set_recv_destination(true)?;
    }
    let mut batch = RecvBatch::new(BATCH, LONGEST_QUERY);
    let waiting = Rc::new(());
    loop {
        match task::io(|| socket.recv_batch(&mut batch)).await {
            // Somebody has not waited for an answer.
            Err(error) if is_transient(&error) => continue,
            received => received?,
        };
        let mut answers = Vec::new();
        for datagram in &batch {
            let client = (datagram.meta.from, datagram.meta.to);
            match forwarder.at_once(datagram.payload, By::Udp) {
                Said::Nothing => {}
                Said::Answer(answer) => answers.push((answer, client)),
                Said::AskUpstream(query) => {
                    // Who asks for more than this is not helped by memory.
                    if Rc::strong_count(&waiting) > MOST_WAITING {
                        answers.push((query.failure(), client));
                        continue;
                    }
                    let (socket, forwarder) = (socket.clone(), forwarder.clone());
                    let waiting = waiting.clone();
                    spawner.spawn(async move {
                        let answer = forwarder.ask(&query, By::Udp).await;
                        send(&socket, &[(answer, client)]).await;
                        drop(waiting);
                    });
                }
            }
        }
        send(&socket, &answers).await;
    }
}

type Client = (SocketAddr, Option<IpAddr>);

/// Sends all answers, many in a system call. One that cannot be sent is lost, as any datagram may be.
async fn send(socket: &UdpSocket, answers: &[(Vec<u8>, Client)]) {
    let transmits = answers.iter().map(|(answer, (to, from))| {
        let transmit = Transmit::new(answer).to(*to);
        match from {
            Some(from) => transmit.from(*from),
            None => transmit,
        }
    });
    let mut batch: Vec<_> = transmits.collect();
    let mut rest = &mut batch[..];
    while !rest.is_empty() {
        let sent = match task::io(|| socket.send_batch(rest)).await {
            Ok(sent) => sent,
            Err(error) => {
                tracing::debug!(%error, "an answer was not sent");
                1
            }
        };
        rest = &mut rest[sent..];
    }
}

/// One question after the other, until the client ends or is silent for too long.
async fn serve_connection(
    client: &TcpStream,
    forwarder: &Forwarder,
    handle: &Handle,
) -> io::Result<()> {
    let mut messages = Framed::new(client, messages());
    while let Some(question) = handle.timeout(IDLE, messages.next()).await? {
        let answer = match forwarder.at_once(&question?, By::Tcp) {
            Said::Nothing => return Ok(()),
            Said::Answer(answer) => answer,
            Said::AskUpstream(query) => forwarder.ask(&query, By::Tcp).await,
        };
        let sending = messages.send(Bytes::from(answer));
        handle.timeout(IDLE, sending).await??;
    }
    Ok(())
}

/// Ask a name server on behalf of others, and remember what it has said
#[derive(Parser, Clone)]
#[command(version, mut_arg("listen", |arg| arg.default_value("127.0.0.1:5353")))]
struct Args {
    #[command(flatten)]
    server: ServerArgs,

    /// The name server that knows
    #[arg(long, value_name = "ADDR")]
    upstream: SocketAddr,

    /// How many answers each thread remembers
    #[arg(long, value_name = "N", default_value = "10000")]
    cache: NonZeroUsize,

    /// How many milliseconds the name server has for an answer; it is asked twice
    #[arg(long, value_name = "MS", default_value_t = 2000)]
    timeout: u64,
}

const BATCH: usize = 32;

/// Bytes; what is longer is cut off, and then malformed.
const LONGEST_QUERY: usize = 4096;

/// Questions of a thread that wait for the name server.
const MOST_WAITING: usize = 2000;

/// RFC 7766, 6.2.3: a client may keep its connection for a while.
const IDLE: Duration = Duration::from_secs(10);
