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

/// This process is a child, by fork(2), of the one that made the reactor.
///
/// It is the source of an [`io::Error`] of kind [`Other`](io::ErrorKind::Other); ask with
/// [`Forked::is_source_of`].
///
/// After a fork both processes have the same epoll instance: what the child registers or changes, the
/// parent is told of. So in the child nothing of the reactor is touched. Whatever would wait says this
/// instead: running and turning the core, registering, parking a task, setting a timer. Tasks that are
/// spawned are cancelled, wakes go nowhere, and what is dropped there stays registered for the parent.
/// Operations that need not wait do what they always do, and
/// [`PollEvented::into_inner`](crate::PollEvented::into_inner) gives an object back, to be used with a new
/// [`Core`](crate::Core) of the child's own.
///
/// It costs a look at a number in memory, which a handler of `pthread_atfork` changes: the one thing here that is
/// global. Programs that are started, by [`Command`](std::process::Command) for example, have nothing to do with
/// it. A child that is made by a system call of one's own, past the C library, is not noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Forked;

impl Forked {
    /// Whether `error` says that the reactor is the parent process's.
    pub fn is_source_of(error: &io::Error) -> bool {
        error.get_ref().is_some_and(|source| source.is::<Self>())
    }
}

impl fmt::Display for Forked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this process was forked from the one with the reactor: make a core of its own")
    }
}

impl error::Error for Forked {}

impl From<Forked> for io::Error {
    fn from(source: Forked) -> Self {
        Self::other(source)
    }
}

/// The system cannot tell when the object is ready.
///
/// It is the source of an [`io::Error`] of kind [`PermissionDenied`](io::ErrorKind::PermissionDenied).
///
/// The usual cause is a regular file or a directory: for those "ready" has no meaning, so epoll refuses
/// them. They are always ready, and may block all the same until the disk answers: read them on a thread
/// of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct NotPollable;

impl NotPollable {
    /// Whether `error` says that the object cannot be polled.
    pub fn is_source_of(error: &io::Error) -> bool {
        error.get_ref().is_some_and(|source| source.is::<Self>())
    }

    /// epoll_ctl(2): "EPERM: the target file fd does not support epoll".
    pub(crate) fn explain(error: io::Error) -> io::Error {
        if error.kind() == io::ErrorKind::PermissionDenied {
            return io::Error::new(io::ErrorKind::PermissionDenied, Self);
        }
        error
    }
}

impl fmt::Display for NotPollable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "the system cannot tell when this is ready: a regular file always is, and is read on a \
             thread of its own",
        )
    }
}

impl error::Error for NotPollable {}

/// `run` or `turn` was called on a thread that is inside of one already.
///
/// It is the source of an [`io::Error`] of kind [`Deadlock`](io::ErrorKind::Deadlock): the outer loop
/// would stand still, and with it everything that the inner one may wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct NestedRun;

impl NestedRun {
    /// Whether `error` says that the thread is inside of a core already.
    pub fn is_source_of(error: &io::Error) -> bool {
        error.get_ref().is_some_and(|source| source.is::<Self>())
    }
}

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
