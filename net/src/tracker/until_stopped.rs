use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures::{Stream, stream::FusedStream};
use pin_project_lite::pin_project;

use super::members::Membership;

pin_project! {
    /// What a stream yields until the end of the server begins; from
    /// [`Tracker::until_stopped`](super::Tracker::until_stopped).
    ///
    /// Connections that the system has taken for a listener, and that were not accepted before the end
    /// began, are reset.
    ///
    /// # Cancel safety
    ///
    /// `next()` is as cancel safe as that of the stream inside.
    #[must_use = "streams do nothing unless they are polled"]
    pub struct UntilStopped<S> {
        // `None`: it has ended.
        #[pin]
        stream: Option<S>,
        membership: Membership,
    }
}

impl<S> UntilStopped<S> {
    pub(super) fn new(stream: S, membership: Membership) -> Self {
        Self {
            stream: Some(stream),
            membership,
        }
    }

    /// The stream, unless it has ended.
    pub fn get_ref(&self) -> Option<&S> {
        self.stream.as_ref()
    }
}

impl<S: Stream> Stream for UntilStopped<S> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        this.membership.watch(cx.waker());
        let Some(stream) = this.stream.as_mut().as_pin_mut() else {
            return Poll::Ready(None);
        };
        if !this.membership.members().is_stopping() {
            let next = ready!(stream.poll_next(cx));
            if next.is_some() {
                return Poll::Ready(next);
            }
        }
        this.stream.set(None);
        Poll::Ready(None)
    }
}

impl<S: Stream> FusedStream for UntilStopped<S> {
    fn is_terminated(&self) -> bool {
        self.stream.is_none()
    }
}

impl<S> fmt::Debug for UntilStopped<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UntilStopped").finish_non_exhaustive()
    }
}
