//! ```sh
//! cargo run --release -p examples --bin ping
//! cargo run --release -p examples --bin ping -- --count 3 --limit 500 192.0.2.1
//! ```
//!
//! Asks a host whether it is there: ICMP echo, RFC 792. It fails if no answer comes at all.
//!
//! There are two kinds of socket for that, and each needs a permission:
//!
//! * A raw one, raw(7), gets every ICMP packet of the host with its IP header, also those of others. It
//!   needs `CAP_NET_RAW`, as root has it.
//! * A datagram one, icmp(7), gets the answers to its own questions, and no header. It needs a group in
//!   the range that `sysctl net.ipv4.ping_group_range` shows.

#![forbid(unsafe_code)]

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, SocketAddrV4},
    process::{self, ExitCode},
    time::{Duration, Instant},
};

use clap::Parser;
use examples::{named, run_program};
use io_traits::task;
use reactor::{Core, Fd, Handle, PollEvented};
use socket2::{Domain, Protocol, Socket, Type};

fn main() -> ExitCode {
    let args = Args::parse();
    run_program(|| {
        let mut core = Core::new()?;
        let handle = core.handle();
        let pinger = Pinger::new(args.host, &handle)?;
        core.run(ping(&args, &pinger, &handle))?
    })
}

async fn ping(args: &Args, pinger: &Pinger, handle: &Handle) -> io::Result<()> {
    writeln!(io::stdout(), "{} through {:?}", args.host, pinger.kind)?;
    let mut answers = 0;
    for number in 1..=args.count {
        let start = Instant::now();
        task::io(|| pinger.ask(number)).await?;
        let answer = task::io(|| pinger.answer(number));
        match handle
            .timeout(Duration::from_millis(args.limit), answer)
            .await
        {
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                writeln!(io::stdout(), "{number}: no answer")?;
            }
            answer => {
                answer??;
                writeln!(io::stdout(), "{number}: {:?}", start.elapsed())?;
                answers += 1;
            }
        }
    }
    writeln!(io::stdout(), "{answers} answers to {}", args.count)?;
    if answers == 0 {
        return Err(named(args.host, io::ErrorKind::TimedOut.into()));
    }
    Ok(())
}

/// Questions to one host, and the answers to them.
struct Pinger {
    io: PollEvented<Fd<Socket>>,
    kind: Kind,
    /// Tells our answers from those to others. The system sees to that itself for a datagram socket, and
    /// puts in a number of its own.
    id: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Raw,
    Datagram,
}

impl Pinger {
    fn new(host: Ipv4Addr, handle: &Handle) -> io::Result<Self> {
        let open = |kind| Socket::new(Domain::IPV4, kind, Some(Protocol::ICMPV4));
        let (socket, kind) = match open(Type::RAW) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                let socket = open(Type::DGRAM).map_err(|error| named(NOT_PERMITTED, error))?;
                (socket, Kind::Datagram)
            }
            socket => (socket?, Kind::Raw),
        };
        // From then on it gets what comes from there alone.
        socket.connect(&SocketAddrV4::new(host, 0).into())?;
        let io = PollEvented::on_demand(Fd::new(socket)?, handle)?;
        let id = process::id() as u16;
        Ok(Self { io, kind, id })
    }

    /// Sends a question, on the current task.
    fn ask(&self, number: u16) -> io::Result<()> {
        let question = question(self.id, number);
        self.io.write_with(|fd| fd.get_ref().send(&question))?;
        Ok(())
    }

    /// Receives the answer to a question, on the current task; would block if it is not there. All others
    /// are passed over.
    fn answer(&self, number: u16) -> io::Result<()> {
        self.io.read_with(|fd| {
            let mut buf = [0; 1500];
            loop {
                let n = fd.get_ref().read(&mut buf)?;
                if is_answer(self.kind, self.id, number, &buf[..n]) {
                    return Ok(());
                }
            }
        })
    }
}

/// RFC 792: type, code, checksum, identifier, sequence number, data.
fn question(id: u16, number: u16) -> Vec<u8> {
    let mut packet = vec![ECHO, 0, 0, 0];
    packet.extend(id.to_be_bytes());
    packet.extend(number.to_be_bytes());
    packet.extend(DATA);
    let checksum = checksum(&packet);
    packet[2..4].copy_from_slice(&checksum.to_be_bytes());
    packet
}

fn is_answer(kind: Kind, id: u16, number: u16, mut packet: &[u8]) -> bool {
    if kind == Kind::Raw {
        // RFC 791: the low half of the first byte is the length of the header, in 32-bit words.
        let header = packet
            .first()
            .map_or(0, |first| usize::from(first & 15) * 4);
        packet = packet.get(header..).unwrap_or_default();
    }
    let [ECHO_REPLY, 0, _, _, id0, id1, number0, number1, data @ ..] = packet else {
        return false;
    };
    (kind == Kind::Datagram || [*id0, *id1] == id.to_be_bytes())
        && [*number0, *number1] == number.to_be_bytes()
        && data == DATA
        && checksum(packet) == 0
}

/// RFC 1071: the ones' complement of the ones' complement sum of all 16-bit words; 0 for a packet whose
/// checksum is right.
fn checksum(packet: &[u8]) -> u16 {
    let mut sum = 0_u32;
    for word in packet.chunks(2) {
        sum += u32::from(word[0]) << 8 | word.get(1).map_or(0, |&low| u32::from(low));
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

const ECHO: u8 = 8;
const ECHO_REPLY: u8 = 0;
const DATA: &[u8] = b"is anybody there?";
const NOT_PERMITTED: &str = "neither CAP_NET_RAW nor a group in net.ipv4.ping_group_range";

/// Ask a host whether it is there
#[derive(Parser)]
#[command(version)]
struct Args {
    /// The host's IPv4 address
    #[arg(default_value = "127.0.0.1")]
    host: Ipv4Addr,

    /// How many times to ask
    #[arg(long, value_name = "N", default_value_t = 3)]
    count: u16,

    /// How long to wait for each answer, in milliseconds
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 1000)]
    limit: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the host would make of the question.
    fn answer(id: u16, number: u16) -> Vec<u8> {
        let mut packet = question(id, number);
        packet[0] = ECHO_REPLY;
        packet[2..4].fill(0);
        let checksum = checksum(&packet);
        packet[2..4].copy_from_slice(&checksum.to_be_bytes());
        packet
    }

    #[test]
    fn the_example_of_rfc_1071_has_its_checksum() {
        let words = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        assert_eq!(checksum(&words), !0xddf2);
        // An odd byte is the high half of a word.
        assert_eq!(checksum(&[0x12]), !0x1200);
    }

    #[test]
    fn only_the_answer_to_this_question_is_one() {
        let right = answer(7, 3);
        assert!(is_answer(Kind::Datagram, 7, 3, &right));
        assert!(!is_answer(Kind::Datagram, 7, 4, &right), "another question");
        assert!(
            is_answer(Kind::Datagram, 8, 3, &right),
            "the system's number"
        );
        assert!(!is_answer(Kind::Datagram, 7, 3, &question(7, 3)));
        for at in 0..right.len() {
            let mut wrong = right.clone();
            wrong[at] ^= 1;
            assert!(!is_answer(Kind::Datagram, 7, 3, &wrong), "byte {at}");
            assert!(!is_answer(Kind::Datagram, 7, 3, &right[..at]), "{at} bytes");
        }
    }

    #[test]
    fn a_raw_packet_begins_with_a_header_of_any_length() {
        for words in [5, 15] {
            let mut packet = vec![0; words * 4];
            packet[0] = 0x40 | words as u8;
            packet.extend(answer(7, 3));
            assert!(is_answer(Kind::Raw, 7, 3, &packet));
            assert!(!is_answer(Kind::Raw, 8, 3, &packet), "another program's");
            for len in 0..packet.len() {
                assert!(!is_answer(Kind::Raw, 7, 3, &packet[..len]));
            }
        }
    }
}
