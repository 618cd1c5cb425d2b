//! ```sh
//! cargo run --release -p examples --bin pidfd -- 'sleep 0.2; exit 3' 'kill -9 $$' 'true'
//! cargo run --release -p examples --bin pidfd -- --limit 500 'sleep 60'
//! ```
//!
//! Runs shell commands side by side and prints how each has ended, in the order in which they do. A
//! child process is an object that becomes readable when it ends, pidfd_open(2): no thread waits for it,
//! and no SIGCHLD has to be caught.
//!
//! It is also the way to kill a process without killing another one by mistake: the number of a process
//! may be given to a new one, a pidfd stays with the old.

#![forbid(unsafe_code)]

use std::{
    io::{self, Write},
    os::fd::{AsFd, OwnedFd},
    process::{Child, Command, ExitCode},
    time::Duration,
};

use clap::Parser;
use examples::run_program;
use futures::future::try_join_all;
use io_traits::task;
use reactor::{Core, Fd, Handle, PollEvented};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, WaitIdStatus, pidfd_open, pidfd_send_signal,
    waitid,
};

fn main() -> ExitCode {
    let args = Args::parse();
    run_program(|| {
        let mut core = Core::new()?;
        let handle = core.handle();
        let mut processes = Vec::new();
        for command in &args.commands {
            let process = Process::spawn(Command::new("sh").args(["-c", command]), &handle)?;
            writeln!(io::stdout(), "{} started: {command}", process.child.id())?;
            processes.push(process);
        }
        let limit = args.limit.map(Duration::from_millis);
        let ends = processes
            .iter()
            .map(|process| watch(process, limit, &handle));
        core.run(try_join_all(ends))??;
        Ok(())
    })
}

async fn watch(process: &Process, limit: Option<Duration>, handle: &Handle) -> io::Result<()> {
    let pid = process.child.id();
    let end = task::io(|| process.wait());
    let end = match limit {
        None => end.await?,
        Some(limit) => match handle.timeout(limit, end).await {
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                writeln!(io::stdout(), "{pid} has had its time")?;
                process.kill()?;
                task::io(|| process.wait()).await?
            }
            end => end??,
        },
    };
    match (end.exit_status(), end.terminating_signal()) {
        (Some(code), _) => writeln!(io::stdout(), "{pid} exited with code {code}"),
        (None, signal) => writeln!(
            io::stdout(),
            "{pid} was killed by signal {}",
            signal.unwrap_or_default()
        ),
    }
}

/// A child process; killed when it is dropped.
struct Process {
    child: Child,
    io: PollEvented<Fd<OwnedFd>>,
}

impl Process {
    fn spawn(command: &mut Command, handle: &Handle) -> io::Result<Self> {
        let mut child = command.spawn()?;
        let open = || {
            // It cannot be another one's number: ours is not given away before it was waited for.
            let fd = pidfd_open(Pid::from_child(&child), PidfdFlags::empty())?;
            Ok(PollEvented::on_demand(Fd::new(fd)?, handle)?)
        };
        match open() {
            Ok(io) => Ok(Self { child, io }),
            Err(error) => {
                child.kill().and_then(|()| child.wait())?;
                Err(error)
            }
        }
    }

    /// How it has ended, on the current task; would block while it runs. The system answers once.
    fn wait(&self) -> io::Result<WaitIdStatus> {
        self.io.read_with(|fd| {
            // NOHANG: before Linux 5.10, waitid did not look at the mode of the descriptor.
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
            let status = waitid(WaitId::PidFd(fd.as_fd()), options)?;
            Ok(status.ok_or(io::ErrorKind::WouldBlock)?)
        })
    }

    fn kill(&self) -> io::Result<()> {
        pidfd_send_signal(self.io.get_ref(), Signal::KILL)?;
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // An error: it has ended.
        let _ = self.kill();
    }
}

/// Run shell commands side by side and print how each has ended
#[derive(Parser)]
#[command(version)]
struct Args {
    /// Kill what runs longer, in milliseconds
    #[arg(long, value_name = "MILLISECONDS")]
    limit: Option<u64>,

    #[arg(value_name = "COMMAND", required = true)]
    commands: Vec<String>,
}
