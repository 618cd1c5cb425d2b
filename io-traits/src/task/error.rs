use std::{error, fmt, io};

/// An operation that may have to wait was called where no task is current.
///
/// It is the source of an [`io::Error`] of kind [`Other`](io::ErrorKind::Other); ask with
/// [`NotInTask::is_source_of`]. The answer does not depend on whether data is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct NotInTask;

impl NotInTask {
    /// Whether `error` says that no task was current.
    pub fn is_source_of(error: &io::Error) -> bool {
        error.get_ref().is_some_and(|source| source.is::<Self>())
    }
}

impl fmt::Display for NotInTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "no task is current: wrap the operation in `task::io(|| …).await`, or in \
             `task::enter(cx, || …)` inside a poll function",
        )
    }
}

impl error::Error for NotInTask {}

impl From<NotInTask> for io::Error {
    fn from(source: NotInTask) -> Self {
        Self::other(source)
    }
}

/// An operation kept answering "would block" although nothing that could wake the task was asked.
///
/// It is the source of an [`io::Error`] of kind [`Other`](io::ErrorKind::Other); ask with
/// [`Stalled::is_source_of`].
///
/// The usual cause is a protocol object that returns a `WouldBlock` of its own making, such as a read
/// of decrypted bytes that does not read the socket below it when it has none. The cure is to let the
/// closure do what moves the object: read from or write to its socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stalled;

impl Stalled {
    /// Whether `error` says that an operation stalled.
    pub fn is_source_of(error: &io::Error) -> bool {
        error.get_ref().is_some_and(|source| source.is::<Self>())
    }
}

impl fmt::Display for Stalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the operation would block, but waits for nothing that could wake the task")
    }
}

impl error::Error for Stalled {}

impl From<Stalled> for io::Error {
    fn from(source: Stalled) -> Self {
        Self::other(source)
    }
}
