//! What a server needs, measured a little at a time.

use std::{
    io,
    ops::AddAssign,
    time::{Duration, Instant},
};

use super::{MEASURED, Sample, WARM_UP};
use crate::server::Server;

/// A server and what loads it, to be measured in turns with others.
///
/// Within the second that it takes to measure one contestant after the other, a machine with neighbours may become a
/// third slower. In turns of some milliseconds all of them get their share of that.
pub(crate) struct Turns {
    server: Server,
    /// Loads it for so long, and returns the number of units.
    load: Box<dyn FnMut(Duration) -> io::Result<u64>>,
    /// How many times as long as usual it is loaded.
    times: u32,
}

impl Turns {
    pub(crate) fn new(
        server: Server,
        load: impl FnMut(Duration) -> io::Result<u64> + 'static,
    ) -> Self {
        Self {
            server,
            load: Box::new(load),
            times: 1,
        }
    }

    pub(crate) fn times_as_long(self, times: u32) -> Self {
        Self { times, ..self }
    }

    fn turn(&mut self) -> io::Result<CpuTime> {
        let duration = self.times * MEASURED / TURNS;
        cpu_time(&self.server, || (self.load)(duration))
    }
}

/// Measures all of them; the samples are in their order.
///
/// # Errors
///
/// Those of the servers and of the generator.
pub(crate) fn take_turns(all: &mut [Turns]) -> io::Result<Vec<Sample>> {
    for one in &mut *all {
        (one.load)(one.times * WARM_UP)?;
    }
    let mut total = vec![CpuTime::default(); all.len()];
    for turn in 0..TURNS as usize {
        // Another one begins each time, as the first one finds the caches as they were left by the last.
        for place in 0..all.len() {
            let index = (turn + place) % all.len();
            total[index] += all[index].turn()?;
        }
    }
    Ok(total.into_iter().map(Sample::Cpu).collect())
}

/// What the server needs for what `load` does; `load` returns the number of units.
pub(super) fn cpu_time(
    server: &Server,
    load: impl FnOnce() -> io::Result<u64>,
) -> io::Result<CpuTime> {
    server.wait_until_quiet()?;
    let before = server.cpu_time()?;
    let start = Instant::now();
    let units = load()?;
    let wall = start.elapsed();
    server.wait_until_quiet()?;
    let cpu = server.cpu_time()? - before;
    Ok(CpuTime { units, cpu, wall })
}

/// The CPU time and the time on the clock for so many units.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct CpuTime {
    pub(crate) units: u64,
    pub(crate) cpu: Duration,
    pub(crate) wall: Duration,
}

impl AddAssign for CpuTime {
    fn add_assign(&mut self, other: Self) {
        self.units += other.units;
        self.cpu += other.cpu;
        self.wall += other.wall;
    }
}

/// In how many turns a contestant is measured.
const TURNS: u32 = 15;

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, process::Command, rc::Rc};

    use super::*;
    use crate::cpus::Cpus;

    #[test]
    fn each_has_all_its_turns_and_each_begins_as_often_as_the_others() {
        let cpus = Cpus::of_this_process().unwrap();
        let order = Rc::new(RefCell::new(Vec::new()));
        let mut all: Vec<_> = (1..=3)
            .map(|name: u64| {
                let mut server = Command::new("sh");
                server.args(["-c", "echo listening on nothing; exec sleep 100"]);
                let order = Rc::clone(&order);
                Turns::new(Server::start(&mut server, &cpus).unwrap(), move |_| {
                    order.borrow_mut().push(name);
                    Ok(name)
                })
            })
            .collect();
        let samples = take_turns(&mut all).unwrap();
        let units = samples.iter().map(|sample| match sample {
            Sample::Cpu(CpuTime { units, .. }) => *units,
            other => panic!("{other:?}"),
        });
        let turns = u64::from(TURNS);
        assert!(units.eq([turns, 2 * turns, 3 * turns]));
        let order = order.take();
        assert_eq!(order[..3], [1, 2, 3]);
        let begin = order[3..].iter().step_by(3);
        let expected = [1, 2, 3].iter().cycle().take(TURNS as usize);
        assert!(begin.eq(expected), "{order:?}");
    }
}
