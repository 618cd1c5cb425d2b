use io_traits::pool;

use super::LEAST_ROOM;

/// What the next read is expected to bring.
///
/// Behind a long frame there is often another. What is read of it together with the end of the one before,
/// or before its length is known, has to be copied to where all of it has room. So that is a little, and
/// one read more, which costs less than to copy half of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    Anything,
    /// More of a long frame.
    Long,
    /// What follows a long frame.
    AfterLong,
}

impl Expected {
    /// What is expected of the next read, if `len` bytes are there and the decoder asks for `needed` more, 0
    /// if it does not know.
    #[inline]
    pub(super) fn next(self, len: usize, needed: usize) -> Self {
        match (needed, self) {
            (1.., _) if len.saturating_add(needed) >= LONG => Self::Long,
            (1.., expected) => expected,
            (0, Self::Long) => Self::AfterLong,
            (0, _) => Self::Anything,
        }
    }

    /// How many bytes should be read at most.
    #[inline]
    pub(super) fn most(self, needed: usize) -> usize {
        match self {
            Self::Anything => usize::MAX,
            Self::Long => needed.saturating_add(LEAST_ROOM),
            Self::AfterLong => LEAST_ROOM,
        }
    }
}

/// From how many bytes on a frame is long.
const LONG: usize = pool::CAPACITY / 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn behind_a_long_frame_little_is_read_before_the_next_length_is_known() {
        let mut expected = Expected::Anything;
        let mut most = |len, needed| {
            expected = expected.next(len, needed);
            expected.most(needed)
        };
        assert_eq!(most(0, 0), usize::MAX);
        // Of a long frame no more than it has, and a little, so that its end comes with what follows.
        assert_eq!(most(4, LONG), LONG + LEAST_ROOM);
        assert_eq!(most(LONG, 4), 4 + LEAST_ROOM);
        assert_eq!(most(0, 0), LEAST_ROOM);
        // That was no long one.
        assert_eq!(most(0, 0), usize::MAX);
        assert_eq!(most(0, 100), usize::MAX);
        assert_eq!(most(0, usize::MAX), usize::MAX);
    }
}
