//! Our `TcpStream` does what tokio's and std's do: the same bytes, ends and kinds of errors.
//!
//! A seed makes a script of reads, writes, peeks, half-closes and resets; `differential/mod.rs` says how
//! it is played. `DIFFERENTIAL_SEEDS` chooses them: `17` for one, `1000..20000` for a longer run.

mod common;
mod differential;

use std::{collections::BTreeMap, env, ops::Range};

use differential::{Blocking, Fault, Faulty, Ours, Script, Side, Step, Tokios, disagreement, play};

#[test]
fn ours_and_tokios_and_stds_streams_agree_on_every_script() {
    for seed in seeds() {
        let script = Script::new(seed);
        let std = play(&script, Blocking::open);
        for other in [
            play(&script, Ours::open),
            play(&script, Ours::open_elsewhere),
            play(&script, Tokios::open),
        ] {
            if let Some(disagreement) = disagreement(&script, &other, &std) {
                panic!("{disagreement}");
            }
        }
    }
}

/// A comparison that could not fail would say nothing.
#[test]
fn a_stream_with_any_fault_is_found_out() {
    for fault in Fault::ALL {
        let is_found = |seed: &u64| {
            let script = Script::new(*seed);
            let std = play(&script, Blocking::open);
            let faulty = play(&script, |origin| Faulty::open(origin, fault));
            disagreement(&script, &faulty, &std).is_some()
        };
        let found = (0..SEEDS.end).find(is_found);
        eprintln!("{fault:?}: seed {found:?}");
        assert!(found.is_some(), "no script finds out: {fault:?}");
    }
}

/// Scripts that all end early, or never meet an error, would say little.
#[test]
fn the_scripts_meet_every_end_of_every_operation() {
    let mut met = BTreeMap::new();
    for seed in SEEDS {
        let script = Script::new(seed);
        for entry in play(&script, Blocking::open).entries {
            let (step, _) = script.steps[entry.step];
            let operation = operation(step, entry.side);
            *met.entry((operation, entry.outcome.kind())).or_insert(0) += 1;
        }
    }
    for (operation, outcomes) in ALL {
        for outcome in outcomes.split(' ') {
            let times = met.get(&(operation.to_string(), outcome.to_string()));
            assert!(
                times.is_some_and(|times| *times >= 3),
                "{operation} meets {outcome} {times:?} times in {met:#?}"
            );
        }
    }
}

fn seeds() -> Range<u64> {
    let Ok(chosen) = env::var("DIFFERENTIAL_SEEDS") else {
        return SEEDS;
    };
    let number = |text: &str| -> u64 { text.trim().parse().expect("a seed is a number") };
    match chosen.split_once("..") {
        Some((from, to)) => number(from)..number(to),
        None => number(&chosen)..number(&chosen) + 1,
    }
}

const SEEDS: Range<u64> = 0..1_000;

fn operation(step: Step, side: Side) -> String {
    // Without numbers.
    let words = |text: String| {
        text.chars()
            .filter(|c| c.is_alphabetic())
            .collect::<String>()
    };
    match step {
        Step::Waiting(near, _) => words(format!("Waiting{near:?}")),
        Step::Near(near) => words(format!("{near:?}")),
        step => words(format!("{side:?}{step:?}")),
    }
}

/// Each operation of the stream, and of its peer where that shows what the stream has done.
const ALL: [(&str, &str); 32] = [
    ("ReadPlain", "Bytes End ConnectionReset"),
    ("ReadAsync", "Bytes End ConnectionReset"),
    ("ReadVectored", "Bytes End ConnectionReset"),
    ("ReadBuf", "Bytes End ConnectionReset"),
    ("ReadExact", "Bytes UnexpectedEof ConnectionReset"),
    ("ReadToEnd", "Bytes End ConnectionReset"),
    ("Peek", "Bytes End ConnectionReset"),
    ("WaitingReadPlain", "Bytes End ConnectionReset"),
    ("WaitingReadAsync", "Bytes End ConnectionReset"),
    ("WaitingReadVectored", "Bytes End ConnectionReset"),
    ("WaitingReadBuf", "Bytes End ConnectionReset"),
    ("WaitingReadExact", "Bytes UnexpectedEof ConnectionReset"),
    ("WaitingReadToEnd", "Bytes End ConnectionReset"),
    ("WaitingPeek", "Bytes End ConnectionReset"),
    ("WritePlain", "Wrote BrokenPipe ConnectionReset"),
    ("WriteAsync", "Wrote BrokenPipe ConnectionReset"),
    ("WriteVectored", "Wrote BrokenPipe ConnectionReset"),
    ("WriteBuf", "Wrote BrokenPipe ConnectionReset"),
    ("WriteAll", "Done BrokenPipe ConnectionReset"),
    ("ShutdownRead", "Done"),
    ("ShutdownWrite", "Done"),
    ("ShutdownBoth", "Done"),
    ("End", "Done"),
    ("NearOut", "Done"),
    ("FarOut", "Bytes"),
    ("NearIn", "Bytes"),
    ("FarIn", "End"),
    ("NearExchange", "Bytes"),
    ("FarExchange", "Bytes"),
    ("NearCut", "ConnectionReset BrokenPipe"),
    ("FarFarRead", "Bytes End"),
    ("FarFarReadToEnd", "Bytes End ConnectionReset"),
];
