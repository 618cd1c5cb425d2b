//! Fuzz targets of `codec`.
//!
//! ```text
//!   seeds/TARGET/*     inputs worth having, in the repository; `make test` replays them
//!        │
//!        ▼                        ┌── fuzz_targets/TARGET.rs: libFuzzer, guided by coverage (nightly)
//!   a Target: fn(&[u8]) ◀─────────┼── src/main.rs: the Mutator, by chance (any toolchain)
//!        │                        └── tests/: the seeds; the bugs that are planted
//!        ▼
//!   options, the cuts of the stream, and the stream are read from the input; what the codec makes of it is
//!   compared with a model, which is the protocol written down in the plainest way
//! ```
//!
//! `make fuzz` runs all of them for long, `make fuzz-short` for a minute. To go on from a find, or with
//! one target:
//!
//! ```sh
//! make fuzz ONLY=lines TIME=60
//! cargo +nightly fuzz run --fuzz-dir codec/fuzz lines codec/fuzz/artifacts/lines/crash-…
//! cargo run --manifest-path codec/fuzz/Cargo.toml -- --replay codec/fuzz/artifacts/lines/crash-… lines
//! ```
//!
//! An input that found a bug becomes a seed.
//!
//! A fuzzer that finds nothing may be one that looks at nothing. So each target has a bug planted for it,
//! a mistake that somebody once made with such a codec, and is shown to find it (`PLANTED=1`).
//!
//! # Reading order
//!
//! 1. [`Target`] and `targets/`: what is promised; one target, one file.
//! 2. `decoding.rs`: what each decoder is put through. `pipe.rs`: the stream in pieces.
//! 3. `planted.rs`: decoders with a mistake.
//! 4. [`Mutator`]: the fuzzer for those who have no other.

#![forbid(unsafe_code)]

mod decoding;
mod input;
mod libfuzzer;
mod mutator;
mod pipe;
mod planted;
mod target;
mod targets;

pub use mutator::Mutator;
pub use target::Target;

// The codecs of programs are fuzzed as they are.
#[path = "../../examples/chunked.rs"]
#[allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "a program, of which only the codec is used"
)]
mod chunked;
#[path = "../../../examples/src/bin/redis/resp/mod.rs"]
#[allow(
    dead_code,
    unused_imports,
    reason = "a part of a program, of which only the codec is used"
)]
mod resp;
