use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
};

use bench::MESSAGE;

use super::{Bench, Measured, Sample, Scenario};
use crate::{contestant::Contestant, generator::connect, machine::socket_limit};

/// What a server keeps for connections that have echoed once, one after the other, and are quiet since.
pub(crate) struct IdleConnections {
    pub(crate) count: usize,
}

impl IdleConnections {
    /// As many as the limit of descriptors allows.
    fn allowed(&self) -> usize {
        self.count.min(socket_limit())
    }
}

impl Scenario for IdleConnections {
    fn name(&self) -> String {
        format!("memory, idle connections: {}", self.allowed())
    }

    fn unit(&self) -> &'static str {
        "connection"
    }

    fn contestants(&self) -> Vec<Contestant> {
        Contestant::ALL.to_vec()
    }

    fn max_rounds(&self) -> usize {
        3
    }

    fn measure(&self, contestant: Contestant, bench: &Bench<'_>) -> io::Result<Measured> {
        let server = bench.start(contestant.tcp_echo(bench.programs)?)?;
        let (addr, message) = (server.socket_addr()?, contestant.message());
        // What is made once, for the first one, is no connection's share.
        let _first = echo_once(addr, &message)?;
        server.wait_until_quiet()?;
        let before = server.resident_bytes()?;
        let connections = (0..self.allowed()).map(|_| echo_once(addr, &message));
        let connections: Vec<_> = connections.collect::<io::Result<_>>()?;
        server.wait_until_quiet()?;
        Ok(Measured::Once(Sample::Resident {
            units: connections.len() as u64,
            bytes: server.resident_bytes()?.saturating_sub(before),
        }))
    }
}

/// Sends a line and reads one.
fn echo_once(addr: SocketAddr, message: &[u8; MESSAGE]) -> io::Result<TcpStream> {
    let mut stream = connect(addr)?;
    stream.write_all(message)?;
    let mut answer = [0; 4 * MESSAGE];
    let mut received = 0;
    while !answer[..received].contains(&b'\n') {
        match stream.read(&mut answer[received..])? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            more => received += more,
        }
    }
    Ok(stream)
}
