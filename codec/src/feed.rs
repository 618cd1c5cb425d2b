use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use io_traits::AsyncWrite;

use crate::{Encoder, write_side::WriteSide};

/// Queues a frame; from [`Framed::feed`](crate::Framed::feed) and
/// [`FramedWrite::feed`](crate::FramedWrite::feed).
///
/// Dropped before it is ready, it takes its frame with it.
///
/// # Panics
///
/// When it is polled after it was ready.
#[must_use = "futures do nothing unless they are polled"]
pub struct Feed<'a, T, E, I> {
    io: &'a mut T,
    encoder: &'a mut E,
    write: &'a mut WriteSide,
    /// `None` once it is queued.
    item: Option<I>,
}

impl<'a, T, E, I> Feed<'a, T, E, I> {
    #[inline]
    pub(crate) fn new(
        io: &'a mut T,
        encoder: &'a mut E,
        write: &'a mut WriteSide,
        item: I,
    ) -> Self {
        Self {
            io,
            encoder,
            write,
            item: Some(item),
        }
    }
}

// Nothing is ever pinned in here.
impl<T, E, I> Unpin for Feed<'_, T, E, I> {}

impl<T: AsyncWrite, E: Encoder<I>, I> Future for Feed<'_, T, E, I> {
    type Output = Result<(), E::Error>;

    // So that a frame for which there is room is encoded in the task's own loop.
    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        ready!(this.write.poll_ready(this.io, cx))?;
        let item = this
            .item
            .take()
            .expect("a Feed was polled after it was ready");
        Poll::Ready(this.write.start_send(this.encoder, item))
    }
}

impl<T, E: fmt::Debug, I> fmt::Debug for Feed<'_, T, E, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed")
            .field("encoder", &self.encoder)
            .field("queue", self.write.queue())
            .finish_non_exhaustive()
    }
}
