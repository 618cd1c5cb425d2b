use std::net::Shutdown;

/// One step of a script.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step {
    /// The stream under test does something that it need not wait for.
    Near(Near),
    /// Its peer does something.
    Far(Far),
    /// The stream reads where there is nothing yet. When it waits, its peer does something.
    Waiting(Near, Far),
    /// The stream writes so much that it has to wait, while its peer reads it.
    Out(usize),
    /// The same the other way round.
    In(usize),
    /// So much each way, at once.
    Exchange(usize),
    /// The stream writes so much that it has to wait; then its peer resets the connection.
    Cut(usize),
}

/// What the stream under test can do. Numbers are bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Near {
    Read(Way, usize),
    ReadExact(usize),
    ReadToEnd,
    Peek(usize),
    /// Begins to read where there is nothing, and thinks better of it.
    GiveUp(Way, usize),
    Write(Way, usize),
    WriteAll(usize),
    Shutdown(Shutdown),
    /// The asynchronous form of the half-close.
    End,
    /// Its loop gets to see what has happened.
    Look,
    Drop,
}

/// What its peer can do. Numbers are bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Far {
    Write(usize),
    /// Half-closes at once behind it, so that a reader may see both in one event.
    LastWrite(usize),
    Read(usize),
    ReadToEnd,
    /// Half-closes.
    End,
    /// Without the bytes that it has not read, if there are any: then this is a reset.
    Close,
    Reset,
}

/// One operation has several forms.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Way {
    /// `read` and `write` of the current task.
    Plain,
    /// Their asynchronous forms.
    Async,
    Vectored,
    /// Into uninitialised memory, from a buffer in two parts.
    Buf,
}

impl Far {
    /// How many bytes it sends.
    pub(crate) fn written(self) -> usize {
        match self {
            Self::Write(len) | Self::LastWrite(len) => len,
            _ => 0,
        }
    }
}
