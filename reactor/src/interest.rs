use std::ops::BitOr;

use crate::Direction;

/// What a task waits for; a set.
///
/// Reading and writing are what the operations of an object are about. The other two are Linux's, and
/// come to light only where an object was registered for them
/// ([`Options::watch_urgent`](crate::Options::watch_urgent)) or where the system reports them unasked
/// (errors).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Interest(u8);

impl Interest {
    /// A read, or an accept, is worth trying.
    pub const READ: Self = Self(1);
    /// A write is worth trying, or a connect is over.
    pub const WRITE: Self = Self(1 << 1);
    /// Urgent data, or an "exceptional condition" of another kind: `EPOLLPRI`.
    pub const PRIORITY: Self = Self(1 << 2);
    /// An error, which may be a message in the error queue of a socket: `EPOLLERR`.
    pub const ERROR: Self = Self(1 << 3);

    /// Whether everything in `other` is in here.
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// What is in both; `None` if that is nothing.
    pub fn intersection(self, other: Self) -> Option<Self> {
        let both = self.0 & other.0;
        (both != 0).then_some(Self(both))
    }

    /// Whether tasks that wait for this wait where readers do: urgent data and errors come that way.
    pub(crate) fn is_of(self, direction: Direction) -> bool {
        let write = Self::WRITE.0;
        match direction {
            Direction::Read => self.0 & !write != 0,
            Direction::Write => self.0 & write != 0,
        }
    }
}

impl BitOr for Interest {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl From<Direction> for Interest {
    fn from(direction: Direction) -> Self {
        match direction {
            Direction::Read => Self::READ,
            Direction::Write => Self::WRITE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_set() {
        let both = Interest::READ | Interest::ERROR;
        assert!(both.contains(Interest::READ) && both.contains(both));
        assert!(!both.contains(Interest::WRITE) && !Interest::READ.contains(both));
        let common = both.intersection(Interest::ERROR | Interest::WRITE);
        assert_eq!(common, Some(Interest::ERROR));
        assert_eq!(both.intersection(Interest::WRITE), None);
        assert!(both.is_of(Direction::Read) && !both.is_of(Direction::Write));
    }
}
