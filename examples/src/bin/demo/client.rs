use std::{
    io,
    rc::Rc,
    time::{Duration, Instant},
};

use examples::Random;
use futures::{
    channel::{mpsc, oneshot},
    future::Shared,
};
use reactor::Handle;

use crate::tally::Tally;

/// A client of the echo server: raw bytes or lines.
pub(crate) trait Client {
    /// Sends that many messages and, at the same time, receives and checks their echo; returns the
    /// number of bytes.
    ///
    /// # Errors
    ///
    /// `InvalidData`, with the place, at the first byte that is wrong. Those of the socket.
    async fn exchange(&mut self, messages: usize) -> io::Result<usize>;

    /// Ends the writing side, and checks that the echo ends as well and that no byte was left.
    async fn finish(&mut self) -> io::Result<()>;
}

/// When a client does what.
#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) flood_until: Instant,
    /// Dropped by each client that is done with flooding.
    pub(crate) flooding: mpsc::Sender<()>,
    /// Ready when all are done with flooding, with the time until when to make round trips.
    pub(crate) pace: Shared<oneshot::Receiver<Instant>>,
    /// Between two round trips of one client.
    pub(crate) interval: Duration,
}

/// Goes through the plan.
pub(crate) async fn run_client(
    mut client: impl Client,
    seed: u64,
    plan: Plan,
    handle: Handle,
    tally: Rc<Tally>,
) -> io::Result<()> {
    let mut random = Random::new(!seed);
    while Instant::now() < plan.flood_until {
        let messages = 1 + random.below(MOST_MESSAGES);
        tally.count(messages, client.exchange(messages).await?);
    }
    drop(plan.flooding);

    let Ok(until) = plan.pace.await else {
        // Another client has failed.
        return Ok(());
    };
    // Not all at the same moment.
    handle.sleep(within(&mut random, plan.interval)).await?;
    while Instant::now() < until {
        let start = Instant::now();
        let bytes = client.exchange(1).await?;
        tally.count_round_trip(bytes, start.elapsed());
        handle.sleep_until(start + plan.interval).await?;
    }
    client.finish().await
}

fn within(random: &mut Random, interval: Duration) -> Duration {
    interval.mul_f64(random.below(1_000) as f64 / 1_000.0)
}

/// Messages that are under way at once, at most.
const MOST_MESSAGES: usize = 64;
