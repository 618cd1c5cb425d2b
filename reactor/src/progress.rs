/// What an operation has achieved, and whether it knows that nothing is left.
///
/// A read that got less than it asked for has emptied a TCP socket; saying so spares the system call
/// that would only hear "would block". It must be *known*: a datagram socket, a Unix socket that
/// passes descriptors, or a terminal may well have more after a short read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress<T> {
    /// What the operation returns.
    pub value: T,
    /// Whether the next operation of this direction would block, unless an event comes first.
    pub drained: bool,
}

impl<T> Progress<T> {
    /// There may be more.
    pub fn more(value: T) -> Self {
        Self {
            value,
            drained: false,
        }
    }

    /// There is no more for now.
    pub fn drained(value: T) -> Self {
        Self {
            value,
            drained: true,
        }
    }
}
