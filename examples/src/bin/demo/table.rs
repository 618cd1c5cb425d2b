use std::{fmt, time::Duration};

use crate::{
    MOST_IN_FLIGHT, client::PACED_SIZE, crowd::ROUND_TRIPS_PER_SECOND, outcome::Outcome,
    part::Part, udp_client::LOST_AFTER,
};

/// What the parts have come to, a column each, and what the rows mean; in lines of up to 100 characters.
pub(crate) struct Table<'a> {
    pub(crate) outcomes: &'a [Outcome],
    pub(crate) seed: u64,
}

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rows(f)?;
        writeln!(f)?;
        self.notes(f)
    }
}

impl Table<'_> {
    fn rows(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let udp = |part: &Outcome, count: u64| (part.part == Part::Udp).then(|| grouped(count));
        self.row(f, "", |part| Some(part.part.name().into()))?;
        self.row(f, "connections", |part| {
            Some(grouped(part.connections as u64))
        })?;
        self.row(f, "messages", |part| Some(grouped(part.tally.messages())))?;
        self.row(f, "bytes", |part| Some(grouped(part.tally.bytes())))?;
        self.row(f, "MB/s", |part| part.tally.throughput().map(megabytes))?;
        self.row(f, "round trips", |part| {
            Some(grouped(part.tally.round_trips() as u64))
        })?;
        self.row(f, "latency p50", |part| part.tally.latency(50).map(micros))?;
        self.row(f, "latency p99", |part| part.tally.latency(99).map(micros))?;
        let loops = |part: &Outcome| [part.server, part.proxy, part.clients];
        self.row(f, "wakeups", |part| {
            Some(grouped(loops(part).map(|count| count.all).iter().sum()))
        })?;
        self.row(f, "  of the server", |part| Some(grouped(part.server.all)))?;
        self.row(f, "  of the proxy", |part| Some(grouped(part.proxy.all)))?;
        self.row(f, "  of the clients", |part| {
            Some(grouped(part.clients.all))
        })?;
        self.row(f, "spurious wakeups", |part| {
            Some(grouped(
                loops(part).map(|count| count.spurious).iter().sum(),
            ))
        })?;
        self.row(f, "datagrams sent", |part| udp(part, part.tally.sent()))?;
        self.row(f, "datagrams lost", |part| udp(part, part.tally.lost()))?;
        self.row(f, "most in flight", |part| {
            Some(binary(part.in_flight.most_taken() as u64))
        })?;
        self.row(f, "memory peak", |part| part.memory_peak.map(binary))
    }

    fn row(
        &self,
        f: &mut fmt::Formatter<'_>,
        name: &str,
        cell: impl Fn(&Outcome) -> Option<String>,
    ) -> fmt::Result {
        write!(f, "{name:<17}")?;
        for outcome in self.outcomes {
            let cell = cell(outcome).unwrap_or_else(|| "-".into());
            write!(f, "{cell:>20}")?;
        }
        writeln!(f)
    }

    fn notes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "Every byte that came back was compared with what was sent, which comes from seed {}.",
            self.seed
        )?;
        if let Some(part) = self.outcomes.iter().find(|part| part.part != Part::Udp) {
            let kinds = part.kinds.iter().enumerate().map(|(place, kind)| {
                let clients = (part.connections + part.kinds.len() - 1 - place) / part.kinds.len();
                format!("{clients} {}", kind.description())
            });
            let kinds: Vec<_> = kinds.collect();
            writeln!(f, "TCP clients: {}.", kinds.join(", "))?;
        }
        writeln!(
            f,
            "UDP goes to the server directly, as the proxy carries TCP only; lost is what does not \
             come back\nwithin {} s.",
            LOST_AFTER.as_secs()
        )?;
        writeln!(
            f,
            "MB/s: each way, while all send as fast as {} in flight allow.",
            binary(MOST_IN_FLIGHT as u64)
        )?;
        writeln!(
            f,
            "Latency: of messages of {PACED_SIZE} bytes, {} a second from all clients together.",
            grouped(ROUND_TRIPS_PER_SECOND.into())
        )?;
        writeln!(
            f,
            "Wakeups: of tasks by events, in all loops; spurious: how often an operation would block \
             after an\nevent, be it the second one, as when a socket is read until there is no more."
        )?;
        writeln!(
            f,
            "Memory peak: what is resident of the whole process; buffers of sockets are the \
             system's."
        )
    }
}

fn megabytes(bytes: f64) -> String {
    format!("{:.1}", bytes / 1e6)
}

/// In MiB; in KiB what is less than one.
fn binary(bytes: u64) -> String {
    let kib = bytes as f64 / 1024.0;
    if kib < 1024.0 {
        format!("{kib:.1} KiB")
    } else {
        format!("{:.1} MiB", kib / 1024.0)
    }
}

fn micros(time: Duration) -> String {
    format!("{} µs", grouped(time.as_micros() as u64))
}

/// With a comma before every three digits from the right.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_stand_in_groups_of_three() {
        let numbers = [0, 12, 123, 1_234, 123_456, 1_234_567];
        let expected = ["0", "12", "123", "1,234", "123,456", "1,234,567"];
        assert_eq!(numbers.map(grouped), expected);
    }

    #[test]
    fn memory_is_told_in_units_that_fit() {
        let bytes = [0, 1_536, 1_048_575, 1_048_576, 67_108_864];
        let expected = ["0.0 KiB", "1.5 KiB", "1024.0 KiB", "1.0 MiB", "64.0 MiB"];
        assert_eq!(bytes.map(binary), expected);
    }
}
