//! ```sh
//! cargo run --release -p examples --bin signalfd
//! cargo run --release -p examples --bin signalfd -- --wait
//! ```
//!
//! Signals as data, signalfd(2): they interrupt nothing, there is no handler, and each says who has sent
//! it. Without `--wait` the program sends some to itself; with it, the first line says how to. SIGINT and
//! SIGTERM end it.
//!
//! A signal that is sent again before it has been read is one signal: signals are no queue.

#![forbid(unsafe_code)]

use std::{
    io::{self, Write},
    process::{self, ExitCode},
};

use clap::Parser;
use examples::run_program;
use io_traits::task;
use nix::sys::{
    signal::{SigSet, Signal},
    signalfd::{SfdFlags, SignalFd, siginfo},
};
use reactor::{Core, Fd, Handle, PollEvented};
use rustix::process::{getpid, kill_process};

fn main() -> ExitCode {
    let args = Args::parse();
    run_program(|| {
        let mut core = Core::new()?;
        let signals = Signals::new(&SIGNALS, &core.handle())?;
        core.run(report(&signals, args.wait))?
    })
}

async fn report(signals: &Signals, wait: bool) -> io::Result<()> {
    if wait {
        let pid = process::id();
        writeln!(io::stdout(), "kill -USR1 {pid}; kill -TERM {pid}")?;
    } else {
        use rustix::process::Signal as Sent;

        for signal in [Sent::USR1, Sent::USR1, Sent::TERM] {
            kill_process(getpid(), signal)?;
        }
        writeln!(io::stdout(), "sent: SIGUSR1, SIGUSR1, SIGTERM")?;
    }
    loop {
        let info = task::io(|| signals.next()).await?;
        let signal = Signal::try_from(info.ssi_signo as i32)?;
        let (pid, user) = (info.ssi_pid, info.ssi_uid);
        writeln!(io::stdout(), "{signal} from process {pid}, user {user}")?;
        if matches!(signal, Signal::SIGINT | Signal::SIGTERM) {
            return Ok(());
        }
    }
}

/// Signals that do nothing but wait here until they are read.
struct Signals {
    io: PollEvented<Fd<SignalFd>>,
}

impl Signals {
    /// Blocks the signals on this thread, and on those that it starts from now on. A thread that was
    /// there before would get them in the old way, so this comes first in a program.
    fn new(signals: &[Signal], handle: &Handle) -> io::Result<Self> {
        let signals: SigSet = signals.iter().copied().collect();
        signals.thread_block()?;
        let fd = SignalFd::with_flags(&signals, SfdFlags::SFD_CLOEXEC)?;
        let io = PollEvented::on_demand(Fd::new(fd)?, handle)?;
        Ok(Self { io })
    }

    /// The next signal, on the current task; would block if there is none.
    fn next(&self) -> io::Result<siginfo> {
        self.io.read_with(|fd| {
            let info = fd.get_ref().read_signal()?;
            Ok(info.ok_or(io::ErrorKind::WouldBlock)?)
        })
    }
}

const SIGNALS: [Signal; 4] = [
    Signal::SIGUSR1,
    Signal::SIGHUP,
    Signal::SIGINT,
    Signal::SIGTERM,
];

/// Print the signals that come, and who has sent them
#[derive(Parser)]
#[command(version)]
struct Args {
    /// Wait for signals of others
    #[arg(long)]
    wait: bool,
}
