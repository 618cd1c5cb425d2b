use std::io;

use bench::{Congestion, Work};

use super::{Bench, Measured, Scenario, Turns};
use crate::{contestant::Contestant, frame_clients::FrameClients};

/// Connections that stay, each with so many frames under way.
pub(crate) struct Frames {
    pub(crate) payload: usize,
    pub(crate) depth: usize,
    pub(crate) congestion: Congestion,
}

impl Scenario for Frames {
    fn name(&self) -> String {
        let Self { payload, depth, .. } = self;
        let suffix = self.congestion.suffix();
        format!("TCP frames of {payload} bytes, depth: {depth}, connections: {CONNECTIONS}{suffix}")
    }

    fn unit(&self) -> &'static str {
        "frame"
    }

    fn contestants(&self) -> Vec<Contestant> {
        Contestant::FRAMES.to_vec()
    }

    fn measure(&self, contestant: Contestant, bench: &Bench<'_>) -> io::Result<Measured> {
        let server = bench.start(contestant.server(&Work::TcpFrames(self.congestion))?)?;
        let addr = server.socket_addr()?;
        let mut clients = FrameClients::connect(addr, CONNECTIONS, self.payload, self.depth)?;
        clients.set_congestion(self.congestion)?;
        // Of long ones, few come in a while, and the rate at which they are sent has to be found out.
        let times = if self.payload >= LONG { LONGER } else { 1 };
        let turns = Turns::new(server, move |duration| clients.echo_for(duration));
        Ok(Measured::InTurns(turns.times_as_long(times)))
    }
}

const CONNECTIONS: usize = 10;

/// From how many bytes on it takes longer, and how many times as long.
const LONG: usize = 32 * 1024;
const LONGER: u32 = 4;
