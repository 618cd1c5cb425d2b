use std::{
    cell::{Cell, RefCell},
    time::{Duration, Instant},
};

use crate::client::Echo;

/// What all clients of a part together have done.
#[derive(Default)]
pub(crate) struct Tally {
    sent: Cell<u64>,
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

    /// Counts messages that were sent, and what has come back of them.
    pub(crate) fn count(&self, sent: usize, echo: Echo) {
        let add = |to: &Cell<u64>, n: usize| to.set(to.get() + n as u64);
        add(&self.sent, sent);
        add(&self.messages, echo.messages);
        add(&self.bytes, echo.bytes);
    }

    /// Counts one message; it made a round trip if it has come back.
    pub(crate) fn count_round_trip(&self, echo: Echo, took: Duration) {
        self.count(1, echo);
        if echo.messages > 0 {
            self.round_trips.borrow_mut().push(took);
        }
    }

    /// Messages that have come back.
    pub(crate) fn messages(&self) -> u64 {
        self.messages.get()
    }

    pub(crate) fn sent(&self) -> u64 {
        self.sent.get()
    }

    /// Messages that have not come back.
    pub(crate) fn lost(&self) -> u64 {
        self.sent.get() - self.messages.get()
    }

    /// The bytes of the messages that have come back.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.get()
    }

    /// Since the clients began.
    pub(crate) fn elapsed(&self) -> Duration {
        self.flood
            .get()
            .map_or(Duration::ZERO, |flood| flood.started.elapsed())
    }

    /// Bytes a second of the flood, each way.
    pub(crate) fn throughput(&self) -> Option<f64> {
        let (took, bytes) = self.flood.get()?.over?;
        Some(bytes as f64 / took.as_secs_f64())
    }

    pub(crate) fn round_trips(&self) -> usize {
        self.round_trips.borrow().len()
    }

    /// The time within which so many of a hundred round trips were made.
    pub(crate) fn latency(&self, percent: usize) -> Option<Duration> {
        let mut sorted = self.round_trips.borrow_mut();
        sorted.sort_unstable();
        percentile(&sorted, percent)
    }
}

fn percentile(sorted: &[Duration], percent: usize) -> Option<Duration> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied()
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

    #[test]
    fn what_has_not_come_back_is_lost_and_makes_no_round_trip() {
        let tally = Tally::default();
        let echo = |messages, bytes| Echo { messages, bytes };
        tally.count(5, echo(3, 300));
        tally.count_round_trip(echo(0, 0), Duration::from_secs(1));
        tally.count_round_trip(echo(1, 64), Duration::from_micros(9));
        assert_eq!((tally.messages(), tally.lost(), tally.bytes()), (4, 3, 364));
        assert_eq!(tally.round_trips(), 1);
        assert_eq!(tally.latency(99), Some(Duration::from_micros(9)));
    }
}
