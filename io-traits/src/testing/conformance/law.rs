use std::fmt;

/// What a reader or writer has promised.
///
/// The first six are the laws of this crate; the others follow from the docs of
/// [`AsyncRead`](crate::AsyncRead) and [`AsyncWrite`](crate::AsyncWrite).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Law {
    /// 1: no operation blocks the thread.
    NeverBlocks,
    /// 2: after "would block", the task is woken when the operation may make progress.
    WouldBlockRegisters,
    /// 3: no wakeup is lost, with any number of tasks; spurious ones and memory for tasks are bounded.
    NoWakeupLost,
    /// 4: a read only writes into its buffer, and reports exactly what it filled.
    BuffersOnlyWritten,
    /// 5: `poll_*` never returns `WouldBlock` or `Interrupted`.
    PollNeverWouldBlock,
    /// 6: no silent hang where it can be known: outside of a task, the answer is an error, always the
    /// same.
    NoSilentHang,
    /// Every byte arrives once, in order, and is counted.
    BytesIntact,
    /// `Ok(0)` is the end, nothing else is, and it stays the end.
    End,
    /// An empty buffer is answered with `Ok(0)`, at once, and changes nothing.
    EmptyBuffers,
    /// What `writes_slices` says is so.
    Slices,
    /// Ending one direction leaves the other as it is.
    HalfClose,
    /// An operation that is dropped while it waits has lost nothing.
    Cancellation,
    /// What should work does not fail.
    Works,
}

impl fmt::Display for Law {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NeverBlocks => "law 1, no operation blocks the thread",
            Self::WouldBlockRegisters => "law 2, what would block registers the task",
            Self::NoWakeupLost => "law 3, no wakeup is lost",
            Self::BuffersOnlyWritten => "law 4, buffers are only written",
            Self::PollNeverWouldBlock => "law 5, poll never returns WouldBlock or Interrupted",
            Self::NoSilentHang => "law 6, no silent hang",
            Self::BytesIntact => "every byte arrives once and in order",
            Self::End => "0 bytes are the end and nothing else is",
            Self::EmptyBuffers => "an empty buffer is answered at once",
            Self::Slices => "writes_slices tells the truth",
            Self::HalfClose => "ending one direction leaves the other",
            Self::Cancellation => "an operation that is dropped loses nothing",
            Self::Works => "what should work does not fail",
        })
    }
}
