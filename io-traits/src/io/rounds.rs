use std::task::{Context, Poll, ready};

use crate::task::budget;

/// The rounds that are left to the loop of one poll.
///
/// The [`budget`] of the task ends such a loop. Under an executor that gives none, this does.
pub(super) struct Rounds(u32);

impl Rounds {
    /// Those of a poll that begins.
    #[inline]
    pub(super) fn new() -> Self {
        Self(MOST)
    }

    /// Ready if there is to be another round; otherwise wakes the task and is `Pending`.
    #[inline]
    pub(super) fn poll_left(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        ready!(budget::poll_left(cx));
        match self.0.checked_sub(1) {
            Some(left) => self.0 = left,
            None => {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
        Poll::Ready(())
    }
}

/// As many as a task of `reactor` has units of budget.
const MOST: u32 = 128;
