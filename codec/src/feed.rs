use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures::Sink;

/// A frame on its way into the queue; from [`Framed::feed`](crate::Framed::feed) and
/// [`FramedWrite::feed`](crate::FramedWrite::feed).
///
/// If there was room for the frame, it is queued already, or the encoder has refused it, and this is ready with the
/// first poll. Otherwise it is in here. What is in here, the frame or the error, goes with this if this is dropped.
// `E` is the error of `S`. By way of `S` it would have to be known for items of every lifetime before an `async` block
// with this in it is `Send`, also where the encoder takes only those of one.
#[must_use = "it tells whether the frame could be queued, and waits for room if there is none"]
pub struct Feed<'a, S, I, E> {
    sink: &'a mut S,
    /// `None` once there is nothing more to do.
    undone: Option<Undone<I, E>>,
}

// Nothing is ever pinned in here.
impl<S, I, E> Unpin for Feed<'_, S, I, E> {}

/// What could not be done at once.
enum Undone<I, E> {
    /// There was no room for it.
    Frame(I),
    /// It was refused.
    Error(E),
}

impl<'a, S: Sink<I, Error = E> + Unpin, I, E> Feed<'a, S, I, E> {
    /// `has_room` is what the sink said of itself.
    ///
    /// What begins with the call need not be kept across a wait: an `async` block copies what it keeps, and a copy of
    /// a frame costs more than to queue it.
    #[inline(always)]
    pub(crate) fn new(sink: &'a mut S, item: I, has_room: bool) -> Self {
        let undone = if has_room {
            Pin::new(&mut *sink)
                .start_send(item)
                .err()
                .map(Undone::Error)
        } else {
            Some(Undone::Frame(item))
        };
        Self { sink, undone }
    }

    #[cold]
    #[inline(never)]
    fn poll_undone(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), E>> {
        let room = match self.undone {
            Some(Undone::Frame(_)) => ready!(Pin::new(&mut *self.sink).poll_ready(cx)),
            Some(Undone::Error(_)) | None => Ok(()),
        };
        let undone = self.undone.take();
        room?;
        Poll::Ready(match undone {
            Some(Undone::Frame(item)) => Pin::new(&mut *self.sink).start_send(item),
            Some(Undone::Error(error)) => Err(error),
            None => Ok(()),
        })
    }

    /// Goes on with everything that is queued, once this is ready.
    pub(crate) fn poll_sent(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), E>> {
        ready!(Pin::new(&mut *self).poll(cx))?;
        Pin::new(&mut *self.sink).poll_flush(cx)
    }
}

impl<S: Sink<I, Error = E> + Unpin, I, E> Future for Feed<'_, S, I, E> {
    type Output = Result<(), E>;

    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if this.undone.is_none() {
            return Poll::Ready(Ok(()));
        }
        this.poll_undone(cx)
    }
}

impl<S: fmt::Debug, I, E> fmt::Debug for Feed<'_, S, I, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed")
            .field("sink", &self.sink)
            .finish_non_exhaustive()
    }
}
