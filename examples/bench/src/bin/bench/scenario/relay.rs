use std::{
    io::{self, ErrorKind, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

use bench::{Congestion, Work};

use super::{Bench, MEASURED, Measured, Scenario, WARM_UP};
use crate::{contestant::Contestant, generator::connect};

/// Connections through a relay, each with as many bytes as it takes.
pub(crate) struct Relay {
    pub(crate) connections: usize,
    pub(crate) congestion: Congestion,
}

impl Scenario for Relay {
    fn name(&self) -> String {
        let suffix = self.congestion.suffix();
        format!("TCP relay, connections: {}{suffix}", self.connections)
    }

    fn unit(&self) -> &'static str {
        "MiB"
    }

    fn contestants(&self) -> Vec<Contestant> {
        Contestant::RELAY.to_vec()
    }

    fn also_compared_with(&self) -> Vec<Contestant> {
        vec![Contestant::TokioRelay, Contestant::TokioRelayLarge]
    }

    fn measure(&self, contestant: Contestant, bench: &Bench<'_>) -> io::Result<Measured> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let to = listener.local_addr()?;
        let server = bench.start(contestant.server(&Work::Relay {
            to,
            buffer: contestant.relay_buffer(),
            congestion: self.congestion,
        })?)?;
        let mut pairs = Vec::with_capacity(self.connections);
        for _ in 0..self.connections {
            let near = connect(server.socket_addr()?)?;
            self.congestion.set(&near)?;
            let (far, _) = listener.accept()?;
            far.set_read_timeout(Some(PATIENCE))?;
            pairs.push((near, far));
        }
        carry_for(&pairs, WARM_UP)?;
        bench.measure_load(&server, || carry_for(&pairs, MEASURED))
    }
}

/// Every connection is written to and read from for `duration`, each by a thread, and until the last byte
/// has come; returns how many MiB.
fn carry_for(pairs: &[(TcpStream, TcpStream)], duration: Duration) -> io::Result<u64> {
    let end = Instant::now() + duration;
    let total = thread::scope(|scope| {
        let ways: Vec<_> = pairs
            .iter()
            .map(|(near, far)| {
                let writer = scope.spawn(move || write_until(near, end));
                let reader = scope.spawn(move || read_to_mark(far));
                (writer, reader)
            })
            .collect();
        let mut total = 0;
        for (writer, reader) in ways {
            let (sent, received) = (writer.join(), reader.join());
            let panicked = |_| io::Error::other("a generator's thread has panicked");
            let (sent, received) = (sent.map_err(panicked)??, received.map_err(panicked)??);
            if sent != received {
                return Err(io::Error::other("the relay has lost bytes"));
            }
            total += received;
        }
        Ok(total)
    })?;
    Ok(total / (1 << 20))
}

/// The last byte is another one.
fn write_until(mut stream: &TcpStream, end: Instant) -> io::Result<u64> {
    let mut chunk = vec![b'x'; CHUNK];
    let mut sent = 0;
    while Instant::now() < end {
        stream.write_all(&chunk)?;
        sent += chunk.len() as u64;
    }
    chunk[CHUNK - 1] = MARK;
    stream.write_all(&chunk)?;
    Ok(sent + chunk.len() as u64)
}

fn read_to_mark(mut stream: &TcpStream) -> io::Result<u64> {
    let mut chunk = vec![0; CHUNK];
    let mut received = 0;
    loop {
        let n = stream.read(&mut chunk)?;
        if n == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        received += n as u64;
        if chunk[n - 1] == MARK {
            return Ok(received);
        }
    }
}

const CHUNK: usize = 256 * 1024;
const MARK: u8 = b'.';
const PATIENCE: Duration = Duration::from_secs(10);
