use std::{
    error::Error,
    fmt,
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use super::Layer;
use crate::task::budget;

/// A verb of a protocol object as a future; from [`Layer::with`].
#[must_use = "futures do nothing unless they are polled"]
pub struct With<'a, S, F> {
    layer: &'a mut Layer<S>,
    verb: F,
}

impl<'a, S, F> With<'a, S, F> {
    pub(super) fn new(layer: &'a mut Layer<S>, verb: F) -> Self {
        Self { layer, verb }
    }
}

// The closure is only ever called, never pinned.
impl<S, F> Unpin for With<'_, S, F> {}

impl<S, T, E, F> Future for With<'_, S, F>
where
    F: FnMut(&mut S) -> Result<T, E>,
    E: Error + From<io::Error> + 'static,
{
    type Output = Result<T, E>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        ready!(budget::poll_left(cx));
        let Self { layer, verb } = &mut *self;
        let result = ready!(layer.poll_with(cx, verb));
        budget::spend();
        Poll::Ready(result)
    }
}

impl<S: fmt::Debug, F> fmt::Debug for With<'_, S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("With")
            .field("layer", &self.layer)
            .finish_non_exhaustive()
    }
}
