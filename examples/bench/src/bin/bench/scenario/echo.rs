use std::io;

use super::{Bench, MEASURED, Measured, Scenario, WARM_UP};
use crate::{contestant::Contestant, generator::Clients};

/// Connections that stay, each with one message under way all the time.
pub(crate) struct Echo {
    pub(crate) connections: usize,
}

impl Scenario for Echo {
    fn name(&self) -> String {
        format!("TCP echo, connections: {}", self.connections)
    }

    fn unit(&self) -> &'static str {
        "echo"
    }

    fn contestants(&self) -> Vec<Contestant> {
        Contestant::ECHO.to_vec()
    }

    fn measure(&self, contestant: Contestant, bench: &Bench<'_>) -> io::Result<Measured> {
        let server = bench.start(contestant.tcp_echo(bench.programs)?)?;
        let mut clients = Clients::connect(server.socket_addr()?, self.connections)?;
        clients.echo_for(WARM_UP)?;
        bench.measure_load(&server, || clients.echo_for(MEASURED))
    }
}
