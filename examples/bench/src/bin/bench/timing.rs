use std::{io, path::Path};

use fastrand::Rng;
use serde_json::{Map, Value, json};

use crate::{
    contestant::Contestant,
    cpus::Cpus,
    report::Report,
    scenario::{self, Bench, CpuTime, Measured, Sample, Scenario, take_turns},
    spread::Spread,
};

/// Puts all contestants through all scenarios, `rounds` times.
///
/// A machine drifts more within a minute than the contestants differ. So each round measures all
/// contestants of a scenario, in an order of its own or in turns, and a ratio is always taken within one round.
///
/// # Errors
///
/// Those of the servers and of the generator.
pub(crate) fn run(
    rounds: usize,
    seed: u64,
    only: &str,
    cpus: &Cpus,
    programs: &Path,
) -> io::Result<Report> {
    let bench = Bench { cpus, programs };
    let mut scenarios: Vec<_> = scenario::all()
        .into_iter()
        .filter(|scenario| scenario.name().contains(only))
        .map(Results::new)
        .collect();
    let mut rng = Rng::with_seed(seed);
    for round in 0..rounds {
        eprintln!("round {} of {rounds}", round + 1);
        for results in &mut scenarios {
            if round < results.scenario.max_rounds() {
                results.measure(&mut rng, &bench)?;
            }
        }
    }

    let mut report = Report::new("report", "Time and memory against a bare epoll loop");
    report.paragraph(&format!(
        "`make bench ROUNDS={rounds} SEED={seed} ONLY={only}`; {}; messages of {} bytes over the loopback.",
        cpus.describe(),
        bench::MESSAGE,
    ));
    report.paragraph(
        "A ratio is that of a contestant's cost to the bare loop's in the same round, or to tokio's where there is \
         no bare loop: the median of the rounds, and in parentheses the smallest and the largest. Some scenarios have such a \
         ratio to other contestants as well. **Differences under 5 % are noise.**",
    );
    report.paragraph(
        "The cost is the server's: user and system CPU time of all its threads, or its resident bytes, \
         for one unit; of a latency it is what the client waits. Throughput is that of a closed loop with a generator on one CPU of its own. \
         Servers of frames are loaded in turns of some milliseconds, all others one after the other.",
    );
    for results in &scenarios {
        results.write(&mut report);
    }
    report.heading("Contestants");
    report.paragraph(&format!("Buffers are of {} bytes.", bench::BUFFER));
    report.list(&contestants(&scenarios));
    let found: Vec<_> = scenarios.iter().map(Results::to_json).collect();
    report.value("rounds", rounds);
    report.value("seed", seed);
    report.value("cpus", cpus.describe());
    report.value("scenarios", found);
    report.machine();
    Ok(report)
}

fn named(error: io::Error, name: &str) -> io::Error {
    io::Error::new(error.kind(), format!("{name}: {error}"))
}

/// All who have been measured, each with what it does.
fn contestants(scenarios: &[Results]) -> Vec<(String, String)> {
    let mut contestants = Vec::new();
    for (contestant, _) in scenarios.iter().flat_map(|results| &results.samples) {
        let named = (contestant.to_string(), contestant.description().to_owned());
        if !contestants.contains(&named) {
            contestants.push(named);
        }
    }
    contestants
}

struct Results {
    scenario: Box<dyn Scenario>,
    /// Each with a sample for each round.
    samples: Vec<(Contestant, Vec<Sample>)>,
}

impl Results {
    fn new(scenario: Box<dyn Scenario>) -> Self {
        let contestants = scenario.contestants();
        let samples = contestants
            .into_iter()
            .map(|contestant| (contestant, Vec::new()));
        let samples = samples.collect();
        Self { scenario, samples }
    }

    /// One round.
    fn measure(&mut self, rng: &mut Rng, bench: &Bench<'_>) -> io::Result<()> {
        let mut order: Vec<_> = (0..self.samples.len()).collect();
        rng.shuffle(&mut order);
        let (mut waiting, mut turns) = (Vec::new(), Vec::new());
        for index in order {
            let (contestant, samples) = &mut self.samples[index];
            let measured = self.scenario.measure(*contestant, bench);
            let name = || format!("{}, {contestant}", self.scenario.name());
            match measured.map_err(|error| named(error, &name()))? {
                Measured::Once(sample) => samples.push(sample),
                Measured::InTurns(one) => {
                    waiting.push(index);
                    turns.push(one);
                }
            }
        }
        let samples = take_turns(&mut turns);
        let samples = samples.map_err(|error| named(error, &self.scenario.name()))?;
        for (index, sample) in waiting.into_iter().zip(samples) {
            self.samples[index].1.push(sample);
        }
        Ok(())
    }

    fn write(&self, report: &mut Report) {
        let Some(any) = self.samples.iter().find_map(|(_, samples)| samples.first()) else {
            return;
        };
        report.heading(&self.scenario.name());
        let unit = self.scenario.unit();
        let (baseline, name) = self.scenario.baseline();
        let mut compared_with = vec![(baseline, name.to_owned())];
        for other in self.scenario.also_compared_with() {
            compared_with.push((other, other.to_string()));
        }
        let mut head = vec!["contestant".to_owned()];
        head.extend(
            compared_with
                .iter()
                .map(|(_, name)| format!("ratio to {name}")),
        );
        head.push(format!("{} per {unit}", any.cost_unit()));
        if any.throughput().is_some() {
            head.push(format!("{unit}s per second").replace("echos", "echoes"));
        }
        let mut rows = vec![head];
        for (contestant, samples) in &self.samples {
            let mut row = vec![contestant.to_string()];
            let ratios = compared_with
                .iter()
                .map(|&(other, _)| self.ratios(samples, other).map_or_else(String::new, ratio));
            row.extend(ratios);
            row.push(rounded(costs(samples)));
            if any.throughput().is_some() {
                row.push(rounded(throughputs(samples)));
            }
            rows.push(row);
        }
        report.table(&rows);
    }

    fn to_json(&self) -> Value {
        let contestant = |(contestant, samples): &(Contestant, Vec<Sample>)| {
            let rounds: Vec<_> = samples
                .iter()
                .map(|&sample| sample_to_json(sample))
                .collect();
            let others = self.scenario.also_compared_with().into_iter();
            let ratios = others.filter_map(|other| {
                let ratios = self.ratios(samples, other)?;
                Some((other.to_string(), ratios.to_json()))
            });
            let (baseline, _) = self.scenario.baseline();
            json!({
                "contestant": contestant.to_string(),
                "ratio": self.ratios(samples, baseline).map(Spread::to_json),
                "ratios": ratios.collect::<Map<_, _>>(),
                "cost": costs(samples).map(Spread::to_json),
                "cost_unit": samples.first().map(|sample| sample.cost_unit()),
                "throughput": throughputs(samples).map(Spread::to_json),
                "rounds": rounds,
            })
        };
        json!({
            "scenario": self.scenario.name(),
            "unit": self.scenario.unit(),
            "contestants": self.samples.iter().map(contestant).collect::<Vec<_>>(),
        })
    }

    /// Those of the costs to another contestant's, in the same round.
    fn ratios(&self, samples: &[Sample], other: Contestant) -> Option<Spread> {
        let (_, others) = self
            .samples
            .iter()
            .find(|(contestant, _)| *contestant == other)?;
        let rounds = samples.iter().zip(others);
        Spread::of(rounds.map(|(sample, other)| sample.cost() / other.cost()))
    }
}

fn costs(samples: &[Sample]) -> Option<Spread> {
    Spread::of(samples.iter().map(|sample| sample.cost()))
}

fn throughputs(samples: &[Sample]) -> Option<Spread> {
    Spread::of(samples.iter().filter_map(|sample| sample.throughput()))
}

/// With a third digit where two say little.
fn ratio(spread: Spread) -> String {
    let Spread { median, min, max } = spread;
    match median {
        small if small < 0.5 => format!("{median:.3} ({min:.3}–{max:.3})"),
        _ => format!("{median:.2} ({min:.2}–{max:.2})"),
    }
}

/// The median, with as many digits as mean something.
fn rounded(spread: Option<Spread>) -> String {
    spread.map_or_else(String::new, |spread| match spread.median {
        large if large >= 100.0 => format!("{large:.0}"),
        small => format!("{small:.2}"),
    })
}

fn sample_to_json(sample: Sample) -> Value {
    match sample {
        Sample::Cpu(CpuTime { units, cpu, wall }) => json!({
            "units": units,
            "cpu_seconds": cpu.as_secs_f64(),
            "wall_seconds": wall.as_secs_f64(),
        }),
        Sample::Latency { median } => json!({ "median_seconds": median.as_secs_f64() }),
        Sample::CpuAlone { units, cpu } => {
            json!({ "units": units, "cpu_seconds": cpu.as_secs_f64() })
        }
        Sample::Late { median } => json!({ "median_late_seconds": median.as_secs_f64() }),
        Sample::Resident { units, bytes } => json!({ "units": units, "bytes": bytes }),
    }
}
