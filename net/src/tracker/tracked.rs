use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;

use super::members::Membership;

pin_project! {
    /// A connection that is served; from [`Tracker::serve`](super::Tracker::serve).
    ///
    /// It resolves to what the future inside does, or to `None` if the server ended first. The future
    /// inside has been dropped by then.
    ///
    /// # Cancel safety
    ///
    /// As the future inside, which is dropped with it. The connection does not count any more then.
    ///
    /// # Panics
    ///
    /// When it is polled after it was ready.
    #[must_use = "futures do nothing unless they are polled"]
    pub struct Tracked<F> {
        // Before the membership: when the connection does not count any more, it is closed.
        #[pin]
        future: Option<F>,
        membership: Option<Membership>,
    }
}

impl<F> Tracked<F> {
    pub(super) fn new(future: F, membership: Membership) -> Self {
        Self {
            future: Some(future),
            membership: Some(membership),
        }
    }
}

impl<F: Future> Future for Tracked<F> {
    type Output = Option<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let (Some(membership), Some(future)) =
            (&*this.membership, this.future.as_mut().as_pin_mut())
        else {
            panic!("a Tracked was polled after it was ready");
        };
        membership.watch(cx.waker());
        let output = match membership.has_to_end() {
            true => None,
            false => Some(ready!(future.poll(cx))),
        };
        this.future.set(None);
        *this.membership = None;
        Poll::Ready(output)
    }
}

impl<F> fmt::Debug for Tracked<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracked").finish_non_exhaustive()
    }
}
