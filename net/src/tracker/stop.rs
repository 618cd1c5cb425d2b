use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll},
};

use reactor::Sleep;

use super::members::Membership;

/// The end of a server; from [`Tracker::stop`](super::Tracker::stop).
///
/// It resolves, when there is no connection any more, to how many had to be closed although they were
/// busy.
///
/// # Cancel safety
///
/// Dropping it takes nothing back: there are no more connections, and idle ones are closed. But the limit
/// is forgotten, so that busy ones may finish in their own time. [`stop`](super::Tracker::stop) can be
/// called again.
///
/// # Errors
///
/// An error with the source [`ReactorGone`](reactor::ReactorGone) when the core whose clock it uses is
/// dropped.
#[derive(Debug)]
#[must_use = "without it nobody ends busy connections when the time is over"]
pub struct Stop {
    membership: Membership,
    limit: Option<Sleep>,
    cut: usize,
}

impl Stop {
    pub(super) fn new(membership: Membership, limit: Sleep) -> Self {
        Self {
            membership,
            limit: Some(limit),
            cut: 0,
        }
    }
}

impl Future for Stop {
    type Output = io::Result<usize>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.membership.watch(cx.waker());
        let left = self.membership.members().connections();
        if left == 0 {
            return Poll::Ready(Ok(self.cut));
        }
        if let Some(limit) = &mut self.limit
            && let Poll::Ready(over) = Pin::new(limit).poll(cx)
        {
            over?;
            self.limit = None;
            self.cut = self.membership.members().busy();
            self.membership.members().end();
            if self.membership.members().connections() == 0 {
                return Poll::Ready(Ok(self.cut));
            }
        }
        Poll::Pending
    }
}
