use std::{error, fmt, io};

use io_traits::io::Way;
use reactor::Direction;

/// Where a relay has failed; the source of an [`io::Error`] of the same kind as its own source.
#[derive(Debug)]
pub struct RelayError {
    way: Way,
    direction: Direction,
    source: io::Error,
}

impl RelayError {
    /// Looks into an error of [`relay`](crate::relay) or [`relay_one_way`](crate::relay_one_way).
    ///
    /// `None` if it was not a socket that failed, but a limit or a watch that ended the relay.
    pub fn source_of(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }

    /// The way that failed. The only way of [`relay_one_way`](crate::relay_one_way) is from `a` to `b`.
    pub fn way(&self) -> Way {
        self.way
    }

    /// Whether it was reading from where the way begins, or writing to where it leads.
    pub fn direction(&self) -> Direction {
        self.direction
    }

    pub(super) fn of(way: Way, direction: Direction, source: io::Error) -> io::Error {
        let kind = source.kind();
        io::Error::new(
            kind,
            Self {
                way,
                direction,
                source,
            },
        )
    }
}

impl fmt::Display for RelayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let does = match self.direction {
            Direction::Read => "reading from",
            Direction::Write => "writing to",
        };
        let socket = match (self.way, self.direction) {
            (Way::AToB, Direction::Read) | (Way::BToA, Direction::Write) => "a",
            (Way::BToA, Direction::Read) | (Way::AToB, Direction::Write) => "b",
        };
        write!(f, "{does} {socket}: {}", self.source)
    }
}

impl error::Error for RelayError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        Some(&self.source)
    }
}
