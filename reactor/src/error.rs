use std::{error, fmt, io};

/// The core of the reactor has been dropped.
///
/// It is the source of an [`io::Error`] of kind [`Other`](io::ErrorKind::Other); ask with
/// [`ReactorGone::is_source_of`]. Every later operation of the same object answers the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReactorGone;

impl ReactorGone {
    /// Whether `error` says that the core is gone.
    pub fn is_source_of(error: &io::Error) -> bool {
        error.get_ref().is_some_and(|source| source.is::<Self>())
    }
}

impl fmt::Display for ReactorGone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the reactor is gone: its core has been dropped")
    }
}

impl error::Error for ReactorGone {}

impl From<ReactorGone> for io::Error {
    fn from(source: ReactorGone) -> Self {
        Self::other(source)
    }
}

/// `run` or `turn` was called on a thread that is inside of one already.
///
/// It is the source of an [`io::Error`] of kind [`Deadlock`](io::ErrorKind::Deadlock): the outer loop
/// would stand still, and with it everything that the inner one may wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct NestedRun;

impl fmt::Display for NestedRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a core cannot run inside of a task: the loop of that task would stand still")
    }
}

impl error::Error for NestedRun {}

impl From<NestedRun> for io::Error {
    fn from(source: NestedRun) -> Self {
        Self::new(io::ErrorKind::Deadlock, source)
    }
}
