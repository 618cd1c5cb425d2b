use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use futures::{Stream, future::FusedFuture, stream::FusedStream};

/// The next frame; from [`Framed::next`](crate::Framed::next) and [`FramedRead::next`](crate::FramedRead::next).
///
/// Dropped before it is ready, it loses nothing. It may be polled after it was ready: that gives the frame behind.
#[must_use = "futures do nothing unless they are polled"]
pub struct Next<'a, S>(&'a mut S);

impl<'a, S> Next<'a, S> {
    pub(crate) fn new(frames: &'a mut S) -> Self {
        Self(frames)
    }
}

impl<S: Stream + Unpin> Future for Next<'_, S> {
    type Output = Option<S::Item>;

    // So that a frame which is buffered is decoded in the task's own loop.
    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut *self.get_mut().0).poll_next(cx)
    }
}

impl<S: FusedStream + Unpin> FusedFuture for Next<'_, S> {
    fn is_terminated(&self) -> bool {
        self.0.is_terminated()
    }
}

impl<S: fmt::Debug> fmt::Debug for Next<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Next").field(&self.0).finish()
    }
}
