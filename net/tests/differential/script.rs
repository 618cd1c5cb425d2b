use std::{fmt, net::Shutdown};

use super::{
    state::State,
    step::{Far, Near, Step, Way},
};
use crate::common::Random;

/// The steps of one connection's life; the same seed gives the same ones.
#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) seed: u64,
    pub(crate) origin: Origin,
    /// Each with what has to have happened before the next.
    pub(crate) steps: Vec<(Step, State)>,
}

/// How the stream under test comes to be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Origin {
    Connected,
    Accepted,
    /// Taken over from std.
    Adopted,
}

impl Script {
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        // Seeds that differ by little begin with numbers that do so, too.
        for _ in 0..8 {
            random.next();
        }
        let mut script = Self {
            seed,
            origin: any(
                &mut random,
                [Origin::Connected, Origin::Accepted, Origin::Adopted],
            ),
            steps: Vec::new(),
        };
        let len = 8 + random.below(40) as usize;
        let mut dead = 0;
        while script.steps.len() < len && dead < AFTER_THE_END {
            let step = any_step(&mut random);
            if script.push(step) && script.state().is_closed() {
                dead += 1;
            }
        }
        script.push(Step::Near(Near::Drop));
        script.push(Step::Far(Far::ReadToEnd));
        script.push(Step::Far(Far::ReadToEnd));
        script
    }

    /// Adds a step, if it has a place after the others.
    fn push(&mut self, step: Step) -> bool {
        let after = self.state().after(step);
        self.steps.extend(after.map(|after| (step, after)));
        after.is_some()
    }

    fn state(&self) -> State {
        self.steps.last().map(|step| step.1).unwrap_or_default()
    }
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}, {:?}", self.seed, self.origin)?;
        for (number, (step, _)) in self.steps.iter().enumerate() {
            writeln!(f, "{number:4}  {step:?}")?;
        }
        Ok(())
    }
}

/// What has no place is not taken, so that these are weights, not shares.
fn any_step(random: &mut Random) -> Step {
    match random.below(200) {
        0..80 => Step::Near(any_near(random)),
        80..130 => Step::Far(any_far(random)),
        130..197 => Step::Waiting(any_read(random), any_news(random)),
        197 => any(random, [Step::Out, Step::In])(much(random)),
        198 => Step::Exchange(much(random)),
        _ if random.below(4) == 0 => Step::Cut(CUT),
        _ => Step::Near(Near::Look),
    }
}

fn any_near(random: &mut Random) -> Near {
    match random.below(100) {
        0..50 => any_read(random),
        50..58 => Near::GiveUp(any_way(random), small(random)),
        58..78 => Near::Write(any_way(random), small(random)),
        78..84 => Near::WriteAll(small(random)),
        84..97 => Near::Look,
        97..99 => Near::Shutdown(any(
            random,
            [Shutdown::Read, Shutdown::Write, Shutdown::Both],
        )),
        _ => Near::End,
    }
}

fn any_read(random: &mut Random) -> Near {
    match random.below(10) {
        0 => Near::ReadToEnd,
        1..3 => Near::ReadExact(small(random)),
        3..5 => Near::Peek(small(random)),
        _ => Near::Read(any_way(random), small(random)),
    }
}

/// Ends are rare: most of what a script could do has no place behind them.
fn any_far(random: &mut Random) -> Far {
    match random.below(100) {
        0..60 => Far::Write(1 + small(random)),
        60..94 => Far::Read(small(random)),
        94 => Far::LastWrite(1 + small(random)),
        95 => Far::End,
        96 => Far::Close,
        _ => Far::Reset,
    }
}

/// What ends a read's waiting.
fn any_news(random: &mut Random) -> Far {
    match random.below(100) {
        0..75 => Far::Write(1 + small(random)),
        75..80 => Far::LastWrite(1 + small(random)),
        80..86 => Far::End,
        86..92 => Far::Close,
        _ => Far::Reset,
    }
}

fn any_way(random: &mut Random) -> Way {
    any(random, [Way::Plain, Way::Async, Way::Vectored, Way::Buf])
}

fn any<T, const N: usize>(random: &mut Random, choice: [T; N]) -> T {
    let index = random.below(N as u64) as usize;
    choice.into_iter().nth(index).expect("one of them")
}

/// Often few bytes, so that buffers end in the middle of what was written.
fn small(random: &mut Random) -> usize {
    let end = any(random, [2, 8, 64, 1_000]);
    random.below(end) as usize
}

/// More than the buffers hold.
fn much(random: &mut Random) -> usize {
    (300_000 + random.below(200_000)) as usize
}

/// Much more than the buffers hold.
const CUT: usize = 1 << 20;

/// So many steps, at most, still try what a closed connection says.
const AFTER_THE_END: usize = 10;
