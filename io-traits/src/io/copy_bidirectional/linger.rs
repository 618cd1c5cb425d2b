use std::{
    fmt,
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use super::{Watch, Way};

/// A [`Watch`] that limits how long one way goes on after the other has ended; from
/// [`CopyBidirectional::linger`](super::CopyBidirectional::linger).
///
/// It passes everything on to the watch inside.
pub struct Linger<W, F, T> {
    inner: W,
    limit: Limit<F, T>,
}

/// ```text
///   Later ── the first end ──▶ Running ── over ──▶ the copy is stopped
/// ```
enum Limit<F, T> {
    Later(Option<F>),
    Running(Pin<Box<T>>),
}

impl<W, F, T> Linger<W, F, T> {
    pub(super) fn new(inner: W, start: F) -> Self {
        Self {
            inner,
            limit: Limit::Later(Some(start)),
        }
    }
}

// The timer is pinned in its box, and what starts it is only called.
impl<W: Unpin, F, T> Unpin for Linger<W, F, T> {}

impl<W, F, T> Watch for Linger<W, F, T>
where
    W: Watch,
    F: FnOnce() -> T,
    T: Future,
{
    fn carried(&mut self, way: Way, bytes: usize) {
        self.inner.carried(way, bytes);
    }

    fn ended(&mut self, way: Way) {
        self.inner.ended(way);
        if let Limit::Later(start) = &mut self.limit
            && let Some(start) = start.take()
        {
            self.limit = Limit::Running(Box::pin(start()));
        }
    }

    fn poll_stop(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Poll::Ready(how) = self.inner.poll_stop(cx) {
            return Poll::Ready(how);
        }
        let Limit::Running(timer) = &mut self.limit else {
            return Poll::Pending;
        };
        ready!(timer.as_mut().poll(cx));
        Poll::Ready(Ok(()))
    }
}

impl<W: fmt::Debug, F, T> fmt::Debug for Linger<W, F, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Linger")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}
