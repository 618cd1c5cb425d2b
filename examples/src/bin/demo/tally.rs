use std::{
    cell::{Cell, RefCell},
    fmt::Display,
    fs,
    time::{Duration, Instant},
};

use reactor::Metrics;

/// What all clients together have done.
#[derive(Default)]
pub(crate) struct Tally {
    messages: Cell<u64>,
    bytes: Cell<u64>,
    flood: Cell<Option<Flood>>,
    round_trips: RefCell<Vec<Duration>>,
}

#[derive(Clone, Copy)]
struct Flood {
    started: Instant,
    /// Its length and the bytes of it, once it is over.
    over: Option<(Duration, u64)>,
}

impl Tally {
    pub(crate) fn start_flood(&self) -> Instant {
        let started = Instant::now();
        let over = None;
        self.flood.set(Some(Flood { started, over }));
        started
    }

    pub(crate) fn end_flood(&self) {
        if let Some(flood) = self.flood.get() {
            let over = Some((flood.started.elapsed(), self.bytes.get()));
            self.flood.set(Some(Flood { over, ..flood }));
        }
    }

    pub(crate) fn count(&self, messages: usize, bytes: usize) {
        self.messages.set(self.messages.get() + messages as u64);
        self.bytes.set(self.bytes.get() + bytes as u64);
    }

    pub(crate) fn count_round_trip(&self, bytes: usize, took: Duration) {
        self.count(1, bytes);
        self.round_trips.borrow_mut().push(took);
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.get()
    }

    /// Since the clients began.
    pub(crate) fn elapsed(&self) -> Duration {
        self.flood
            .get()
            .map_or(Duration::ZERO, |flood| flood.started.elapsed())
    }

    pub(crate) fn print_table(&self, clients: usize, seed: u64, server: &Metrics) {
        let row = |name, value: &dyn Display, note: &dyn Display| {
            // As a string: not every `Display` pads itself.
            println!("{name:<17}{:>14}  {note}", value.to_string());
        };
        let kinds = format!("{} raw, {} in lines", clients.div_ceil(2), clients / 2);
        row("connections", &clients, &kinds);
        row(
            "messages",
            &self.messages.get(),
            &"pieces of bytes, or lines",
        );
        row(
            "bytes",
            &self.bytes.get(),
            &format_args!("echoed and checked, from seed {seed}"),
        );
        if let Some((took, bytes)) = self.flood.get().and_then(|flood| flood.over) {
            let rate = bytes as f64 / 1e6 / took.as_secs_f64();
            let note = format!(
                "each way, flooding for {:.1} s; clients on one thread",
                took.as_secs_f64()
            );
            row("throughput", &format_args!("{rate:.1} MB/s"), &note);
        }
        self.print_round_trips(&row);
        row(
            "wakeups",
            &server.wakeups,
            &"tasks of the server, by events",
        );
        row(
            "spurious wakeups",
            &server.spurious,
            &"of those, with nothing to do",
        );
        let peak = memory_peak().unwrap_or_else(|| "unknown".into());
        row("memory peak", &peak, &"of server and clients together");
    }

    fn print_round_trips(&self, row: &dyn Fn(&'static str, &dyn Display, &dyn Display)) {
        let mut sorted = self.round_trips.borrow_mut();
        sorted.sort_unstable();
        for (name, percent) in [("latency p50", 50), ("latency p99", 99)] {
            let value = percentile(&sorted, percent)
                .map_or_else(|| "none".into(), |took| format!("{} µs", took.as_micros()));
            let note = format!(
                "round trips of one message, {} in all, paced to {} a second",
                sorted.len(),
                crate::ROUND_TRIPS_PER_SECOND,
            );
            row(name, &value, &note);
        }
    }
}

fn percentile(sorted: &[Duration], percent: usize) -> Option<Duration> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied()
}

/// The most memory that this process has ever had resident; known on Linux only.
fn memory_peak() -> Option<String> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(format!("{:.1} MiB", kib as f64 / 1024.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_the_nearest_rank() {
        let sorted: Vec<_> = (1..=200).map(Duration::from_micros).collect();
        assert_eq!(percentile(&sorted, 50), Some(Duration::from_micros(100)));
        assert_eq!(percentile(&sorted, 99), Some(Duration::from_micros(198)));
        assert_eq!(percentile(&sorted[..1], 99), Some(Duration::from_micros(1)));
        assert_eq!(percentile(&[], 50), None);
    }
}
