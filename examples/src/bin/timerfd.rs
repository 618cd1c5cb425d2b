//! ```sh
//! cargo run --release -p examples --bin timerfd
//! cargo run --release -p examples --bin timerfd -- --interval 300 --ticks 1000 --pause 50000
//! ```
//!
//! A clock in the kernel that ticks, timerfd_create(2): never early, and it does not wait for whoever
//! comes late. After a pause one look says how many ticks there were.
//!
//! [`Handle::sleep`](reactor::Handle::sleep) is the way to wait for a moment. A timerfd is for what that
//! cannot do: other clocks than the monotonic one, such as the time of day; timers that go on where
//! other programs read them.

#![forbid(unsafe_code)]

use std::{
    io::{self, Write},
    os::fd::OwnedFd,
    process::ExitCode,
    time::{Duration, Instant},
};

use clap::{Parser, value_parser};
use examples::run_program;
use io_traits::task;
use reactor::{Core, Fd, Handle, PollEvented};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

fn main() -> ExitCode {
    let args = Args::parse();
    run_program(|| {
        let mut core = Core::new()?;
        let handle = core.handle();
        core.run(tick(&args, &handle))?
    })
}

async fn tick(args: &Args, handle: &Handle) -> io::Result<()> {
    // Before the clock is started, so that no tick can seem early.
    let start = Instant::now();
    let clock = Clock::start(Duration::from_micros(args.interval), handle)?;
    let mut ticks = 0;
    while ticks < args.ticks {
        ticks += task::io(|| clock.ticks()).await?;
        let micros = start.elapsed().as_micros();
        writeln!(io::stdout(), "{ticks} ticks after {micros} us")?;
        if args.pause > 0 {
            handle.sleep(Duration::from_micros(args.pause)).await?;
        }
    }
    Ok(())
}

/// It ticks in equal intervals, from when it is started.
struct Clock {
    io: PollEvented<Fd<OwnedFd>>,
}

impl Clock {
    /// `interval` must not be 0: that is how the kernel is told to stop a timer.
    fn start(interval: Duration, handle: &Handle) -> io::Result<Self> {
        let fd = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC)?;
        let interval = Timespec::try_from(interval).map_err(io::Error::other)?;
        let times = Itimerspec {
            it_interval: interval,
            it_value: interval,
        };
        timerfd_settime(&fd, TimerfdTimerFlags::empty(), &times)?;
        let io = PollEvented::on_demand(Fd::new(fd)?, handle)?;
        Ok(Self { io })
    }

    /// How many ticks there were since the last look, at least 1, on the current task; would block if
    /// there was none.
    fn ticks(&self) -> io::Result<u64> {
        self.io.read_with(|fd| {
            let mut ticks = [0; 8];
            rustix::io::read(fd, &mut ticks)?;
            Ok(u64::from_ne_bytes(ticks))
        })
    }
}

/// Print when a clock in the kernel ticks
#[derive(Parser)]
#[command(version)]
struct Args {
    /// The time between ticks, in microseconds
    #[arg(
        long,
        value_name = "MICROSECONDS",
        default_value_t = 100_000,
        value_parser = value_parser!(u64).range(1..)
    )]
    interval: u64,

    /// How many ticks to wait for
    #[arg(long, value_name = "N", default_value_t = 10)]
    ticks: u64,

    /// How long to look away after each look, in microseconds
    #[arg(long, value_name = "MICROSECONDS", default_value_t = 0)]
    pause: u64,
}
