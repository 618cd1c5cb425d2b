use std::{
    future::{Future, Pending, pending},
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use reactor::{Elapsed, Handle, Sleep, Timeout};

/// How long a relay, or the sending of a file, may be idle, and how long one way of a relay may go on after the
/// other has ended.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    pub(crate) idle: Option<Duration>,
    pub(super) linger: Option<Duration>,
    /// When something was carried last, or the relay began.
    moved: Option<Instant>,
    idle_timer: Option<Pin<Box<Timeout<Pending<()>>>>>,
    linger_timer: Option<Sleep>,
}

impl Limits {
    /// Something was carried.
    pub(crate) fn moved(&mut self) {
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
        self.poll_idle(cx, handle).map(Err)
    }

    /// Ready when nothing was carried for too long, or there is no clock any more.
    pub(crate) fn poll_idle(
        &mut self,
        cx: &mut Context<'_>,
        handle: impl Fn() -> Handle,
    ) -> Poll<io::Error> {
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
            let error = over.expect_err("what is pending for ever is never done");
            if moved.elapsed() >= limit || !Elapsed::is_source_of(&error) {
                return Poll::Ready(error);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, task::Waker};

    use reactor::{Core, ReactorGone};

    use super::*;

    #[test]
    fn without_a_core_the_limit_is_not_waited_for() {
        let core = Core::new().unwrap();
        let handle = core.handle();
        let mut limits = Limits {
            idle: Some(Duration::from_millis(200)),
            ..Limits::default()
        };
        let timers = Cell::new(0);
        let mut poll = || {
            limits.poll_idle(&mut Context::from_waker(Waker::noop()), || {
                timers.set(timers.get() + 1);
                handle.clone()
            })
        };
        assert!(poll().is_pending());
        drop(core);
        let Poll::Ready(error) = poll() else {
            panic!("it waits for a clock that has stopped");
        };
        assert!(ReactorGone::is_source_of(&error));
        assert_eq!(timers.get(), 1);
    }
}
