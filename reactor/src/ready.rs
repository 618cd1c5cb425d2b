use std::{
    fmt,
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use mio::event::Source;

use crate::{Direction, Interest, PollEvented, sight::Sight};

/// Waits until something is true of an object; from [`PollEvented::readable`],
/// [`PollEvented::writable`] and [`PollEvented::ready`]. Resolves to what is true.
///
/// Any number of them can wait for one object at once. When one is dropped, the object keeps nothing of
/// it.
///
/// # Cancel safety
///
/// Cancel safe: it takes nothing from the object.
///
/// # Errors
///
/// As [`PollEvented::poll_read`].
#[must_use = "futures do nothing unless they are polled"]
pub struct Ready<'a, E: Source> {
    io: &'a PollEvented<E>,
    wait: Wait,
}

/// [`Ready`] with a share of the object; from [`PollEvented::ready_owned`].
///
/// # Cancel safety
///
/// Cancel safe: it takes nothing from the object.
///
/// # Errors
///
/// As [`PollEvented::poll_read`].
#[must_use = "futures do nothing unless they are polled"]
pub struct OwnedReady<E: Source> {
    io: Arc<PollEvented<E>>,
    wait: Wait,
}

impl<'a, E: Source> Ready<'a, E> {
    pub(crate) fn new(io: &'a PollEvented<E>, interest: Interest) -> Self {
        let wait = Wait::new(interest);
        Self { io, wait }
    }
}

impl<E: Source> OwnedReady<E> {
    pub(crate) fn new(io: Arc<PollEvented<E>>, interest: Interest) -> Self {
        let wait = Wait::new(interest);
        Self { io, wait }
    }
}

/// What is waited for, and the waker that was left at the object for it.
#[derive(Debug)]
struct Wait {
    interest: Interest,
    left: Option<Waker>,
}

impl Wait {
    fn new(interest: Interest) -> Self {
        Self {
            interest,
            left: None,
        }
    }

    fn poll<E: Source>(
        &mut self,
        io: &PollEvented<E>,
        cx: &Context<'_>,
    ) -> Poll<io::Result<Interest>> {
        match Sight::poll(io, self.interest, cx) {
            Poll::Ready(seen) => {
                self.withdraw(io);
                // Between the two looks of a poll it may have been taken back: a spurious wake.
                let seen = seen?.of(self.interest).unwrap_or(self.interest);
                Poll::Ready(Ok(seen))
            }
            Poll::Pending => {
                self.leave(io, cx.waker());
                Poll::Pending
            }
        }
    }

    /// Remembers the waker that is at the object now, and releases another one.
    fn leave<E: Source>(&mut self, io: &PollEvented<E>, waker: &Waker) {
        let is_there = |direction| {
            self.interest.is_of(direction) && io.registration().keeps_waker(direction, waker)
        };
        let is_left = [Direction::Read, Direction::Write]
            .into_iter()
            .any(is_there);
        let same = |left: &Waker| left.will_wake(waker);
        if is_left && self.left.as_ref().is_some_and(same) {
            return;
        }
        self.withdraw(io);
        self.left = is_left.then(|| waker.clone());
    }

    fn withdraw<E: Source>(&mut self, io: &PollEvented<E>) {
        let Some(waker) = self.left.take() else {
            return;
        };
        for direction in [Direction::Read, Direction::Write] {
            if self.interest.is_of(direction) {
                io.registration().withdraw(direction, &waker);
            }
        }
    }
}

impl<E: Source> Future for Ready<'_, E> {
    type Output = io::Result<Interest>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { io, wait } = &mut *self;
        wait.poll(io, cx)
    }
}

impl<E: Source> Future for OwnedReady<E> {
    type Output = io::Result<Interest>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { io, wait } = &mut *self;
        wait.poll(io, cx)
    }
}

impl<E: Source> Drop for Ready<'_, E> {
    fn drop(&mut self) {
        self.wait.withdraw(self.io);
    }
}

impl<E: Source> Drop for OwnedReady<E> {
    fn drop(&mut self) {
        self.wait.withdraw(&self.io);
    }
}

impl<E: Source> fmt::Debug for Ready<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Ready").field(&self.wait.interest).finish()
    }
}

impl<E: Source> fmt::Debug for OwnedReady<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OwnedReady")
            .field(&self.wait.interest)
            .finish()
    }
}
