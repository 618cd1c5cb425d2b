//! What is timed. A new scenario is a file here and a line in [`all`].

mod datagrams;
mod echo;
mod frames;
mod idle;
mod latency;
mod relay;
mod short;
mod sleeps;
mod turns;

use std::{io, path::Path, process::Command, time::Duration};

use bench::Congestion;

use crate::{contestant::Contestant, cpus::Cpus, server::Server};

use turns::cpu_time;
pub(crate) use turns::{CpuTime, Turns, take_turns};

/// Something that each contestant is put through, in every round anew.
pub(crate) trait Scenario {
    fn name(&self) -> String;

    /// What is done over and over, as one word.
    fn unit(&self) -> &'static str;

    fn contestants(&self) -> Vec<Contestant>;

    /// The one of them that the others are compared with, and what the report calls it.
    fn baseline(&self) -> (Contestant, &'static str) {
        let bare = self.contestants().into_iter().find(|one| one.is_bare());
        (bare.unwrap_or(Contestant::Bare), "the bare loop")
    }

    /// Those with whom the others are compared besides: each has a column of its own.
    fn also_compared_with(&self) -> Vec<Contestant> {
        Vec::new()
    }

    /// Where one more round would say nothing new.
    fn max_rounds(&self) -> usize {
        usize::MAX
    }

    /// Measures one contestant once, or has it loaded in turns with the others.
    fn measure(&self, contestant: Contestant, bench: &Bench<'_>) -> io::Result<Measured>;
}

/// All scenarios, in the report's order.
pub(crate) fn all() -> Vec<Box<dyn Scenario>> {
    let mut all: Vec<Box<dyn Scenario>> = vec![
        Box::new(echo::Echo { connections: 1 }),
        Box::new(echo::Echo { connections: 50 }),
        Box::new(echo::Echo { connections: 500 }),
        Box::new(echo::Echo { connections: 5000 }),
        Box::new(latency::LoneEcho),
        Box::new(short::ShortConnections { at_once: 50 }),
    ];
    for payload in [64, 1024, bench::LONGEST_FRAME] {
        for depth in [1, 16] {
            all.push(Box::new(frames::Frames {
                payload,
                depth,
                congestion: Congestion::System,
            }));
        }
    }
    for depth in [1, 16] {
        all.push(Box::new(frames::Frames {
            payload: bench::LONGEST_FRAME,
            depth,
            congestion: Congestion::Reno,
        }));
    }
    for congestion in [Congestion::System, Congestion::Reno] {
        for connections in [1, 8] {
            all.push(Box::new(relay::Relay {
                connections,
                congestion,
            }));
        }
    }
    for (gso, queued) in [(true, true), (true, false), (false, false)] {
        all.push(Box::new(datagrams::Datagrams::Receive { gso, queued }));
    }
    all.push(Box::new(datagrams::Datagrams::Send));
    for in_flight in [1, 32] {
        all.push(Box::new(datagrams::Datagrams::Echo { in_flight }));
    }
    all.push(Box::new(sleeps::ShortSleeps { count: 500 }));
    for (tasks, each) in [(100_000, 1), (10_000, 10)] {
        all.push(Box::new(sleeps::ManySleeps { tasks, each }));
    }
    all.push(Box::new(idle::IdleConnections { count: 10_000 }));
    all
}

/// What a scenario measures with.
pub(crate) struct Bench<'a> {
    pub(crate) cpus: &'a Cpus,
    /// The directory of the example programs.
    pub(crate) programs: &'a Path,
}

impl Bench<'_> {
    pub(crate) fn start(&self, mut command: Command) -> io::Result<Server> {
        Server::start(&mut command, self.cpus)
    }

    /// What the server needs for what `load` does; `load` returns the number of units.
    pub(crate) fn measure_load(
        &self,
        server: &Server,
        load: impl FnOnce() -> io::Result<u64>,
    ) -> io::Result<Measured> {
        Ok(Measured::Once(Sample::Cpu(cpu_time(server, load)?)))
    }
}

/// What has become of a contestant.
pub(crate) enum Measured {
    Once(Sample),
    /// It is to be loaded in turns with the others.
    InTurns(Turns),
}

/// One measurement.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Sample {
    Cpu(CpuTime),
    Latency {
        median: Duration,
    },
    /// Of a program that ends by itself, so that its time on the clock says nothing.
    CpuAlone {
        units: u64,
        cpu: Duration,
    },
    Resident {
        units: u64,
        bytes: u64,
    },
    /// How late something was.
    Late {
        median: Duration,
    },
}

impl Sample {
    /// Microseconds of CPU time, of waiting or late, or bytes, of one unit.
    pub(crate) fn cost(self) -> f64 {
        match self {
            Self::Cpu(CpuTime { units, cpu, .. }) | Self::CpuAlone { units, cpu } => {
                cpu.as_secs_f64() * 1e6 / units.max(1) as f64
            }
            Self::Latency { median } | Self::Late { median } => median.as_secs_f64() * 1e6,
            Self::Resident { units, bytes } => bytes as f64 / units.max(1) as f64,
        }
    }

    pub(crate) fn cost_unit(self) -> &'static str {
        match self {
            Self::Cpu(_) | Self::CpuAlone { .. } => "µs CPU",
            Self::Latency { .. } => "µs (p50)",
            Self::Late { .. } => "µs late (median)",
            Self::Resident { .. } => "bytes",
        }
    }

    /// Units in a second.
    pub(crate) fn throughput(self) -> Option<f64> {
        match self {
            Self::Cpu(CpuTime { units, wall, .. }) => Some(units as f64 / wall.as_secs_f64()),
            Self::CpuAlone { .. }
            | Self::Latency { .. }
            | Self::Late { .. }
            | Self::Resident { .. } => None,
        }
    }
}

/// How long a server is loaded before it is measured.
const WARM_UP: Duration = Duration::from_millis(50);

/// How long it is measured.
const MEASURED: Duration = Duration::from_millis(300);
