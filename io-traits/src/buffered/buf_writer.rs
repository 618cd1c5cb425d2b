use std::{
    fmt,
    io::{self, BufRead, IoSlice, Read, Write},
    task::{Context, Poll, ready},
};

use bytes::{Buf, BytesMut};

use super::{Finish, unwritten::Unwritten};
use crate::{
    AsyncBufRead, AsyncRead, AsyncWrite, ReadCursor, ReadHalf, ReuniteError, Splittable, WriteHalf,
    async_read::poll_read_slice,
    async_write::{checked, total},
    pool::{self, Lent},
    split, task,
};

/// A writer with a buffer in front of it, which it holds only while there is something in it.
///
/// Small writes are collected, up to 64 KiB; a larger one goes straight through. The buffer comes from
/// the [pool](crate::pool) of the thread and goes back when it has been flushed. It can be taken out with
/// what is in it ([`into_parts`](Self::into_parts)).
///
/// Reads go to the object below. Before one has to wait, it sees to it that what was written goes out:
/// what the peer waits for must not wait for the peer.
///
/// [Finish](Self::finish) it, flush it, or [shut it down](crate::io::shutdown()), before it is dropped: a drop
/// cannot wait, so what is buffered then is lost. In a debug build that is a warning in the log.
///
/// # Examples
///
/// ```
/// use io_traits::{BufWriter, io::{flush, write_all}};
///
/// # futures::executor::block_on(async {
/// let mut writer = BufWriter::new(Vec::new());
/// write_all(&mut writer, b"head ").await?;
/// write_all(&mut writer, b"body").await?;
/// assert!(writer.get_ref().is_empty());
/// flush(&mut writer).await?;
/// assert_eq!(writer.get_ref(), b"head body");
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
pub struct BufWriter<W> {
    object: W,
    buf: Unwritten,
}

impl<W> BufWriter<W> {
    /// Puts a buffer in front of a writer.
    pub fn new(object: W) -> Self {
        Self::with_buffer(object, BytesMut::new())
    }

    /// Puts a buffer with something in it in front of a writer: that is written first.
    pub fn with_buffer(object: W, buf: BytesMut) -> Self {
        Self {
            object,
            buf: Unwritten(Lent::from(buf)),
        }
    }

    /// Gives the writer back, and what has not been written to it.
    pub fn into_parts(mut self) -> (W, BytesMut) {
        let buf = self.buf.take().into_inner();
        (self.object, buf)
    }

    /// Flushes, and resolves to the writer below.
    ///
    /// # Cancel safety
    ///
    /// Not cancel safe by itself: with the future, everything in it is dropped. Whoever wants to go on later
    /// asks it for [`Finish::into_inner`].
    ///
    /// # Errors
    ///
    /// [`WriteZero`](io::ErrorKind::WriteZero) if the writer takes no more bytes. Otherwise those of the writer,
    /// but never `WouldBlock` nor `Interrupted`. Nothing is lost by one: [`Finish::into_inner`].
    ///
    /// # Panics
    ///
    /// The future, when it is polled after it was ready with the writer.
    ///
    /// # Examples
    ///
    /// ```
    /// use io_traits::{BufWriter, io::write_all};
    ///
    /// # futures::executor::block_on(async {
    /// let mut writer = BufWriter::new(Vec::new());
    /// write_all(&mut writer, b"head and body").await?;
    /// assert_eq!(writer.finish().await?, b"head and body");
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    pub fn finish(self) -> Finish<W> {
        Finish::new(self)
    }

    /// What has not been written yet.
    pub fn buffer(&self) -> &[u8] {
        &self.buf.0
    }

    /// The object below.
    pub fn get_ref(&self) -> &W {
        &self.object
    }

    /// The object below. What is written to it here comes before what is buffered.
    pub fn get_mut(&mut self) -> &mut W {
        &mut self.object
    }

    /// Takes the two directions apart; what is buffered stays with the half that writes.
    pub fn into_split(mut self) -> (ReadHalf<W>, BufWriter<WriteHalf<W>>)
    where
        W: Splittable,
    {
        let buf = Unwritten(self.buf.take());
        let (read, write) = split(self.object);
        (read, BufWriter { object: write, buf })
    }
}

impl<W> BufWriter<WriteHalf<W>> {
    /// Puts the two directions together again, with what is buffered.
    ///
    /// # Errors
    ///
    /// [`ReuniteError`], with both halves in it, if they are of different objects.
    pub fn reunite(
        mut self,
        read: ReadHalf<W>,
    ) -> Result<BufWriter<W>, ReuniteError<ReadHalf<W>, Self>> {
        let buf = Unwritten(self.buf.take());
        match read.reunite(self.object) {
            Ok(object) => Ok(BufWriter { object, buf }),
            Err(ReuniteError { read, write }) => Err(ReuniteError {
                read,
                write: Self { object: write, buf },
            }),
        }
    }
}

impl<W: AsyncWrite> BufWriter<W> {
    /// Ready when nothing is buffered any more.
    fn poll_empty(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let buf = &mut self.buf.0;
        while !buf.is_empty() {
            let n = checked(ready!(self.object.poll_write_from(cx, buf))?, buf.len())?;
            if n == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            buf.advance(n);
        }
        self.buf.take();
        Poll::Ready(Ok(()))
    }

    /// Ready when there is room for so many bytes, or nothing is buffered.
    fn poll_room(&mut self, cx: &mut Context<'_>, bytes: usize) -> Poll<io::Result<()>> {
        if bytes <= pool::CAPACITY - self.buf.0.len().min(pool::CAPACITY) {
            return Poll::Ready(Ok(()));
        }
        self.poll_empty(cx)
    }
}

impl<W: AsyncWrite> Write for BufWriter<W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        task::poll(|cx| self.poll_write_from(cx, buf))
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        task::poll(|cx| self.poll_write_slices(cx, bufs))
    }

    fn flush(&mut self) -> io::Result<()> {
        task::poll(|cx| self.poll_flush(cx))
    }
}

impl<W: AsyncWrite> AsyncWrite for BufWriter<W> {
    fn poll_write_from(&mut self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_room(cx, buf.len()))?;
        if buf.len() >= pool::CAPACITY {
            return self.object.poll_write_from(cx, buf);
        }
        self.buf.append(buf);
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_write_slices(
        &mut self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let given = total(bufs);
        ready!(self.poll_room(cx, given))?;
        if given >= pool::CAPACITY {
            if self.object.writes_slices() {
                return self.object.poll_write_slices(cx, bufs);
            }
            let first = bufs.iter().find(|buf| !buf.is_empty());
            return self.poll_write_from(cx, first.map_or(&[], |first| &**first));
        }
        for buf in bufs {
            self.buf.append(buf);
        }
        Poll::Ready(Ok(given))
    }

    fn writes_slices(&self) -> bool {
        true
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_empty(cx))?;
        self.object.poll_flush(cx)
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_empty(cx))?;
        self.object.poll_shutdown(cx)
    }
}

impl<W: AsyncRead + AsyncWrite> BufWriter<W> {
    /// Lets what is buffered out before a read waits.
    fn flush_before_parking(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if !self.buf.0.is_empty() {
            // Pending is fine: the task waits for both then, and comes back here.
            let _ = self.poll_flush(cx)?;
        }
        Ok(())
    }
}

impl<W: AsyncRead + AsyncWrite> Read for BufWriter<W> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        task::poll(|cx| poll_read_slice(self, cx, buf))
    }
}

impl<W: AsyncRead + AsyncWrite> AsyncRead for BufWriter<W> {
    fn poll_read_into(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadCursor<'_>,
    ) -> Poll<io::Result<usize>> {
        let polled = self.object.poll_read_into(cx, buf);
        if polled.is_pending() {
            self.flush_before_parking(cx)?;
        }
        polled
    }
}

impl<W: AsyncBufRead + AsyncWrite> BufRead for BufWriter<W> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        task::poll(move |cx| self.poll_fill_buf(cx))
    }

    fn consume(&mut self, n: usize) {
        self.object.consume(n);
    }
}

impl<W: AsyncBufRead + AsyncWrite> AsyncBufRead for BufWriter<W> {
    fn poll_fill_buf(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        if self.object.poll_fill_buf(cx)?.is_pending() {
            self.flush_before_parking(cx)?;
            return Poll::Pending;
        }
        // Lent a second time: the slice above may not live beside the flush.
        self.object.poll_fill_buf(cx)
    }
}

/// How much is buffered, not what: it is somebody's data.
impl<W: fmt::Debug> fmt::Debug for BufWriter<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BufWriter")
            .field("object", &self.object)
            .field("unwritten", &self.buf.0.len())
            .finish()
    }
}
