use std::io;

use bench::Work;

use super::{Bench, MEASURED, Measured, Scenario, WARM_UP};
use crate::{contestant::Contestant, datagram_clients::DatagramClient};

/// Datagrams over the loopback.
pub(crate) enum Datagrams {
    /// The server receives; its peer sends with GSO or without, meanwhile or before.
    Receive { gso: bool, queued: bool },
    /// The server sends.
    Send,
    /// The server sends each back.
    Echo { in_flight: usize },
}

impl Scenario for Datagrams {
    fn name(&self) -> String {
        let packet = bench::PACKET;
        match self {
            Self::Receive { gso, queued } => {
                let sender = if *gso { "GSO" } else { "plain" };
                let queued = if *queued { ", queued" } else { "" };
                format!("UDP, {packet} bytes received from a {sender} sender{queued}")
            }
            Self::Send => format!("UDP, {packet} bytes sent"),
            Self::Echo { in_flight } => format!("UDP echo, in flight: {in_flight}"),
        }
    }

    fn unit(&self) -> &'static str {
        match self {
            Self::Receive { .. } | Self::Send => "datagram",
            Self::Echo { .. } => "echo",
        }
    }

    fn contestants(&self) -> Vec<Contestant> {
        match self {
            Self::Receive { .. } | Self::Send => Contestant::UDP.to_vec(),
            Self::Echo { .. } => Contestant::UDP_ECHO.to_vec(),
        }
    }

    fn also_compared_with(&self) -> Vec<Contestant> {
        match self {
            Self::Receive { gso: true, .. } => {
                vec![Contestant::BareUdpOffloaded, Contestant::TokioUdp]
            }
            _ => vec![Contestant::TokioUdp],
        }
    }

    fn measure(&self, contestant: Contestant, bench: &Bench<'_>) -> io::Result<Measured> {
        let form = contestant.datagrams();
        let work = match self {
            Self::Receive { .. } => Work::UdpReceive(form),
            Self::Send => Work::UdpSend(form),
            Self::Echo { .. } => Work::UdpEcho(form),
        };
        let server = bench.start(contestant.server(&work)?)?;
        let client = DatagramClient::connect(server.socket_addr()?)?;
        let load = |duration| match *self {
            Self::Receive { gso, queued } => {
                client.send_for(duration, gso, queued.then_some(&server))
            }
            Self::Send => client.be_sent_to_for(duration),
            Self::Echo { in_flight } => client.echo_for(duration, in_flight),
        };
        load(WARM_UP)?;
        bench.measure_load(&server, || load(MEASURED))
    }
}
