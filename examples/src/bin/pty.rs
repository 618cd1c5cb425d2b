//! ```sh
//! cargo run --release -p examples --bin pty -- 'tty; stty size; ls --color=auto'
//! cargo run --release -p examples --bin pty -- --type Ada 'read name; echo "hello, $name"'
//! ```
//!
//! Runs a shell command in a terminal, pty(7), and prints what that shows, and how the command has ended.
//! The command can tell no difference to a terminal with a screen: it shows colours, asks for passwords
//! and is interrupted by a typed Ctrl-C. So this is how to drive programs that refuse a pipe.
//!
//! ```text
//!   typed ─▶ ┌────────┐ ─▶ line editing, echo, signals ─▶ ┌──────────┐
//!            │ our end│            terminal               │ /dev/pts │ standard input and output
//!   shown ◀─ └────────┘ ◀──────────────────────────────── └──────────┘ of the command
//! ```
//!
//! A process must make the terminal its own before it becomes the command. There is no safe way to run
//! code of ours in a new process before that, other than to start this program a second time.

#![forbid(unsafe_code)]

use std::{
    env,
    fs::File,
    io::{self, Write},
    os::{fd::AsFd, unix::process::CommandExt},
    pin::pin,
    process::{Child, Command, ExitCode},
};

use clap::Parser;
use examples::run_program;
use futures::future::{Either, select};
use io_traits::io::{read, write_all};
use reactor::{Core, Fd, Handle, PollEvented};
use rustix::{
    io::Errno,
    process::{ioctl_tiocsctty, setsid},
    pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt},
    termios::{Winsize, tcsetwinsize},
};

fn main() -> ExitCode {
    let args = Args::parse();
    run_program(|| match args.inside {
        true => become_command(&args.command),
        false => run(&args),
    })
}

fn run(args: &Args) -> io::Result<()> {
    let mut core = Core::new()?;
    let terminal = Terminal::open(args.rows, args.columns, &core.handle())?;
    let mut child = terminal.spawn(&args.command)?;
    core.run(async {
        let shown = pin!(show(&terminal));
        let typed = pin!(enter(&terminal, &args.lines));
        // Whoever ends need not have read what was typed.
        match select(shown, typed).await {
            Either::Left((shown, _)) => shown,
            Either::Right((typed, shown)) => typed.and(shown.await),
        }
    })??;
    writeln!(io::stdout(), "{}", child.wait()?)
}

/// Prints what the terminal shows, until nobody uses it any more.
async fn show(terminal: &Terminal) -> io::Result<()> {
    let mut buf = [0; 4096];
    loop {
        let n = match read(&mut &terminal.io, &mut buf).await {
            // Linux's way to say that no process has the other end open.
            Err(error) if error.raw_os_error() == Some(Errno::IO.raw_os_error()) => return Ok(()),
            n => n?,
        };
        io::stdout().write_all(&buf[..n])?;
        io::stdout().flush()?;
    }
}

/// Types lines, and then Ctrl-D: the end.
async fn enter(terminal: &Terminal, lines: &[String]) -> io::Result<()> {
    for line in lines {
        write_all(&mut &terminal.io, format!("{line}\n").as_bytes()).await?;
    }
    write_all(&mut &terminal.io, b"\x04").await
}

/// Our end of a terminal: what is written was typed, what is read is shown.
struct Terminal {
    io: PollEvented<Fd<File>>,
}

impl Terminal {
    fn open(rows: u16, columns: u16, handle: &Handle) -> io::Result<Self> {
        let ours = openpt(OPEN)?;
        unlockpt(&ours)?;
        let size = Winsize {
            ws_row: rows,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&ours, size)?;
        let io = PollEvented::on_demand(Fd::new(File::from(ours))?, handle)?;
        Ok(Self { io })
    }

    /// Starts a shell command in the terminal. The other end is open in that process alone, so that we
    /// see when it is closed.
    fn spawn(&self, command: &str) -> io::Result<Child> {
        let theirs = ioctl_tiocgptpeer(self.io.as_fd(), OPEN)?;
        Command::new(env::current_exe()?)
            .args(["--inside", "--", command])
            .stdin(theirs.try_clone()?)
            .stdout(theirs.try_clone()?)
            .stderr(theirs)
            .spawn()
    }
}

/// The second start: makes the terminal the one of a new session, then becomes the command.
fn become_command(command: &str) -> io::Result<()> {
    setsid()?;
    ioctl_tiocsctty(io::stdin())?;
    Err(Command::new("sh").args(["-c", command]).exec())
}

const OPEN: OpenptFlags = OpenptFlags::RDWR
    .union(OpenptFlags::NOCTTY)
    .union(OpenptFlags::CLOEXEC);

/// Run a shell command in a terminal of its own
#[derive(Parser)]
#[command(version)]
struct Args {
    /// The terminal's height
    #[arg(long, value_name = "N", default_value_t = 24)]
    rows: u16,

    /// The terminal's width
    #[arg(long, value_name = "N", default_value_t = 80)]
    columns: u16,

    /// Type a line; can be repeated
    #[arg(long = "type", value_name = "LINE", allow_hyphen_values = true)]
    lines: Vec<String>,

    #[arg(long, hide = true)]
    inside: bool,

    #[arg(value_name = "COMMAND")]
    command: String,
}
