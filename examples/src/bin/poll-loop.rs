//! ```sh
//! cargo run --release -p examples --bin poll-loop -- --listen 127.0.0.1:7881
//! cargo run --release -p examples --bin connect -- 127.0.0.1:7881
//! ```
//!
//! A program that has a loop of its own, poll(2), and lends it to a core: an echo server beside commands on
//! standard input. So a core lives in the loop of a window system, of libevent, of glib.
//!
//! ```text
//!        ┌──▶ poll(2): standard input, the core's descriptor; until the core's next deadline
//!        │         │ a line            │ something for the core, or the deadline
//!        │         ▼                   ▼
//!        └── a command is done    core.turn(Some(Duration::ZERO))
//! ```
//!
//! Commands are lines: `status` tells how many connections there are and were, `quit` ends, and so does the end
//! of the input.

#![forbid(unsafe_code)]

use std::{
    cell::Cell,
    io::{self, BufRead, Write},
    net::SocketAddr,
    os::fd::AsFd,
    process::ExitCode,
    rc::Rc,
    time::{Duration, Instant},
};

use clap::Parser;
use examples::{named, run_program};
use futures::StreamExt;
use io_traits::io::copy;
use net::TcpListener;
use reactor::Core;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

fn main() -> ExitCode {
    let args = Args::parse();
    run_program(|| run(&args))
}

fn run(args: &Args) -> io::Result<()> {
    let mut core = Core::new()?;
    let listener = TcpListener::bind(&args.listen, &core.handle());
    let listener = listener.map_err(|error| named(args.listen, error))?;
    let mut stdout = io::stdout();
    writeln!(stdout, "listening on {}", listener.local_addr()?)?;
    let connections = Rc::new(Connections::default());
    drop(
        core.spawner()
            .spawn(serve(listener, connections.clone(), core.spawner())),
    );

    let (mut stdin, mut input) = (io::stdin().lock(), Vec::new());
    loop {
        let readiness = wait(&core)?;
        if readiness.core {
            core.turn(Some(Duration::ZERO))?;
        }
        if readiness.stdin {
            // All that its buffer holds: of what stays there poll(2) would not know.
            let read = stdin.fill_buf()?;
            let used = read.len();
            input.extend_from_slice(read);
            stdin.consume(used);
            while let Some(end) = input.iter().position(|&byte| byte == b'\n') {
                let line: Vec<u8> = input.drain(..=end).collect();
                match String::from_utf8_lossy(&line).trim() {
                    "status" => writeln!(stdout, "{connections}")?,
                    "quit" => return Ok(()),
                    other => writeln!(stdout, "no such command: {other}")?,
                }
            }
            if used == 0 {
                return Ok(());
            }
        }
    }
}

/// What there is to do.
struct Readiness {
    core: bool,
    stdin: bool,
}

/// One poll(2), which takes no longer than the core allows.
fn wait(core: &Core) -> io::Result<Readiness> {
    let stdin = io::stdin();
    let mut fds = [
        PollFd::from_borrowed_fd(core.as_fd(), PollFlags::IN),
        PollFd::from_borrowed_fd(stdin.as_fd(), PollFlags::IN),
    ];
    // To be asked anew before each wait: what a turn has done may have changed it.
    let deadline = core.next_deadline();
    let limit = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
    let timespec = limit.and_then(|limit| Timespec::try_from(limit).ok());
    match poll(&mut fds, timespec.as_ref()) {
        Ok(_) | Err(rustix::io::Errno::INTR) => {}
        Err(error) => return Err(error.into()),
    }
    let is_due = deadline.is_some_and(|deadline| Instant::now() >= deadline);
    Ok(Readiness {
        core: is_due || !fds[0].revents().is_empty(),
        stdin: !fds[1].revents().is_empty(),
    })
}

/// An ordinary server: that its loop is somebody else's does not concern it.
async fn serve(listener: TcpListener, connections: Rc<Connections>, spawner: reactor::Spawner) {
    let mut incoming = listener.incoming();
    while let Some(Ok((stream, _))) = incoming.next().await {
        let connections = connections.clone();
        spawner.spawn(async move {
            connections.open.set(connections.open.get() + 1);
            connections.all.set(connections.all.get() + 1);
            if let Err(error) = copy(&mut &stream, &mut &stream).await {
                tracing::debug!(%error, "a connection has failed");
            }
            connections.open.set(connections.open.get() - 1);
        });
    }
}

#[derive(Debug, Default)]
struct Connections {
    open: Cell<u32>,
    all: Cell<u32>,
}

impl std::fmt::Display for Connections {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} connections, {} open",
            self.all.get(),
            self.open.get()
        )
    }
}

/// Echo bytes, and obey commands, in one loop of poll(2)
#[derive(Parser)]
#[command(version)]
struct Args {
    /// Where to listen
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:7881")]
    listen: SocketAddr,
}
