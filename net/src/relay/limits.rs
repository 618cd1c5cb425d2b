use std::{
    future::{Future, Pending, pending},
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use reactor::{Handle, Sleep, Timeout};

/// How long a relay may be idle, and how long one way may go on after the other has ended.
#[derive(Debug, Default)]
pub(super) struct Limits {
    pub(super) idle: Option<Duration>,
    pub(super) linger: Option<Duration>,
    /// When something was carried last, or the relay began.
    moved: Option<Instant>,
    idle_timer: Option<Pin<Box<Timeout<Pending<()>>>>>,
    linger_timer: Option<Sleep>,
}

impl Limits {
    /// Something was carried.
    pub(super) fn moved(&mut self) {
        // The timer goes on, and is looked at when it is over: a look at the clock is all that a transfer costs.
        if self.idle.is_some() {
            self.moved = Some(Instant::now());
        }
    }

    /// Ready when the time for lingering is over; an error when the relay was idle for too long.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        lingers: bool,
        handle: impl Fn() -> Handle,
    ) -> Poll<io::Result<()>> {
        if let Some(limit) = self.linger.filter(|_| lingers) {
            let timer = self
                .linger_timer
                .get_or_insert_with(|| handle().sleep(limit));
            if Pin::new(timer).poll(cx)?.is_ready() {
                return Poll::Ready(Ok(()));
            }
        }
        let Some(limit) = self.idle else {
            return Poll::Pending;
        };
        let moved = *self.moved.get_or_insert_with(Instant::now);
        loop {
            let timer = self.idle_timer.get_or_insert_with(|| {
                let left = limit.saturating_sub(moved.elapsed());
                Box::pin(handle().timeout(left, pending()))
            });
            let over = ready!(timer.as_mut().poll(cx));
            self.idle_timer = None;
            if moved.elapsed() >= limit {
                return Poll::Ready(over);
            }
        }
    }
}
