use std::time::Duration;

/// How far away a timer is when it is put into its wheel.
///
/// A timer that is less than 8 ms away when it is made is *short*: it fires as soon as the system can. Others
/// are *long*, and fire when the millisecond is over in which they are due: those of one millisecond together. A
/// timer that is 128 ms away or more is *very long*, and those of four milliseconds fire together: each time that the
/// loop wakes up for its timers costs the system more than a timer does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Length {
    Short,
    Long,
    VeryLong,
}

impl Length {
    #[inline]
    pub(crate) fn of_duration(duration: Duration) -> Self {
        if duration < LONG {
            Self::Short
        } else if duration < VERY_LONG {
            Self::Long
        } else {
            Self::VeryLong
        }
    }

    /// When a timer of this length fires that is due then: never before.
    #[inline]
    pub(super) fn fires_at(self, due: u64) -> u64 {
        let fraction = match self {
            Self::Short => return due,
            Self::Long => (1 << LONG_TICK) - 1,
            Self::VeryLong => (1 << GATHERED) - 1,
        };
        due.saturating_add(fraction) & !fraction
    }
}

/// The binary logarithm of a tick's nanoseconds: 1 ms.
pub(super) const LONG_TICK: u32 = 20;
/// 4 ms: a thirtieth of what is very long, at most.
pub(super) const GATHERED: u32 = LONG_TICK + 2;
/// What is not short.
const LONG: Duration = Duration::from_millis(8);
/// More than long.
const VERY_LONG: Duration = Duration::from_millis(128);
