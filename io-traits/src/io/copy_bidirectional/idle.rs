use std::{
    fmt,
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use super::{Watch, Way};

/// A [`Watch`] that ends a copy which carries nothing for a while; from
/// [`CopyBidirectional::idle_limit`](super::CopyBidirectional::idle_limit).
///
/// It passes everything on to the watch inside.
pub struct Idle<W, F, T> {
    inner: W,
    start: F,
    timer: Option<Pin<Box<T>>>,
    /// Whether anything was carried since the timer was started.
    seen: Seen,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    Nothing,
    Bytes,
}

impl<W, F, T> Idle<W, F, T> {
    pub(super) fn new(inner: W, start: F) -> Self {
        Self {
            inner,
            start,
            timer: None,
            seen: Seen::Nothing,
        }
    }
}

// The timer is pinned in its box, and what starts it is only called.
impl<W: Unpin, F, T> Unpin for Idle<W, F, T> {}

impl<W, F, T> Watch for Idle<W, F, T>
where
    W: Watch,
    F: FnMut() -> T,
    T: Future,
{
    fn carried(&mut self, way: Way, bytes: usize) {
        self.inner.carried(way, bytes);
        self.seen = Seen::Bytes;
    }

    fn ended(&mut self, way: Way) {
        self.inner.ended(way);
    }

    fn poll_stop(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Poll::Ready(how) = self.inner.poll_stop(cx) {
            return Poll::Ready(how);
        }
        let timer = self.timer.get_or_insert_with(|| Box::pin((self.start)()));
        ready!(timer.as_mut().poll(cx));
        if self.seen == Seen::Nothing {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        // Started anew when it is over and not at each byte: a busy copy sets no timer for its bytes.
        self.seen = Seen::Nothing;
        timer.set((self.start)());
        ready!(timer.as_mut().poll(cx));
        // A timer that is over at once allows for no silence.
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<W: fmt::Debug, F, T> fmt::Debug for Idle<W, F, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Idle")
            .field("inner", &self.inner)
            .field("seen", &self.seen)
            .finish_non_exhaustive()
    }
}
