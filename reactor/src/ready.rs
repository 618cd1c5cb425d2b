use std::{
    fmt,
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use mio::event::Source;

use crate::{Interest, PollEvented, left_waker::LeftWaker, sight::Sight};

/// Waits until something is true of an object; from [`PollEvented::readable`],
/// [`PollEvented::writable`] and [`PollEvented::ready`]. Resolves to what is true.
///
/// Any number of them can wait for one object at once. When one is dropped, the object keeps nothing of
/// it. If another future of the same task may be waiting there as well, the task is woken once for
/// nothing; so a future that is made, polled and dropped in every poll of a task keeps that task busy.
///
/// # Cancel safety
///
/// Cancel safe: it takes nothing from the object.
///
/// # Errors
///
/// As [`PollEvented::ready`].
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
/// As [`PollEvented::ready`].
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
    left: LeftWaker,
}

impl Wait {
    fn new(interest: Interest) -> Self {
        let left = LeftWaker::NONE;
        Self { interest, left }
    }

    fn poll<E: Source>(
        &mut self,
        io: &PollEvented<E>,
        cx: &Context<'_>,
    ) -> Poll<io::Result<Interest>> {
        let now = Sight::look(io.registration(), self.interest)?;
        let now = now.of(self.interest);
        let polled = match now {
            Some(now) => Poll::Ready(Ok(now)),
            None => self.park(io, cx),
        };
        if polled.is_ready() {
            self.withdraw(io);
        }
        polled
    }

    fn park<E: Source>(
        &mut self,
        io: &PollEvented<E>,
        cx: &Context<'_>,
    ) -> Poll<io::Result<Interest>> {
        let polled = Sight::park(io, self.interest, cx);
        // Also if something has come in this moment.
        self.left.set(io.registration(), self.interest, cx.waker());
        // It may have been taken back as soon as it came: a spurious wake.
        polled.map_ok(|seen| seen.of(self.interest).unwrap_or(self.interest))
    }

    fn withdraw<E: Source>(&mut self, io: &PollEvented<E>) {
        self.left.withdraw(io.registration(), self.interest);
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
