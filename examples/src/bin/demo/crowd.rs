use std::{
    io,
    net::SocketAddr,
    rc::Rc,
    time::{Duration, Instant},
};

use examples::named;
use futures::{
    StreamExt, TryStreamExt,
    channel::{mpsc, oneshot},
    future::{FutureExt, LocalBoxFuture, try_join, try_join_all},
    stream,
};
use net::TcpStream;
use reactor::{Handle, Spawner};

use crate::{
    client::{Client, Plan, run_client},
    frames_client::FramesClient,
    lines_client::LinesClient,
    part::{Kind, Part},
    raw_client::RawClient,
    semaphore::Semaphore,
    tally::Tally,
    udp_client::UdpClient,
};

/// The clients of one part, all on one core.
pub(crate) struct Crowd {
    pub(crate) part: Part,
    pub(crate) clients: usize,
    /// Their kinds, by turns.
    pub(crate) kinds: Vec<Kind>,
    pub(crate) server: SocketAddr,
    /// Of the first client; that of the next is the next.
    pub(crate) seed: u64,
    /// Of flooding and round trips together.
    pub(crate) duration: Duration,
    pub(crate) in_flight: Rc<Semaphore>,
    pub(crate) tally: Rc<Tally>,
    pub(crate) handle: Handle,
    pub(crate) spawner: Spawner,
}

/// Starts a client that is connected.
type Start = Box<dyn FnOnce(Plan) -> LocalBoxFuture<'static, io::Result<()>>>;

impl Crowd {
    /// Goes through the part, all clients at once.
    ///
    /// # Errors
    ///
    /// That of the first client that fails, with its name. The others are left as they are: they end
    /// with the core.
    pub(crate) async fn run(&self) -> io::Result<()> {
        let clients: Vec<Start> = stream::iter(0..self.clients)
            .map(|number| async move {
                let opened = self.open(number).await;
                opened.map_err(|error| named(self.name(number), error))
            })
            .buffered(CONNECT_AT_ONCE)
            .try_collect()
            .await?;

        let (flooding, flood_over) = mpsc::channel::<()>(0);
        let (start_pace, pace) = oneshot::channel();
        let plan = Plan {
            flood_until: self.tally.start_flood() + self.duration / 2,
            flooding,
            pace: pace.shared(),
            interval: self.interval(),
            handle: self.handle.clone(),
            in_flight: self.in_flight.clone(),
            tally: self.tally.clone(),
        };
        let clients: Vec<_> = clients
            .into_iter()
            .enumerate()
            .map(|(number, start)| self.spawn(number, start(plan.clone())))
            .collect();
        drop(plan);

        let stages = async {
            // The channel ends when the last client has dropped its sender.
            flood_over.collect::<Vec<()>>().await;
            self.tally.end_flood();
            // An error: a client has failed, which it tells itself.
            let _ = start_pace.send(Instant::now() + self.duration / 2);
            Ok(())
        };
        try_join(try_join_all(clients), stages).await?;
        Ok(())
    }

    async fn open(&self, number: usize) -> io::Result<Start> {
        let seed = self.seed.wrapping_add(number as u64);
        Ok(match self.kind(number) {
            Kind::Raw => start(RawClient::new(self.connect().await?, seed), seed),
            Kind::Lines => start(LinesClient::new(self.connect().await?, seed), seed),
            Kind::Frames => start(FramesClient::new(self.connect().await?, seed), seed),
            Kind::Udp => start(UdpClient::new(self.server, seed, &self.handle)?, seed),
        })
    }

    async fn connect(&self) -> io::Result<TcpStream> {
        let connect = TcpStream::connect(&self.server, &self.handle);
        let stream = self.handle.timeout(CONNECT_LIMIT, connect).await??;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    fn spawn(
        &self,
        number: usize,
        client: LocalBoxFuture<'static, io::Result<()>>,
    ) -> impl Future<Output = io::Result<()>> {
        let name = self.name(number);
        let task = self.spawner.spawn(client);
        async move {
            let result = task.await.map_err(io::Error::from).and_then(|done| done);
            result.map_err(|error| named(name, error))
        }
    }

    fn kind(&self, number: usize) -> Kind {
        self.kinds[number % self.kinds.len()]
    }

    fn name(&self, number: usize) -> String {
        let (kind, part) = (self.kind(number).name(), self.part.name());
        match self.part {
            Part::Udp => format!("client {number} ({kind})"),
            Part::Direct | Part::Proxied => format!("client {number} ({kind}, {part})"),
        }
    }

    /// The pause of a client between two round trips, so that all together keep to the rate.
    fn interval(&self) -> Duration {
        Duration::from_secs_f64(self.clients as f64 / f64::from(ROUND_TRIPS_PER_SECOND))
    }
}

fn start(client: impl Client + 'static, seed: u64) -> Start {
    Box::new(move |plan| run_client(client, seed, plan).boxed_local())
}

/// As many as the listener's queue has room for, with some to spare.
const CONNECT_AT_ONCE: usize = 256;
/// Far more than it takes on a machine that does many other things besides.
const CONNECT_LIMIT: Duration = Duration::from_secs(30);
/// A load that leaves the loops idle for most of the time.
pub(crate) const ROUND_TRIPS_PER_SECOND: u32 = 2_000;
