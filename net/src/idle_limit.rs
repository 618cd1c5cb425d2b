use std::{
    future::{Future, Pending, pending},
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use reactor::{Elapsed, Handle, Timeout};

/// How long a transfer may be idle, if there is a limit.
#[derive(Debug, Default)]
pub(crate) struct IdleLimit {
    limit: Option<Duration>,
    /// When something has moved last, or the transfer began.
    moved: Option<Instant>,
    timer: Option<Pin<Box<Timeout<Pending<()>>>>>,
}

impl IdleLimit {
    pub(crate) fn set(&mut self, limit: Duration) {
        self.limit = Some(limit);
    }

    /// Something has moved.
    pub(crate) fn moved(&mut self) {
        // The timer goes on, and is looked at when it is over: a look at the clock is all that a transfer costs.
        if self.limit.is_some() {
            self.moved = Some(Instant::now());
        }
    }

    /// Ready when nothing has moved for too long, or there is no clock any more.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        handle: impl Fn() -> Handle,
    ) -> Poll<io::Error> {
        let Some(limit) = self.limit else {
            return Poll::Pending;
        };
        let moved = *self.moved.get_or_insert_with(Instant::now);
        loop {
            let timer = self.timer.get_or_insert_with(|| {
                let left = limit.saturating_sub(moved.elapsed());
                Box::pin(handle().timeout(left, pending()))
            });
            let over = ready!(timer.as_mut().poll(cx));
            self.timer = None;
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
        let mut idle = IdleLimit::default();
        idle.set(Duration::from_millis(200));
        let timers = Cell::new(0);
        let mut poll = || {
            idle.poll(&mut Context::from_waker(Waker::noop()), || {
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
