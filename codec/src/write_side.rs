use std::{
    io, mem,
    task::{Context, Poll, ready},
};

use io_traits::{AsyncWrite, poll_write_buf, task::budget};

use crate::{Encoder, Segments};

/// The writing half of [`FramedWrite`](crate::FramedWrite) and of [`Framed`](crate::Framed).
#[derive(Debug)]
pub(crate) struct WriteSide {
    queue: Segments,
    pub(crate) high_water: usize,
    /// Something was queued or written since the last flush.
    dirty: bool,
}

impl WriteSide {
    pub(crate) fn new(queue: Segments) -> Self {
        Self {
            dirty: !queue.is_empty(),
            queue,
            high_water: HIGH_WATER,
        }
    }

    /// Ready while there is room in the queue; otherwise writes until there is.
    #[inline]
    pub(crate) fn poll_ready<T: AsyncWrite>(
        &mut self,
        io: &mut T,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        // Mostly there is; the rest of the question is asked elsewhere.
        if self.queue.len() < self.high_water {
            return Poll::Ready(Ok(()));
        }
        self.poll_make_room(io, cx)
    }

    #[inline(never)]
    fn poll_make_room<T: AsyncWrite>(
        &mut self,
        io: &mut T,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while !self.has_room() {
            ready!(budget::poll_left(cx));
            ready!(self.poll_write(io, cx))?;
            budget::spend();
        }
        Poll::Ready(Ok(()))
    }

    #[inline]
    pub(crate) fn has_room(&self) -> bool {
        let len = self.queue.len();
        len < self.high_water || len == 0
    }

    #[inline]
    pub(crate) fn start_send<I, E: Encoder<I>>(
        &mut self,
        encoder: &mut E,
        item: I,
    ) -> Result<(), E::Error> {
        let undo = Undo {
            len: self.queue.len(),
            queue: &mut self.queue,
        };
        encoder.encode(item, undo.queue)?;
        mem::forget(undo);
        self.dirty = true;
        Ok(())
    }

    pub(crate) fn poll_flush<T: AsyncWrite>(
        &mut self,
        io: &mut T,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while !self.queue.is_empty() {
            ready!(self.poll_write(io, cx))?;
        }
        ready!(io.poll_flush(cx))?;
        self.dirty = false;
        self.queue.release();
        Poll::Ready(Ok(()))
    }

    /// Flushes if there is a reason to.
    pub(crate) fn poll_flush_if_dirty<T: AsyncWrite>(
        &mut self,
        io: &mut T,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        if self.dirty {
            return self.poll_flush(io, cx);
        }
        Poll::Ready(Ok(()))
    }

    pub(crate) fn poll_close<T: AsyncWrite>(
        &mut self,
        io: &mut T,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.poll_flush(io, cx))?;
        io.poll_shutdown(cx)
    }

    pub(crate) fn into_queue(self) -> Segments {
        self.queue
    }

    pub(crate) fn queue(&self) -> &Segments {
        &self.queue
    }

    fn poll_write<T: AsyncWrite>(
        &mut self,
        io: &mut T,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let n = ready!(poll_write_buf(io, cx, &mut self.queue))?;
        if n == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        Poll::Ready(Ok(()))
    }
}

/// Takes back what an encoder has appended when it returns an error, or panics.
struct Undo<'a> {
    /// How long the queue was before.
    len: usize,
    queue: &'a mut Segments,
}

impl Drop for Undo<'_> {
    #[cold]
    fn drop(&mut self) {
        self.queue.truncate(self.len);
    }
}

/// From how many queued bytes on a sink is not ready, if nothing else is said.
const HIGH_WATER: usize = 128 * 1024;
