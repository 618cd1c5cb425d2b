use std::{
    io,
    rc::Rc,
    time::{Duration, Instant},
};

use examples::{Random, named};
use futures::{
    channel::{mpsc, oneshot},
    future::Shared,
};
use reactor::Handle;

use crate::{semaphore::Semaphore, tally::Tally};

/// A client of the echo server, of whatever kind.
pub(crate) trait Client {
    /// The most messages that it sends before it waits for their echo.
    const MOST_AT_ONCE: usize;

    /// Chooses the length of a message in bytes.
    fn draw_size(random: &mut Random) -> usize;

    /// Sends messages of these sizes and, at the same time, receives and checks their echo.
    ///
    /// # Errors
    ///
    /// `InvalidData`, with the place, at the first byte that is wrong. Those of the socket.
    async fn exchange(&mut self, sizes: &[usize]) -> io::Result<Echo>;

    /// Ends the writing side, and checks that the echo ends as well and that no byte was left.
    ///
    /// # Errors
    ///
    /// As [`exchange`](Self::exchange).
    async fn finish(&mut self) -> io::Result<()>;
}

/// What has come back, and was right.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Echo {
    pub(crate) messages: usize,
    pub(crate) bytes: usize,
}

impl Echo {
    /// Everything that was sent, as is due where nothing may be lost.
    pub(crate) fn whole(sizes: &[usize]) -> Self {
        Self {
            messages: sizes.len(),
            bytes: sizes.iter().sum(),
        }
    }
}

/// When a client does what, and what it shares with the others.
#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) flood_until: Instant,
    /// Dropped by each client that is done with flooding.
    pub(crate) flooding: mpsc::Sender<()>,
    /// Ready when all are done with flooding, with the time until when to make round trips.
    pub(crate) pace: Shared<oneshot::Receiver<Instant>>,
    /// Between two round trips of one client.
    pub(crate) interval: Duration,
    pub(crate) handle: Handle,
    pub(crate) in_flight: Rc<Semaphore>,
    pub(crate) tally: Rc<Tally>,
}

/// Goes through the plan.
pub(crate) async fn run_client<C: Client>(mut client: C, seed: u64, plan: Plan) -> io::Result<()> {
    let Plan {
        flood_until,
        flooding,
        pace,
        interval,
        handle,
        in_flight,
        tally,
    } = plan;
    let mut random = Random::new(!seed);
    while Instant::now() < flood_until {
        let sizes = draw_sizes::<C>(&mut random);
        let _permit = in_flight.acquire(sizes.iter().sum()).await;
        let echo = exchange(&mut client, &sizes, &handle).await?;
        tally.count(sizes.len(), echo);
    }
    drop(flooding);

    let Ok(until) = pace.await else {
        // Another client has failed.
        return Ok(());
    };
    // Not all at the same moment.
    let mut next = Instant::now() + within(&mut random, interval);
    while next < until {
        handle.sleep_until(next).await?;
        let start = Instant::now();
        let echo = exchange(&mut client, &[PACED_SIZE], &handle).await?;
        tally.count_round_trip(echo, start.elapsed());
        // Nobody makes up for what took longer than that.
        next = Instant::now().max(next + interval);
    }
    // All together, so that no end is in the way of a round trip.
    handle.sleep_until(until).await?;
    limited(ECHO_LIMIT, client.finish(), &handle).await
}

async fn exchange(client: &mut impl Client, sizes: &[usize], handle: &Handle) -> io::Result<Echo> {
    limited(ECHO_LIMIT, client.exchange(sizes), handle).await
}

/// An echo that does not come is an error and no endless wait. A wrong byte may bring that about: at the
/// head of a frame it makes the rest of the stream a part of that frame.
async fn limited<T>(
    limit: Duration,
    exchange: impl Future<Output = io::Result<T>>,
    handle: &Handle,
) -> io::Result<T> {
    match handle.timeout(limit, exchange).await {
        Ok(result) => result,
        Err(error) => Err(named("waiting for the echo", error)),
    }
}

/// Some messages, and not many more bytes than a share of what may be under way.
fn draw_sizes<C: Client>(random: &mut Random) -> Vec<usize> {
    let messages = 1 + random.below(C::MOST_AT_ONCE);
    let mut sizes = Vec::with_capacity(messages);
    let mut bytes = 0;
    while sizes.len() < messages && bytes < ENOUGH_AT_ONCE {
        let size = C::draw_size(random);
        bytes += size;
        sizes.push(size);
    }
    sizes
}

fn within(random: &mut Random, interval: Duration) -> Duration {
    interval.mul_f64(random.below(1_000) as f64 / 1_000.0)
}

/// No more messages are added to as many bytes.
const ENOUGH_AT_ONCE: usize = 256 * 1024;
/// Of a message whose round trip is measured, in bytes.
pub(crate) const PACED_SIZE: usize = 64;
/// Far more than it takes on a machine that does many other things besides.
const ECHO_LIMIT: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use std::future::pending;

    use reactor::Core;

    use super::*;
    use crate::{frames_client::FramesClient, lines_client::LinesClient};

    #[test]
    fn a_seed_gives_the_same_sizes_again_and_some_of_them_at_once() {
        let batches = |seed| -> Vec<_> {
            let mut random = Random::new(seed);
            (0..1_000)
                .map(|_| draw_sizes::<FramesClient>(&mut random))
                .collect()
        };
        assert_eq!(batches(7), batches(7));
        assert_ne!(batches(7), batches(8));
        for sizes in batches(7) {
            let (last, others) = sizes.split_last().expect("at least one message");
            assert!(sizes.len() <= FramesClient::MOST_AT_ONCE);
            assert!(others.iter().sum::<usize>() < ENOUGH_AT_ONCE && *last <= 1024 * 1024);
        }
        // Lines may be empty, all of them.
        let mut random = Random::new(7);
        assert!((0..1_000).all(|_| draw_sizes::<LinesClient>(&mut random).len() <= 64));
    }

    #[test]
    fn an_echo_that_does_not_come_is_an_error() {
        let mut core = Core::new().unwrap();
        let handle = core.handle();
        let never = limited::<()>(Duration::from_millis(1), pending(), &handle);
        let error = core.run(never).unwrap().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(error.to_string().starts_with("waiting for the echo"));
    }
}
