//! The fuzzer for those who have no other: changes the seeds by chance, for a time.
//!
//! ```sh
//! cargo run --release --manifest-path codec/fuzz/Cargo.toml -- --seconds 60 lines
//! ```

#![forbid(unsafe_code)]

use std::{
    env, fs, io, panic,
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant, SystemTime},
};

use codec_fuzz::{Mutator, Target};

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("codec-fuzz: {error}\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

/// Whether nothing was found.
fn run() -> io::Result<bool> {
    let Args { job, targets } = Args::parse()?;
    let mut found = 0;
    for target in targets {
        found += usize::from(!match &job {
            Job::Fuzz(time) => fuzz(target, *time)?,
            Job::Replay(file) => {
                target.check(&fs::read(file)?, Target::is_planted());
                true
            }
            Job::List => {
                println!("{}", target.name);
                true
            }
        });
    }
    Ok(found == 0)
}

/// Whether nothing was found; what was is written to a file.
fn fuzz(target: &Target, time: Duration) -> io::Result<bool> {
    let planted = Target::is_planted();
    let mut seeds: Vec<_> = target.seeds()?.into_iter().map(|(_, seed)| seed).collect();
    if planted {
        // It has to be found, not only to be recognised.
        seeds.retain(|seed| is_quietly_fine(target, seed, planted));
    }
    // Another one each time, and told, so that a run can be had again.
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let seed = match env::var("SEED") {
        Ok(seed) => seed.parse().map_err(io::Error::other)?,
        Err(_) => now.map_err(io::Error::other)?.as_nanos() as u64,
    };
    let mut mutator = Mutator::new(seeds, seed);
    let start = Instant::now();
    let mut inputs = 0_u64;
    while start.elapsed() < time {
        inputs += 1;
        let input = mutator.next_input();
        if is_quietly_fine(target, &input, planted) {
            continue;
        }
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("artifacts")
            .join(target.name);
        fs::create_dir_all(&path)?;
        let path = path.join(format!("found-{seed}-{inputs}"));
        fs::write(&path, &input)?;
        eprintln!(
            "{}: found with input {inputs} of seed {seed}: {}",
            target.name,
            path.display()
        );
        // Once more, to be seen.
        target.passes(&input, planted);
        return Ok(false);
    }
    println!(
        "{}: {inputs} inputs of seed {seed}, nothing found",
        target.name
    );
    Ok(true)
}

fn is_quietly_fine(target: &Target, input: &[u8], planted: bool) -> bool {
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let passes = target.passes(input, planted);
    panic::set_hook(hook);
    passes
}

struct Args {
    job: Job,
    targets: Vec<&'static Target>,
}

enum Job {
    Fuzz(Duration),
    Replay(PathBuf),
    List,
}

impl Args {
    fn parse() -> io::Result<Self> {
        let mut args = env::args().skip(1);
        let wrong = |what: &str| io::Error::new(io::ErrorKind::InvalidInput, what.to_owned());
        let mut job = Job::Fuzz(Duration::from_secs(10));
        let mut targets = Vec::new();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--seconds" => {
                    let seconds = args.next().and_then(|seconds| seconds.parse().ok());
                    let seconds = seconds.ok_or_else(|| wrong("how many seconds?"))?;
                    job = Job::Fuzz(Duration::from_secs(seconds));
                }
                "--replay" => {
                    let file = args.next().ok_or_else(|| wrong("which file?"))?;
                    job = Job::Replay(file.into());
                }
                "--list" => job = Job::List,
                name => {
                    let target = Target::named(name).ok_or_else(|| wrong("no such target"))?;
                    targets.push(target);
                }
            }
        }
        if targets.is_empty() {
            targets.extend(&Target::ALL);
        }
        Ok(Self { job, targets })
    }
}

const USAGE: &str = "usage: codec-fuzz [--seconds N | --replay FILE | --list] [TARGET…]; \
    SEED=N for the same inputs again, PLANTED=1 with a planted bug";
