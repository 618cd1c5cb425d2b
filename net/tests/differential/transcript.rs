use std::{
    fmt,
    io::{self, ErrorKind},
};

use super::script::Script;

/// What came of a script with one implementation.
#[derive(Debug)]
pub(crate) struct Transcript {
    pub(crate) name: &'static str,
    pub(crate) entries: Vec<Entry>,
}

/// What one side has seen in one step.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its number in the script.
    pub(crate) step: usize,
    pub(crate) side: Side,
    pub(crate) outcome: Outcome,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Near,
    Far,
}

#[derive(PartialEq, Eq)]
pub(crate) enum Outcome {
    /// None are the end.
    Bytes(Vec<u8>),
    /// These, and then an error.
    BytesBefore(Vec<u8>, ErrorKind),
    Wrote(usize),
    Done,
    Failed(ErrorKind),
}

impl Transcript {
    pub(crate) fn new(name: &'static str) -> Self {
        let entries = Vec::new();
        Self { name, entries }
    }
}

impl Outcome {
    /// What it is, without its bytes.
    pub(crate) fn kind(&self) -> String {
        match self {
            Self::Bytes(bytes) if bytes.is_empty() => "End".into(),
            Self::Bytes(_) => "Bytes".into(),
            Self::Wrote(_) => "Wrote".into(),
            Self::Done => "Done".into(),
            Self::BytesBefore(_, kind) | Self::Failed(kind) => format!("{kind:?}"),
        }
    }
}

impl From<io::Result<Vec<u8>>> for Outcome {
    fn from(result: io::Result<Vec<u8>>) -> Self {
        result.map_or_else(|error| Self::Failed(error.kind()), Self::Bytes)
    }
}

impl From<io::Result<usize>> for Outcome {
    fn from(result: io::Result<usize>) -> Self {
        result.map_or_else(|error| Self::Failed(error.kind()), Self::Wrote)
    }
}

impl From<io::Result<()>> for Outcome {
    fn from(result: io::Result<()>) -> Self {
        result.map_or_else(|error| Self::Failed(error.kind()), |()| Self::Done)
    }
}

impl From<(Vec<u8>, io::Result<()>)> for Outcome {
    fn from((bytes, result): (Vec<u8>, io::Result<()>)) -> Self {
        match result {
            Ok(()) => Self::Bytes(bytes),
            Err(error) => Self::BytesBefore(bytes, error.kind()),
        }
    }
}

/// Bytes by their number and the first few: there may be very many.
impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start =
            |bytes: &[u8]| format!("{} {:02x?}…", bytes.len(), &bytes[..bytes.len().min(8)]);
        match self {
            Self::Bytes(bytes) if bytes.is_empty() => f.write_str("End"),
            Self::Bytes(bytes) => write!(f, "Bytes({})", start(bytes)),
            Self::BytesBefore(bytes, kind) => write!(f, "BytesBefore({}, {kind:?})", start(bytes)),
            Self::Wrote(n) => write!(f, "Wrote({n})"),
            Self::Done => f.write_str("Done"),
            Self::Failed(kind) => write!(f, "Failed({kind:?})"),
        }
    }
}

/// Where two transcripts of a script part, for people; `None` if they do not.
pub(crate) fn disagreement(script: &Script, a: &Transcript, b: &Transcript) -> Option<String> {
    let count = a.entries.len().max(b.entries.len());
    let at = (0..count).find(|&at| a.entries.get(at) != b.entries.get(at))?;
    let said =
        |transcript: &Transcript| format!("{:5} {:?}", transcript.name, transcript.entries.get(at));
    let before: Vec<_> = a.entries[..at]
        .iter()
        .map(|entry| format!("{entry:?}\n"))
        .collect();
    Some(format!(
        "{script}agreed:\n{}parted:\n{}\n{}\n{}",
        before.concat(),
        said(a),
        said(b),
        first_difference(a, b, at).unwrap_or_default()
    ))
}

/// In what may be half a megabyte.
fn first_difference(a: &Transcript, b: &Transcript, at: usize) -> Option<String> {
    let bytes = |transcript: &'_ Transcript| match &transcript.entries.get(at)?.outcome {
        Outcome::Bytes(bytes) | Outcome::BytesBefore(bytes, _) => Some(bytes.clone()),
        _ => None,
    };
    let (a, b) = (bytes(a)?, bytes(b)?);
    let at = a.iter().zip(&b).position(|(a, b)| a != b)?;
    Some(format!("the first byte that differs: {at}"))
}
