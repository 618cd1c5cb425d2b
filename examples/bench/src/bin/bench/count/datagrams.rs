use std::io;

use bench::Work;

use super::{Count, Counted, Counter, instructions};
use crate::{contestant::Contestant, datagram_clients::DatagramClient};

/// User-space instructions of a datagram that is received with GRO from a sender with GSO; tokio receives them one
/// by one.
pub(crate) struct ReceivedInstructions;

impl ReceivedInstructions {
    /// Datagrams, and the instructions of a server from its start to its end.
    fn of_run(count: u64, contestant: Contestant, counter: &Counter<'_>) -> io::Result<(u64, u64)> {
        let name = format!("{contestant}.received");
        let command = contestant.server(&Work::UdpReceive(contestant.datagrams()))?;
        let mut received = 0;
        let instructions = instructions::of_server(&name, &command, counter, |server| {
            received = DatagramClient::connect(server.socket_addr()?)?.send_offloaded(count)?;
            Ok(())
        })?;
        Ok((received, instructions))
    }
}

impl Count for ReceivedInstructions {
    fn name(&self) -> String {
        let packet = bench::PACKET;
        format!("instructions of a UDP datagram of {packet} bytes from a GSO sender")
    }

    fn contestants(&self) -> Vec<Contestant> {
        vec![Contestant::Bare, Contestant::OursTask, Contestant::Tokio]
    }

    fn tool(&self) -> Option<&'static str> {
        Some("valgrind")
    }

    fn count(&self, contestant: Contestant, counter: &Counter<'_>) -> io::Result<Counted> {
        let contestant = match contestant {
            Contestant::Bare => Contestant::BareUdpOffloaded,
            Contestant::Tokio => Contestant::TokioUdp,
            _ => Contestant::OursUdpOffloaded,
        };
        let (few, before) = Self::of_run(FEW, contestant, counter)?;
        let (many, after) = Self::of_run(MANY, contestant, counter)?;
        let value = (after as f64 - before as f64) / (many - few) as f64;
        let parts = Vec::new();
        Ok(Counted { value, parts })
    }
}

const FEW: u64 = 20_000;
const MANY: u64 = 120_000;
