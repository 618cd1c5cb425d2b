use std::{
    fmt,
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use super::BufWriter;
use crate::AsyncWrite;

/// The end of a [`BufWriter`] as a future; from [`BufWriter::finish`].
#[must_use = "futures do nothing unless they are polled"]
pub struct Finish<W> {
    /// Until it has been given back.
    writer: Option<BufWriter<W>>,
}

impl<W> Finish<W> {
    pub(super) fn new(writer: BufWriter<W>) -> Self {
        Self {
            writer: Some(writer),
        }
    }

    /// Gives the writer back with what is still buffered: instead of waiting, or after an error. `None` if the
    /// future was ready with the object.
    pub fn into_inner(self) -> Option<BufWriter<W>> {
        self.writer
    }
}

// The writer is only used through `&mut`, never pinned.
impl<W> Unpin for Finish<W> {}

impl<W: AsyncWrite> Future for Finish<W> {
    type Output = io::Result<W>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        const LATE: &str = "a Finish was polled after it had given its object back";
        ready!(self.writer.as_mut().expect(LATE).poll_flush(cx))?;
        let (object, buf) = self.writer.take().expect(LATE).into_parts();
        debug_assert!(buf.is_empty(), "a flush leaves nothing");
        Poll::Ready(Ok(object))
    }
}

impl<W: fmt::Debug> fmt::Debug for Finish<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Finish")
            .field("writer", &self.writer)
            .finish()
    }
}
