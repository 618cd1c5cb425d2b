use std::{
    fmt,
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll},
};

use mio::event::Source;

use crate::{Direction, PollEvented};

/// Waits for one direction of an object; from [`PollEvented::readable`] and
/// [`PollEvented::writable`].
///
/// Any number of them can wait for one object at once.
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
    direction: Direction,
}

impl<'a, E: Source> Ready<'a, E> {
    pub(crate) fn new(io: &'a PollEvented<E>, direction: Direction) -> Self {
        Self { io, direction }
    }
}

impl<E: Source> Future for Ready<'_, E> {
    type Output = io::Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.direction {
            Direction::Read => self.io.poll_read(cx).map_ok(drop),
            Direction::Write => self.io.poll_write(cx).map_ok(drop),
        }
    }
}

impl<E: Source> fmt::Debug for Ready<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Ready").field(&self.direction).finish()
    }
}
