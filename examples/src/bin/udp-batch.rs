//! ```sh
//! cargo run --release -p examples --bin udp-batch -- receive --gro --seconds 5
//! cargo run --release -p examples --bin udp-batch -- send 127.0.0.1:7878 --seconds 3
//! ```
//!
//! Sends datagrams as fast as it can, or as fast as it is told, and says how many that were; at the other
//! end, how many have come. `--no-gso`, and `receive` without `--gro`, show what the kernel's help is worth;
//! `--batch 1` shows what one system call for each datagram costs.
//!
//! Each datagram begins with its number, eight bytes, so that the receiver knows how many are missing.

#![forbid(unsafe_code)]

use std::{
    collections::HashMap,
    io::{self, Write},
    net::SocketAddr,
    num::NonZeroUsize,
    process::ExitCode,
    time::{Duration, Instant},
};

use clap::{Parser, Subcommand};
use examples::{any_port, run_program};
use io_traits::task;
use net::{RecvBatch, Transmit, UdpSocket, is_transient};
use reactor::{Core, Handle};
use socket2::SockRef;

fn main() -> ExitCode {
    let args = Args::parse();
    run_program(|| {
        let mut core = Core::new()?;
        let handle = core.handle();
        match &args.command {
            Command::Send(args) => core.run(send(args, &handle))?,
            Command::Receive(args) => core.run(receive(args, &handle))?,
        }
    })
}

async fn send(args: &Send, handle: &Handle) -> io::Result<()> {
    let socket = UdpSocket::bind(&any_port(args.to), handle)?;
    // A connected socket costs the kernel less, and hears that nobody is there.
    socket.connect(&args.to)?;
    socket.set_gso(!args.no_gso);

    let size = usize::from(args.size);
    let mut payload = vec![0; size * usize::from(args.batch)];
    let mut rate = Rate::new("sent");
    // An end that no clock reaches is none.
    let end = args.seconds.and_then(|it| rate.begin.checked_add(it.0));
    let mut next = 0;
    while args.count.is_none_or(|count| next < count) && end.is_none_or(|end| Instant::now() < end)
    {
        if let Some(per_second) = args.rate {
            let due = Duration::from_secs_f64(next as f64 / per_second.get() as f64);
            handle.sleep_until(rate.begin + due).await?;
        }
        let left = args.count.map_or(u64::MAX, |count| count - next);
        let mut bytes = 0;
        for datagram in payload
            .chunks_mut(size)
            .take(usize::try_from(left).unwrap_or(usize::MAX))
        {
            datagram[..NUMBER].copy_from_slice(&next.to_be_bytes());
            next += 1;
            bytes += size;
        }
        let mut transmit = Transmit::new(&payload[..bytes]).segments(size);
        while let Err(error) = task::io(|| socket.send_msg(&mut transmit)).await {
            // Of an earlier datagram: nobody listens, or does not yet. This one is still to be sent.
            if error.kind() != io::ErrorKind::ConnectionRefused {
                return Err(error);
            }
        }
        rate.add(bytes / size, bytes)?;
    }
    rate.end("")
}

async fn receive(args: &Receive, handle: &Handle) -> io::Result<()> {
    let socket = UdpSocket::bind(&args.listen, handle)?;
    // The system may allow less, which is not an error.
    SockRef::from(&socket).set_recv_buffer_size(QUEUE)?;
    if args.gro {
        socket.set_gro(true)?;
    }
    writeln!(io::stdout(), "listening on {}", socket.local_addr()?)?;

    // Without GRO a message is one datagram, and few are longer than a jumbo frame.
    let room = if args.gro { 65_535 } else { 9_216 };
    let mut batch = RecvBatch::new(usize::from(args.batch), room);
    let mut numbers = Numbers::default();
    let mut truncated = 0_u64;
    let mut rate = None;
    let begin = Instant::now();
    let end = args.seconds.and_then(|it| begin.checked_add(it.0));
    loop {
        let received = task::io(|| socket.recv_batch(&mut batch));
        let received = match end {
            None => received.await,
            // Time is over, whether anything comes or not.
            Some(end) => match handle
                .timeout(end.saturating_duration_since(Instant::now()), received)
                .await
            {
                Ok(received) => received,
                Err(_) => break,
            },
        };
        match received {
            Err(error) if is_transient(&error) => continue,
            received => received?,
        };
        let rate = rate.get_or_insert_with(|| Rate::new("received"));
        let (mut datagrams, mut bytes) = (0, 0);
        for datagram in &batch {
            datagrams += 1;
            bytes += datagram.payload.len();
            truncated += u64::from(datagram.meta.truncated);
            if let Some(&number) = datagram.payload.first_chunk() {
                numbers.note(datagram.meta.from, u64::from_be_bytes(number));
            }
        }
        rate.add(datagrams, bytes)?;
        if args.count.is_some_and(|count| rate.datagrams >= count) {
            break;
        }
    }
    let missing = numbers.missing();
    let about_them = format!(", {missing} missing, {truncated} cut off");
    rate.unwrap_or_else(|| Rate::new("received"))
        .end(&about_them)
}

/// Which numbers have come from whom.
#[derive(Default)]
struct Numbers {
    /// How many, and the largest, of each sender.
    senders: HashMap<SocketAddr, (u64, u64)>,
}

impl Numbers {
    fn note(&mut self, from: SocketAddr, number: u64) {
        let (count, largest) = self.senders.entry(from).or_default();
        *count += 1;
        *largest = number.max(*largest);
    }

    /// Those that a larger one has come of; what was sent last cannot be missed.
    fn missing(&self) -> u64 {
        let missing =
            |&(count, largest): &(u64, u64)| largest.saturating_add(1).saturating_sub(count);
        self.senders.values().map(missing).sum()
    }
}

/// Counts datagrams, and says each second how many there were, and at the end how many in all.
struct Rate {
    verb: &'static str,
    begin: Instant,
    datagrams: u64,
    bytes: u64,
    /// When it has last said something, and what it had counted by then.
    said: (Instant, u64, u64),
}

impl Rate {
    fn new(verb: &'static str) -> Self {
        let begin = Instant::now();
        Self {
            verb,
            begin,
            datagrams: 0,
            bytes: 0,
            said: (begin, 0, 0),
        }
    }

    fn add(&mut self, datagrams: usize, bytes: usize) -> io::Result<()> {
        self.datagrams += datagrams as u64;
        self.bytes += bytes as u64;
        let (said, before, bytes_before) = self.said;
        let now = Instant::now();
        if now - said >= Duration::from_secs(1) {
            self.said = (now, self.datagrams, self.bytes);
            let (datagrams, bytes) = (self.datagrams - before, self.bytes - bytes_before);
            let line = self.line(datagrams, bytes, now - said);
            writeln!(io::stdout(), "{line}")?;
        }
        Ok(())
    }

    fn end(self, more: &str) -> io::Result<()> {
        let line = self.line(self.datagrams, self.bytes, self.begin.elapsed());
        writeln!(io::stdout(), "in all {line}{more}")
    }

    fn line(&self, datagrams: u64, bytes: u64, time: Duration) -> String {
        let seconds = time.as_secs_f64().max(f64::MIN_POSITIVE);
        let (packets, bits) = (datagrams as f64 / seconds, bytes as f64 * 8.0 / seconds);
        let (verb, mega) = (self.verb, bits / 1e6);
        format!(
            "{verb} {datagrams} datagrams, {bytes} bytes: {packets:.0} packets/s, {mega:.1} Mbit/s"
        )
    }
}

/// Send datagrams, or receive them, and say how many in a second
#[derive(Parser)]
#[command(version)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Send, until it has sent so many or for so long; without either for ever
    Send(Send),
    /// Receive, until so many have come or for so long; without either for ever
    Receive(Receive),
}

#[derive(clap::Args)]
struct Send {
    /// Where to
    to: SocketAddr,

    /// Bytes of a datagram
    #[arg(long, default_value_t = 1200, value_parser = clap::value_parser!(u16).range(8..=65_507))]
    size: u16,

    /// Datagrams that are sent at a time
    #[arg(long, value_name = "N", default_value_t = 54, value_parser = clap::value_parser!(u16).range(1..=1024))]
    batch: u16,

    /// Do not let the kernel take them apart
    #[arg(long)]
    no_gso: bool,

    /// Datagrams in a second; as many as it can if it is not told
    #[arg(long, value_name = "N")]
    rate: Option<NonZeroUsize>,

    /// How many in all
    #[arg(long, value_name = "N")]
    count: Option<u64>,

    /// For how long
    #[arg(long, value_name = "S")]
    seconds: Option<Seconds>,
}

#[derive(clap::Args)]
struct Receive {
    /// The address to receive at; port 0 lets the system choose
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7878")]
    listen: SocketAddr,

    /// Messages that are received at a time
    // 64 is what one system call takes.
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=64))]
    batch: u16,

    /// Let the kernel put them together
    #[arg(long)]
    gro: bool,

    /// How many in all
    #[arg(long, value_name = "N")]
    count: Option<u64>,

    /// For how long
    #[arg(long, value_name = "S")]
    seconds: Option<Seconds>,
}

/// A time, as a number of seconds that need not be whole.
#[derive(Debug, Clone, Copy)]
struct Seconds(Duration);

impl std::str::FromStr for Seconds {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let seconds: f64 = word.parse().map_err(|_| format!("no number: {word}"))?;
        let time = Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())?;
        Ok(Self(time))
    }
}

/// Bytes of the number that a datagram begins with.
const NUMBER: usize = size_of::<u64>();

/// Bytes of the receiver's queue in the kernel.
const QUEUE: usize = 4 << 20;
