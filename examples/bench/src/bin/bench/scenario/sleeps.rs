use std::{io, time::Duration};

use bench::Work;

use super::{Bench, Measured, Sample, Scenario};
use crate::contestant::Contestant;

/// Sleeps of 200 µs, one after the other: how late each of them ends.
pub(crate) struct ShortSleeps {
    pub(crate) count: u32,
}

impl Scenario for ShortSleeps {
    fn name(&self) -> String {
        "sleeps of 200 µs, error".to_owned()
    }

    fn unit(&self) -> &'static str {
        "sleep"
    }

    fn contestants(&self) -> Vec<Contestant> {
        Contestant::SLEEPS.to_vec()
    }

    fn baseline(&self) -> (Contestant, &'static str) {
        TOKIO
    }

    fn measure(&self, contestant: Contestant, bench: &Bench<'_>) -> io::Result<Measured> {
        let nanos = contestant.figure_of(&Work::ShortSleeps(self.count), bench.cpus)?;
        Ok(Measured::Once(Sample::Late {
            median: Duration::from_nanos(nanos as u64),
        }))
    }
}

/// Many tasks that sleep, each so many times, up to a second in all.
pub(crate) struct ManySleeps {
    pub(crate) tasks: u32,
    pub(crate) each: u32,
}

impl Scenario for ManySleeps {
    fn name(&self) -> String {
        let Self { tasks, each } = self;
        format!("sleeps of many tasks, tasks: {tasks}, sleeps of each: {each}")
    }

    fn unit(&self) -> &'static str {
        "sleep"
    }

    fn contestants(&self) -> Vec<Contestant> {
        Contestant::SLEEPS.to_vec()
    }

    fn baseline(&self) -> (Contestant, &'static str) {
        TOKIO
    }

    fn measure(&self, contestant: Contestant, bench: &Bench<'_>) -> io::Result<Measured> {
        let &Self { tasks, each } = self;
        let nanos = contestant.figure_of(&Work::ManySleeps { tasks, each }, bench.cpus)?;
        Ok(Measured::Once(Sample::CpuAlone {
            units: u64::from(tasks) * u64::from(each),
            cpu: Duration::from_nanos(nanos as u64),
        }))
    }
}

/// There is no bare loop that sleeps.
const TOKIO: (Contestant, &str) = (Contestant::TokioSleeps, "tokio");
