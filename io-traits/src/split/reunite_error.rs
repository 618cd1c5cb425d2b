use std::{error, fmt, io};

/// Two halves were to be put together that are not of one object.
///
/// They are in it, so that nothing is lost.
pub struct ReuniteError<R, W> {
    /// The half that reads.
    pub read: R,
    /// The half that writes.
    pub write: W,
}

impl<R, W> fmt::Debug for ReuniteError<R, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReuniteError").finish_non_exhaustive()
    }
}

impl<R, W> fmt::Display for ReuniteError<R, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(TEXT)
    }
}

impl<R, W> error::Error for ReuniteError<R, W> {}

/// Of kind [`InvalidInput`](io::ErrorKind::InvalidInput); the halves are dropped.
impl<R, W> From<ReuniteError<R, W>> for io::Error {
    fn from(_: ReuniteError<R, W>) -> Self {
        Self::new(io::ErrorKind::InvalidInput, TEXT)
    }
}

const TEXT: &str = "these are halves of two different objects";
