use std::{
    fmt,
    future::poll_fn,
    io,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::BytesMut;
use futures::{Sink, Stream, stream::FusedStream};
use io_traits::{AsyncRead, AsyncWrite};

use crate::{
    Decoder, Encoder, Feed, FramedParts, Next, Permit, Segments, read_side::ReadSide,
    write_side::WriteSide,
};

/// The frames of a reader and writer: a stream of those that come, a sink for those that go.
///
/// It reads as [`FramedRead`](crate::FramedRead) and writes as [`FramedWrite`](crate::FramedWrite), and
/// one thing more: **what was fed is flushed before the task parks**. When the stream has no frame and
/// is about to be `Pending`, or is about to tell the end, it writes the queue first. So the natural loop
///
/// ```
/// # use codec::{Framed, LinesCodec, LinesError};
/// # use futures::executor::block_on;
/// # use io_traits::{AsyncRead, AsyncWrite, testing::Script};
/// async fn echo<T: AsyncRead + AsyncWrite>(io: T) -> Result<(), LinesError> {
///     let mut lines = Framed::new(io, LinesCodec::new(1024));
///     while let Some(line) = lines.next().await {
///         lines.feed(line?).await?;
///     }
///     lines.close().await?;
///     Ok(())
/// }
/// # block_on(echo(Script::new().gives("a\nb\n"))).unwrap();
/// ```
///
/// never waits for a peer that in turn waits for an answer still queued, and costs one write for as
/// many answers as there were requests in one read. While that write blocks, the reading task is woken
/// by writability too. If it fails, its error is the stream's next item and its last.
///
/// Nobody flushes for a task that waits elsewhere, for a timer or a channel: use
/// [`send`](Self::send) or [`flush`](Self::flush) before it does. Nor can what has not come
/// here be flushed: the sink half of `StreamExt::split` keeps the last item
/// that it was fed until it is flushed itself, so use `send` on it.
///
/// # Cancel safety
///
/// As [`FramedRead`](crate::FramedRead) and [`FramedWrite`](crate::FramedWrite).
pub struct Framed<T, C> {
    io: T,
    codec: C,
    read: ReadSide,
    write: WriteSide,
}

impl<T, C> Framed<T, C> {
    /// The frames of `io`, which `codec` decodes and encodes.
    pub fn new(io: T, codec: C) -> Self {
        Self::from_parts(FramedParts::new(io, codec))
    }

    /// Puts parts together.
    ///
    /// What is in their read buffer is decoded before anything is read, and what is in their write
    /// buffer is written before anything else.
    pub fn from_parts(parts: FramedParts<T, C>) -> Self {
        Self {
            io: parts.io,
            codec: parts.codec,
            read: ReadSide::new(parts.read_buf),
            write: WriteSide::new(parts.write_buf),
        }
    }

    /// Sets from how many queued bytes on the sink is not ready; see
    /// [`set_high_water_bytes`](Self::set_high_water_bytes).
    #[must_use]
    pub fn with_high_water_bytes(mut self, bytes: usize) -> Self {
        self.set_high_water_bytes(bytes);
        self
    }

    /// Takes it apart. What has not been decoded and what has not been written is in the parts.
    ///
    /// That the end was reached or an error met is not: put together again, the stream reads again.
    pub fn into_parts(self) -> FramedParts<T, C> {
        let mut parts = FramedParts::new(self.io, self.codec);
        parts.read_buf = self.read.into_buffer();
        parts.write_buf = self.write.into_queue();
        parts
    }

    /// Returns the reader and writer; what is in the buffers is lost.
    pub fn into_inner(self) -> T {
        self.io
    }

    /// Exchanges the codec. The new one is asked first about what is buffered; frames that the old one
    /// has encoded stay queued.
    pub fn map_codec<D>(self, f: impl FnOnce(C) -> D) -> Framed<T, D> {
        Framed {
            io: self.io,
            codec: f(self.codec),
            read: self.read.with_another_decoder(),
            write: self.write,
        }
    }

    /// Sets from how many queued bytes on the sink is not ready: 128 KiB if nothing is said.
    ///
    /// With 0 each frame waits until the one before it is written.
    pub fn set_high_water_bytes(&mut self, bytes: usize) {
        self.write.high_water = bytes;
    }

    /// The reader and writer, to be left where the frames are.
    pub fn get_mut(&mut self) -> &mut T {
        &mut self.io
    }

    /// The codec. It is asked again about what is buffered, as it may have been changed.
    pub fn codec_mut(&mut self) -> &mut C {
        self.read.ask_again();
        &mut self.codec
    }

    /// The reader and writer.
    pub fn get_ref(&self) -> &T {
        &self.io
    }

    /// The codec.
    pub fn codec(&self) -> &C {
        &self.codec
    }

    /// From how many queued bytes on the sink is not ready.
    pub fn high_water_bytes(&self) -> usize {
        self.write.high_water
    }

    /// What has been read and not been decoded.
    pub fn read_buffer(&self) -> &BytesMut {
        self.read.buffer()
    }

    /// What has been encoded and not been written.
    pub fn write_buffer(&self) -> &Segments {
        self.write.queue()
    }
}

impl<T: AsyncRead + AsyncWrite, C: Decoder> Framed<T, C> {
    /// Waits for the next frame; `None` after the last one, then and for ever. What was fed is flushed before the task
    /// parks and before the end is told.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: what has been read stays in here.
    ///
    /// # Errors
    ///
    /// Those of the decoder. Those of the reader, and of the flush before the task parks: after one of these, and
    /// after a fatal one of the decoder, comes `None`.
    #[inline]
    #[expect(
        clippy::should_implement_trait,
        reason = "as everybody calls it, and never for the iterator of std"
    )]
    pub fn next(&mut self) -> Next<'_, Self> {
        Next::new(self)
    }
}

impl<T: AsyncWrite, C> Framed<T, C> {
    /// Waits until there is room for a frame, as [`poll_ready`](Sink::poll_ready) does, and gives a permit for
    /// it.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: no frame is in the future, and what has not been written stays queued.
    ///
    /// # Errors
    ///
    /// As [`flush`](Self::flush).
    pub async fn reserve(&mut self) -> io::Result<Permit<'_, C>> {
        poll_fn(|cx| self.write.poll_ready(&mut self.io, cx)).await?;
        Ok(Permit::new(&mut self.codec, &mut self.write))
    }

    /// Queues a frame: at once if fewer than [`high_water_bytes`](Self::high_water_bytes) are queued, and otherwise
    /// once the future has written until there is room. The frame itself is written by the next flush.
    ///
    /// [`SinkExt::feed`](futures::SinkExt::feed) does nothing before it is polled.
    ///
    /// Where each nanosecond counts, say `let frame = frame?;` before it. With `feed(frame?).await` the compiler keeps the
    /// whole result in the task while it waits, and copies the frame once more.
    ///
    /// # Cancel safety
    ///
    /// A frame for which there was room stays queued. One that waits for it goes with the future;
    /// [`reserve`](Self::reserve) waits without one.
    ///
    /// # Errors
    ///
    /// Those of the encoder; nothing of the frame is queued then. As [`flush`](Self::flush), if there was no room.
    #[inline(always)]
    pub fn feed<I>(&mut self, item: I) -> Feed<'_, Self, I, C::Error>
    where
        C: Encoder<I>,
    {
        let has_room = self.write.has_room();
        Feed::new(self, item, has_room)
    }

    /// Queues a frame and writes everything: [`feed`](Self::feed), then [`flush`](Self::flush).
    ///
    /// # Cancel safety
    ///
    /// As `feed` until the frame is queued; what has not been written then stays queued.
    ///
    /// # Errors
    ///
    /// As those two.
    pub fn send<I>(&mut self, item: I) -> impl Future<Output = Result<(), C::Error>>
    where
        C: Encoder<I>,
    {
        let mut feed = self.feed(item);
        poll_fn(move |cx| feed.poll_sent(cx))
    }

    /// Writes everything that was fed, and flushes the writer.
    ///
    /// [`SinkExt::flush`](futures::SinkExt::flush) does the same, but a codec that encodes several
    /// types of items leaves it unclear for which of them.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: what has not been written stays queued.
    ///
    /// # Errors
    ///
    /// [`WriteZero`](io::ErrorKind::WriteZero) if the writer takes no more bytes. Otherwise those of
    /// the writer, but never `WouldBlock` nor `Interrupted`.
    pub async fn flush(&mut self) -> io::Result<()> {
        poll_fn(|cx| self.write.poll_flush(&mut self.io, cx)).await
    }

    /// Flushes, then ends the writing side: a socket tells its peer that no byte will follow.
    ///
    /// Frames can still come.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: call it again to go on.
    ///
    /// # Errors
    ///
    /// As [`flush`](Self::flush).
    pub async fn close(&mut self) -> io::Result<()> {
        poll_fn(|cx| self.write.poll_close(&mut self.io, cx)).await
    }
}

// Nothing is ever pinned in here: readers and writers are called by `&mut`.
impl<T, C> Unpin for Framed<T, C> {}

impl<T: AsyncRead + AsyncWrite, C: Decoder> Stream for Framed<T, C> {
    type Item = Result<C::Item, C::Error>;

    #[inline(always)]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let write = &mut this.write;
        this.read
            .poll_next(&mut this.io, &mut this.codec, cx, |io, cx| {
                write.poll_flush_if_dirty(io, cx)
            })
    }
}

impl<T: AsyncRead + AsyncWrite, C: Decoder> FusedStream for Framed<T, C> {
    fn is_terminated(&self) -> bool {
        self.read.is_done()
    }
}

impl<T: AsyncWrite, I, C: Encoder<I>> Sink<I> for Framed<T, C> {
    type Error = C::Error;

    #[inline]
    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), C::Error>> {
        let this = self.get_mut();
        this.write
            .poll_ready(&mut this.io, cx)
            .map_err(C::Error::from)
    }

    #[inline]
    fn start_send(self: Pin<&mut Self>, item: I) -> Result<(), C::Error> {
        let this = self.get_mut();
        this.write.start_send(&mut this.codec, item)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), C::Error>> {
        let this = self.get_mut();
        this.write
            .poll_flush(&mut this.io, cx)
            .map_err(C::Error::from)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), C::Error>> {
        let this = self.get_mut();
        this.write
            .poll_close(&mut this.io, cx)
            .map_err(C::Error::from)
    }
}

impl<T: fmt::Debug, C: fmt::Debug> fmt::Debug for Framed<T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Framed")
            .field("io", &self.io)
            .field("codec", &self.codec)
            .field("read", &self.read)
            .field("write", &self.write)
            .finish()
    }
}
