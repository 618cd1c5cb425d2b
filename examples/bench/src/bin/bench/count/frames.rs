use std::{io, path::Path};

use super::{Count, Counted, Counter, instructions::of_server};
use crate::{contestant::Contestant, frame_clients::FrameClients};

/// User-space instructions of one frame: one connection, with so many frames under way at once, each
/// burst in one write.
pub(crate) struct FrameInstructions {
    pub(crate) payload: usize,
    pub(crate) depth: usize,
}

impl FrameInstructions {
    fn of_run(
        &self,
        bursts: u64,
        contestant: Contestant,
        counter: &Counter<'_>,
    ) -> io::Result<u64> {
        let name = format!("{contestant}.{}.{}", self.payload, self.depth);
        let command = contestant.tcp_echo(Path::new(""))?;
        of_server(&name, &command, counter, |server| {
            let addr = server.socket_addr()?;
            let mut clients = FrameClients::connect(addr, 1, self.payload, self.depth)?;
            clients.echo_bursts(bursts)?;
            server.wait_until_quiet()?;
            drop(clients);
            server.wait_until_quiet()
        })
    }
}

impl Count for FrameInstructions {
    fn name(&self) -> String {
        let Self { payload, depth } = self;
        format!("instructions of a frame of {payload} bytes, depth: {depth}")
    }

    fn contestants(&self) -> Vec<Contestant> {
        Contestant::FRAMES.to_vec()
    }

    fn tool(&self) -> Option<&'static str> {
        Some("valgrind")
    }

    fn count(&self, contestant: Contestant, counter: &Counter<'_>) -> io::Result<Counted> {
        let few = self.of_run(FEW, contestant, counter)?;
        let many = self.of_run(MANY, contestant, counter)?;
        let frames = (MANY - FEW) * self.depth as u64;
        let value = (many as f64 - few as f64) / frames as f64;
        let parts = Vec::new();
        Ok(Counted { value, parts })
    }
}

const FEW: u64 = 200;
const MANY: u64 = 1_200;
