//! What is counted exactly. A new count is a file here, or a variant of one, and a line in [`all`].
//!
//! Start-up is not part of a count: each is the difference between a long and a short run.

mod datagrams;
mod frames;
mod heap;
mod instructions;
mod sleeps;
mod syscalls;

use std::{
    fmt::Write,
    fs, io,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::{Map, Value, json};

use crate::{contestant::Contestant, cpus::Cpus, report::Report};

/// Something that each contestant is counted in.
pub(crate) trait Count {
    fn name(&self) -> String;

    fn contestants(&self) -> Vec<Contestant>;

    /// The program that counts, if it takes one that may be missing.
    fn tool(&self) -> Option<&'static str>;

    fn count(&self, contestant: Contestant, counter: &Counter<'_>) -> io::Result<Counted>;
}

/// All counts, in the table's order.
pub(crate) fn all() -> Vec<Box<dyn Count>> {
    use syscalls::Operation;

    vec![
        Box::new(instructions::Instructions { connections: 1 }),
        Box::new(instructions::Instructions { connections: 50 }),
        Box::new(datagrams::ReceivedInstructions),
        Box::new(Operation::LoneTcpEcho),
        Box::new(Operation::BatchedTcpEcho),
        Box::new(Operation::ShortTcpConnection),
        Box::new(Operation::LoneUdpEcho),
        Box::new(Operation::BatchedUdpEcho),
        Box::new(Operation::LoneUnixEcho),
        Box::new(Operation::Sleeps),
        Box::new(sleeps::CancelledSleeps { live: 100_000 }),
        Box::new(heap::RegisteredSockets { count: 10_000 }),
        Box::new(frames::FrameInstructions {
            payload: 64,
            depth: 1,
        }),
        Box::new(frames::FrameInstructions {
            payload: 64,
            depth: 16,
        }),
        Box::new(frames::FrameInstructions {
            payload: 1024,
            depth: 1,
        }),
        Box::new(frames::FrameInstructions {
            payload: 1024,
            depth: 16,
        }),
        Box::new(frames::FrameInstructions {
            payload: bench::LONGEST_FRAME,
            depth: 1,
        }),
    ]
}

/// What a count counts with.
pub(crate) struct Counter<'a> {
    pub(crate) cpus: &'a Cpus,
    /// A directory for the files of the tools.
    pub(crate) scratch: &'a Path,
}

/// One count of one contestant.
#[derive(Debug, Clone)]
pub(crate) struct Counted {
    pub(crate) value: f64,
    /// What it consists of, largest first.
    pub(crate) parts: Vec<(String, f64)>,
}

/// Counts everything and makes the table.
///
/// # Errors
///
/// Those of the servers and of the tools. That a tool is missing is none: the table says so.
pub(crate) fn run(only: &str, cpus: &Cpus, scratch: &Path) -> io::Result<Report> {
    fs::create_dir_all(scratch)?;
    let counter = Counter { cpus, scratch };
    let mut head = vec!["count".to_owned()];
    let columns = columns();
    head.extend(columns.iter().map(ToString::to_string));
    let mut rows = vec![head];
    let (mut parts, mut found, mut missing) = (Vec::new(), Map::new(), Vec::new());
    for count in all() {
        let name = count.name();
        if !name.contains(only) {
            continue;
        }
        let tool_is_missing = count.tool().is_some_and(|tool| !is_installed(tool));
        if let (true, Some(tool)) = (tool_is_missing, count.tool()) {
            eprintln!("bench: {tool} is missing: {name} is not counted");
            if !missing.contains(&tool) {
                missing.push(tool);
            }
        }
        let (mut row, mut values) = (vec![name.clone()], Map::new());
        for &contestant in &columns {
            if !count.contestants().contains(&contestant) {
                row.push("–".to_owned());
                continue;
            }
            if tool_is_missing {
                row.push(format!("no {}", count.tool().unwrap_or_default()));
                continue;
            }
            eprintln!("{name}: {contestant}");
            let counted = count.count(contestant, &counter).map_err(|error| {
                io::Error::new(error.kind(), format!("{name}, {contestant}: {error}"))
            })?;
            row.push(short(counted.value));
            if !counted.parts.is_empty() {
                parts.push(vec![name.clone(), contestant.to_string(), listed(&counted)]);
            }
            values.insert(contestant.to_string(), counted.to_json());
        }
        rows.push(row);
        found.insert(name, values.into());
    }

    let mut report = Report::new("count", "Exact counts");
    report.paragraph(
        "`make count`. Each count is the difference between a long and a short run, divided by the \
         operations between them, so that start-up is not in it. `–`: not counted for this contestant, or the same as in the other form of \
         ours.",
    );
    for tool in &missing {
        report.paragraph(&format!(
            "**{tool} is missing**, so that what it counts is not here: install the package `{tool}`."
        ));
    }
    report.table(&rows);
    if !parts.is_empty() {
        report.heading("What they consist of");
        let head = ["count", "contestant", "parts"].map(str::to_owned).to_vec();
        parts.insert(0, head);
        report.table(&parts);
    }
    report.value("missing_tools", missing);
    report.value("counts", found);
    report.machine();
    Ok(report)
}

/// Those who are counted in anything.
fn columns() -> Vec<Contestant> {
    [&Contestant::ECHO[..], &Contestant::FRAMES].concat()
}

impl Counted {
    fn to_json(&self) -> Value {
        let parts = self.parts.iter().cloned();
        let parts: Map<_, _> = parts.map(|(name, value)| (name, value.into())).collect();
        json!({ "value": self.value, "parts": parts })
    }
}

fn listed(counted: &Counted) -> String {
    let mut list = String::new();
    for (name, value) in &counted.parts {
        let comma = if list.is_empty() { "" } else { ", " };
        write!(list, "{comma}{name} {}", short(*value)).expect("a string takes everything");
    }
    list
}

fn short(value: f64) -> String {
    // Sums of syscalls of whole runs, or bytes, have no fraction that means anything.
    if value >= 50.0 {
        return format!("{value:.0}");
    }
    format!("{value:.2}")
}

fn is_installed(tool: &str) -> bool {
    let mut version = Command::new(tool);
    version
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    version.status().is_ok_and(|status| status.success())
}
