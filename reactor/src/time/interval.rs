use std::{
    fmt, io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use futures::{Stream, stream::FusedStream};

use super::Sleep;
use crate::until_error::poll_until_error;

/// Ticks, one period after the other; from [`Handle::interval`](crate::Handle::interval).
///
/// A tick is never early, and at most as late as a [sleep](crate::Handle::sleep) of the period, which does not add
/// up; a first tick that is 128 ms away or more is as late as a sleep of that length, whatever the period. What becomes
/// of ticks that nobody was there for is told by [`LateTicks`]. It is also a [`Stream`], which ends after an error
/// alone: once the core is gone. The stream is over then, a [`FusedStream`], while [`tick`](Self::tick) tells of the
/// error each time.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// let mut core = reactor::Core::new()?;
/// let mut interval = core.handle().interval(Duration::from_millis(2))?;
/// core.run(async {
///     let first = interval.tick().await?;
///     let second = interval.tick().await?;
///     assert!(second - first >= Duration::from_millis(2));
///     std::io::Result::Ok(())
/// })??;
/// # std::io::Result::Ok(())
/// ```
pub struct Interval {
    /// Until the next tick.
    sleep: Sleep,
    /// INVARIANT: not 0.
    period: Duration,
    late: LateTicks,
    /// Its stream has told of an error.
    has_failed: bool,
}

/// What an [`Interval`] does when it is polled only after more than one tick was due.
///
/// ```text
///   due       |       |       |       |       |
///   polled                         ^
///   Skip                           1    2       3
///   Burst                          123  4       5
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LateTicks {
    /// One tick at once, and the next one when it is due: ticks keep their phase, and some are left out.
    #[default]
    Skip,
    /// All ticks that were missed, at once: their number is right in the end.
    Burst,
}

impl Interval {
    /// `sleep` is until the first tick.
    pub(crate) fn new(sleep: Sleep, period: Duration) -> io::Result<Self> {
        if period.is_zero() {
            let message = "an interval of 0 would tick without end";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        Ok(Self {
            sleep,
            period,
            late: LateTicks::default(),
            has_failed: false,
        })
    }

    /// Chooses what becomes of ticks that were missed.
    #[must_use]
    pub fn late_ticks(mut self, late: LateTicks) -> Self {
        self.late = late;
        self
    }

    /// From one tick to the next.
    pub fn period(&self) -> Duration {
        self.period
    }

    /// Waits for the next tick; returns when it was due.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a tick that was not taken is still there.
    ///
    /// # Errors
    ///
    /// As [`poll_tick`](Self::poll_tick).
    pub async fn tick(&mut self) -> io::Result<Instant> {
        std::future::poll_fn(|cx| self.poll_tick(cx)).await
    }

    /// The next tick, with the time when it was due; or the task of `cx` is woken for it.
    ///
    /// # Errors
    ///
    /// An error with the source [`ReactorGone`](crate::ReactorGone) when the core is dropped before it is due, and
    /// with the source [`Forked`](crate::Forked) in a child process. They are told each time.
    pub fn poll_tick(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Instant>> {
        ready!(Pin::new(&mut self.sleep).poll(cx))?;
        let due = self.sleep.deadline().expect("what is over has a deadline");
        let next = match self.late {
            LateTicks::Burst => due.checked_add(self.period),
            LateTicks::Skip => next_after(due, self.period, Instant::now()),
        };
        self.sleep.set_deadline(next);
        Poll::Ready(Ok(due))
    }

    /// Begins anew: the next tick is one period from now.
    pub fn reset(&mut self) {
        let next = Instant::now().checked_add(self.period);
        self.sleep.set_deadline(next);
    }

    /// Begins anew: the next tick is at `next`, at once if that is past.
    pub fn reset_at(&mut self, next: Instant) {
        self.sleep.set_deadline(Some(next));
    }
}

impl Stream for Interval {
    type Item = io::Result<Instant>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        poll_until_error(
            &mut *self,
            |stream| &mut stream.has_failed,
            |stream| stream.poll_tick(cx),
        )
    }
}

impl FusedStream for Interval {
    fn is_terminated(&self) -> bool {
        self.has_failed
    }
}

impl fmt::Debug for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interval")
            .field("period", &self.period)
            .field("next", &self.sleep.deadline())
            .field("late", &self.late)
            .finish()
    }
}

/// The first tick after `now` of those that come each `period` after `due`; `None` if that is later than the
/// clock can say.
fn next_after(due: Instant, period: Duration, now: Instant) -> Option<Instant> {
    let late = now.saturating_duration_since(due).as_nanos();
    let since_last = late % period.as_nanos();
    let last = due.checked_add(duration(late - since_last))?;
    last.checked_add(period)
}

fn duration(nanos: u128) -> Duration {
    const SECOND: u128 = 1_000_000_000;
    let seconds = u64::try_from(nanos / SECOND).unwrap_or(u64::MAX);
    Duration::new(seconds, (nanos % SECOND) as u32)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_next_tick_keeps_the_phase_and_is_always_later_than_now() {
        let due = Instant::now();
        let ms = Duration::from_millis;
        for (period, late, next) in [
            (10, 0, 10),
            (10, 9, 10),
            (10, 10, 20),
            (10, 11, 20),
            (10, 99, 100),
            (7, 700, 707),
        ] {
            let found = next_after(due, ms(period), due + ms(late)).unwrap();
            assert_eq!(found - due, ms(next), "{period} {late}");
        }
        let nano = Duration::from_nanos(1);
        let hour = Duration::from_secs(3_600);
        assert_eq!(next_after(due, nano, due + hour), Some(due + hour + nano));
        assert_eq!(next_after(due, Duration::MAX, due), None);
    }
}
