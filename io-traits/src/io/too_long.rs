use std::{error, fmt, io};

/// More bytes came than the caller had set as the limit.
///
/// It is the source of an [`io::Error`] of kind [`InvalidData`](io::ErrorKind::InvalidData); ask with
/// [`TooLong::is_source_of`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLong {
    limit: usize,
}

impl TooLong {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit }
    }

    /// The limit, in bytes.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Whether `error` says that a limit was passed.
    pub fn is_source_of(error: &io::Error) -> bool {
        error.get_ref().is_some_and(|source| source.is::<Self>())
    }
}

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "more than the {} bytes that were allowed", self.limit)
    }
}

impl error::Error for TooLong {}

impl From<TooLong> for io::Error {
    fn from(source: TooLong) -> Self {
        Self::new(io::ErrorKind::InvalidData, source)
    }
}
