use io_traits::pool;

use super::LEAST_ROOM;

/// What the next read is expected to bring.
///
/// Behind a long frame there is often another. What is read of it together with the end of the one before,
/// or before its length is known, has to be copied to where all of it has room. So that is a little, and
/// one read more, which costs less than to copy half of it. Where two were of the same length, with less than that
/// between them, the next is taken to be so, too, and is read at once.
///
/// ```text
///                  ┌─ a part ─┐           ┌─ just as long ─┐
///                  │          ▼           │                ▼
///   Anything ──▶ Long ──── all of it ──▶ AfterLong ── a read ──▶ Begun ── a whole one ──▶ Anything
///                  ▲                      │                       │ ▲ │
///                  └──────── long ────────┴───────────────────────┘ └─┘ a part of a short one
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    Anything,
    /// More of a long frame.
    Long(Frame),
    /// What follows a long frame.
    AfterLong(Frame),
    /// What has been read behind a long frame of so many bytes may tell how long the next is; 0 if there was a
    /// short one in between.
    Begun(usize),
}

/// A long frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame {
    len: usize,
    /// The one before was just as long.
    again: bool,
}

impl Expected {
    #[inline]
    pub(super) fn is_anything(self) -> bool {
        matches!(self, Self::Anything)
    }

    /// What is expected of the next read, if `len` bytes are there and the decoder asks for `needed` more, 0
    /// if it does not know.
    pub(super) fn next(self, len: usize, needed: usize) -> Self {
        let total = len.saturating_add(needed);
        let is_long = needed > 0 && total >= LONG;
        match self {
            Self::Long(frame) if is_long && total == frame.len => self,
            Self::AfterLong(_) if needed == 0 => self,
            Self::AfterLong(Frame { len: before, .. }) | Self::Begun(before) if is_long => {
                Self::Long(Frame {
                    len: total,
                    again: total == before,
                })
            }
            _ if is_long => Self::Long(Frame {
                len: total,
                again: false,
            }),
            // A short one, behind which there may be a long one as well.
            Self::AfterLong(_) | Self::Begun(_) if needed > 0 => Self::Begun(0),
            _ => Self::Anything,
        }
    }

    /// After that read, which has brought `n` bytes.
    pub(super) fn after(self, n: usize, needed: usize) -> Self {
        match self {
            Self::Long(frame) if n >= needed => Self::AfterLong(frame),
            Self::AfterLong(frame) if n == frame.len => Self::AfterLong(Frame {
                again: true,
                ..frame
            }),
            Self::AfterLong(frame) => Self::Begun(frame.len),
            _ => self,
        }
    }

    /// How many bytes should be read at most.
    #[inline]
    pub(super) fn most(self, needed: usize) -> usize {
        match self {
            Self::Anything => usize::MAX,
            Self::Long(_) | Self::AfterLong(_) | Self::Begun(_) => {
                let next = self.again().unwrap_or(0);
                needed.saturating_add(LEAST_ROOM).saturating_add(next)
            }
        }
    }

    /// The length of the next long frame, if it is expected to come with the same read.
    #[inline]
    pub(super) fn again(self) -> Option<usize> {
        match self {
            Self::Long(frame) | Self::AfterLong(frame) => {
                (frame.again && frame.len <= LONGEST_AGAIN).then_some(frame.len)
            }
            Self::Anything | Self::Begun(_) => None,
        }
    }
}

/// Up to how many bytes a frame is expected to come again. Of a longer one the calls are a small part of the cost.
pub(super) const LONGEST_AGAIN: usize = pool::CAPACITY + LEAST_ROOM;

/// From how many bytes on a frame is long.
const LONG: usize = pool::CAPACITY / 2;

#[cfg(test)]
mod tests {
    use super::*;

    /// What is read at most, if each time so many bytes are there and so many are needed, and a read brings so many.
    fn most<const N: usize>(reads: [(usize, usize, usize); N]) -> [usize; N] {
        let mut expected = Expected::Anything;
        reads.map(|(len, needed, n)| {
            expected = expected.next(len, needed);
            let most = expected.most(needed);
            assert!(n <= most);
            expected = expected.after(n, needed);
            most
        })
    }

    #[test]
    fn behind_a_long_frame_little_is_read_before_the_next_length_is_known() {
        let reads = [
            (0, 0, 4),
            // Of a long frame no more than it has, and a little, so that its end comes with what follows.
            (4, LONG, LONG - 4),
            (LONG, 4, 4),
            // What comes is no long one.
            (0, 0, 8),
            (0, 0, 4),
            (0, usize::MAX, 1),
        ];
        let little = LEAST_ROOM;
        let any = usize::MAX;
        assert_eq!(
            most(reads),
            [any, LONG + little, 4 + little, little, any, any]
        );
    }

    #[test]
    fn after_two_long_frames_of_one_length_the_next_is_read_as_a_whole() {
        let frame = LONG + 10;
        let and_a_little = frame + LEAST_ROOM;
        let reads = [
            (4, frame - 4, frame - 4),
            (0, 0, 4),
            (4, frame - 4, frame - 4),
            (0, 0, frame),
            (0, 0, frame),
            // A part of it comes, and the rest with the next.
            (0, 0, 100),
            (100, frame - 100, frame - 100 + frame),
            // Another length.
            (0, 0, 100),
            (100, frame, frame),
            (0, 0, 4),
        ];
        assert_eq!(
            most(reads),
            [
                frame - 4 + LEAST_ROOM,
                LEAST_ROOM,
                frame - 4 + and_a_little,
                and_a_little,
                and_a_little,
                and_a_little,
                frame - 100 + and_a_little,
                and_a_little,
                frame + LEAST_ROOM,
                LEAST_ROOM,
            ]
        );
    }

    #[test]
    fn a_decoder_that_changes_its_mind_inside_a_frame_is_not_believed() {
        let frame = LONG + 10;
        let reads = [
            (4, frame - 4, frame),
            (4, frame - 4, 100),
            (100, 1 << 40, 100),
            (200, usize::MAX, 100),
        ];
        assert_eq!(
            most(reads)[1..],
            [
                frame - 4 + frame + LEAST_ROOM,
                (1 << 40) + LEAST_ROOM,
                usize::MAX
            ]
        );
    }

    #[test]
    fn between_long_frames_no_more_is_read_than_a_short_one_needs() {
        let reads = [(4, LONG, LONG), (0, 0, 4), (4, 100, 60), (64, 40, 40)];
        assert_eq!(most(reads)[2..], [100 + LEAST_ROOM, 40 + LEAST_ROOM]);
    }

    #[test]
    fn a_very_long_frame_is_not_expected_again() {
        let frame = LONGEST_AGAIN + 1;
        let reads = [
            (4, frame - 4, frame - 4),
            (0, 0, 4),
            (4, frame - 4, frame - 4),
            (0, 0, 4),
        ];
        assert_eq!(most(reads)[2..], [frame - 4 + LEAST_ROOM, LEAST_ROOM]);
    }
}
