use std::{
    io::{self, Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use bench::MESSAGE;

use super::{Bench, MEASURED, Measured, Sample, Scenario, WARM_UP};
use crate::{contestant::Contestant, generator::connect};

/// One connection whose client sends, sleeps until the answer comes, and sends again.
pub(crate) struct LoneEcho;

impl Scenario for LoneEcho {
    fn name(&self) -> String {
        String::from("latency of a lone TCP echo, spinning or not")
    }

    fn unit(&self) -> &'static str {
        "echo"
    }

    fn contestants(&self) -> Vec<Contestant> {
        Contestant::LATENCY.to_vec()
    }

    fn measure(&self, contestant: Contestant, bench: &Bench<'_>) -> io::Result<Measured> {
        let server = bench.start(contestant.tcp_echo(bench.programs)?)?;
        let mut stream = connect(server.socket_addr()?)?;
        waits_for(&mut stream, WARM_UP)?;
        let mut waits = waits_for(&mut stream, MEASURED)?;
        let middle = waits.len() / 2;
        let (_, &mut median, _) = waits.select_nth_unstable(middle);
        Ok(Measured::Once(Sample::Latency { median }))
    }
}

/// How long each answer took to come; at least one.
fn waits_for(stream: &mut TcpStream, duration: Duration) -> io::Result<Vec<Duration>> {
    let (message, mut answer) = ([b'x'; MESSAGE], [0; MESSAGE]);
    let mut waits = Vec::new();
    let end = Instant::now() + duration;
    let mut sent = Instant::now();
    while waits.is_empty() || sent < end {
        stream.write_all(&message)?;
        stream.read_exact(&mut answer)?;
        let received = Instant::now();
        waits.push(received - sent);
        sent = received;
    }
    Ok(waits)
}
