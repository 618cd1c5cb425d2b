//! What the programs that sleep have in common: how long, and what they say in the end.

use std::{
    io::{self, Write},
    time::{Duration, Instant},
};

use nix::time::{ClockId, clock_gettime};

/// How long a short sleep is.
pub const SHORT_SLEEP: Duration = Duration::from_micros(200);

/// How long each of many tasks sleeps in all: anything up to a second, the same for all contestants. The first
/// ones end only when the last task has been started.
pub fn many_sleeps(tasks: u32) -> impl Iterator<Item = Duration> {
    let mut random = fastrand::Rng::with_seed(1);
    (0..tasks).map(move |_| Duration::from_micros(random.u64(100_000..1_100_000)))
}

/// How long sleeps are that are not waited for: about as long as the limits of time that servers set.
pub fn long_sleeps(count: u32) -> impl Iterator<Item = Duration> {
    let micros = |n: u32| 10_000_000 + u64::from(n.wrapping_mul(2_654_435_761) >> 6);
    (0..count).map(move |n| Duration::from_micros(micros(n)))
}

/// How late sleeps were, one by one.
#[derive(Debug, Default)]
pub struct Lateness(Vec<Duration>);

impl Lateness {
    /// A sleep of `asked` that began at `begin` is over now.
    ///
    /// # Panics
    ///
    /// If that is too early.
    pub fn note(&mut self, begin: Instant, asked: Duration) {
        let took = begin.elapsed();
        assert!(took >= asked, "a sleep of {asked:?} took {took:?}");
        self.0.push(took - asked);
    }

    /// Says the median, in nanoseconds.
    ///
    /// # Errors
    ///
    /// Those of the standard output.
    pub fn say(mut self) -> io::Result<()> {
        self.0.sort_unstable();
        let middle = self.0.get(self.0.len() / 2).copied();
        say(middle.unwrap_or_default())
    }
}

/// The CPU time that this process uses from now on.
#[derive(Debug)]
pub struct CpuClock(Duration);

impl CpuClock {
    /// Begins now.
    #[must_use]
    pub fn start() -> Self {
        Self(cpu_time())
    }

    /// Says it, in nanoseconds.
    ///
    /// # Errors
    ///
    /// Those of the standard output.
    pub fn say(self) -> io::Result<()> {
        say(cpu_time() - self.0)
    }
}

/// Of all threads, also while they run.
fn cpu_time() -> Duration {
    // Not rustix's: that looks for the vDSO, which valgrind hides, and crashes there.
    clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID)
        .expect("every process has that clock")
        .into()
}

fn say(figure: Duration) -> io::Result<()> {
    writeln!(io::stdout(), "{}", figure.as_nanos())
}
