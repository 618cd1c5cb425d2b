use std::{
    env, fs, io,
    panic::{self, AssertUnwindSafe},
    path::{Path, PathBuf},
};

use crate::targets;

/// Something that is fuzzed: a function of bytes which panics if what is promised is not kept.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// As its file in `targets` and its directory in `seeds` are called.
    pub name: &'static str,
    check: fn(&[u8], bool),
}

impl Target {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::new("any_delimiter", targets::any_delimiter::check),
        Self::new("bytes", targets::bytes::check),
        Self::new("chunked", targets::chunked::check),
        Self::new("framed", targets::framed::check),
        Self::new("length_delimited", targets::length_delimited::check),
        Self::new("lines", targets::lines::check),
        Self::new("resp", targets::resp::check),
        Self::new("round_trip", targets::round_trip::check),
        Self::new("varint_delimited", targets::varint_delimited::check),
    ];

    const fn new(name: &'static str, check: fn(&[u8], bool)) -> Self {
        Self { name, check }
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        Self::ALL.iter().find(|target| target.name == name)
    }

    /// Whether the environment asks for the planted bugs: `PLANTED=1`.
    pub fn is_planted() -> bool {
        env::var_os("PLANTED").is_some_and(|planted| planted == "1")
    }

    /// Tries one input, with the target's planted bug or without.
    ///
    /// # Panics
    ///
    /// If something that is promised is not kept.
    pub fn check(&self, input: &[u8], planted: bool) {
        (self.check)(input, planted);
    }

    /// As [`check`](Self::check), but says whether all is well.
    pub fn passes(&self, input: &[u8], planted: bool) -> bool {
        panic::catch_unwind(AssertUnwindSafe(|| self.check(input, planted))).is_ok()
    }

    /// The inputs of the repository for it, each with its file, in the order of their names.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    pub fn seeds(&self) -> io::Result<Vec<(PathBuf, Vec<u8>)>> {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("seeds")
            .join(self.name);
        let mut seeds = Vec::new();
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            let bytes = fs::read(&path)?;
            seeds.push((path, bytes));
        }
        seeds.sort();
        Ok(seeds)
    }
}
