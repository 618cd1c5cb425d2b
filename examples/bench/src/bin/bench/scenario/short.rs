use std::io;

use super::{Bench, MEASURED, Measured, Scenario, WARM_UP};
use crate::{contestant::Contestant, generator::connect_for};

/// Connections that are made, echo one message and are closed by the client.
pub(crate) struct ShortConnections {
    pub(crate) at_once: usize,
}

impl Scenario for ShortConnections {
    fn name(&self) -> String {
        format!("TCP short connections, at once: {}", self.at_once)
    }

    fn unit(&self) -> &'static str {
        "connection"
    }

    fn contestants(&self) -> Vec<Contestant> {
        Contestant::ECHO.to_vec()
    }

    fn measure(&self, contestant: Contestant, bench: &Bench<'_>) -> io::Result<Measured> {
        let server = bench.start(contestant.tcp_echo(bench.programs)?)?;
        let addr = server.socket_addr()?;
        connect_for(addr, self.at_once, WARM_UP)?;
        bench.measure_load(&server, || connect_for(addr, self.at_once, MEASURED))
    }
}
