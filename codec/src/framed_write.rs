use std::{
    fmt,
    future::poll_fn,
    io,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::BytesMut;
use futures::Sink;
use io_traits::AsyncWrite;

use crate::{Encoder, Feed, FramedParts, Permit, Segments, write_side::WriteSide};

/// A writer of frames, as a sink.
///
/// A frame that is fed is encoded into a queue; a flush writes the whole queue with one vectored write.
/// The sink is ready while fewer than [`high_water_bytes`](Self::high_water_bytes) are queued, so the
/// queue is never longer than that and one frame. Beyond it [`poll_ready`](Sink::poll_ready) writes
/// until there is room, and yields to other tasks when the [`budget`](io_traits::task::budget) of its task is used up.
///
/// An error of the encoder concerns one frame, of which nothing is written. An error of the writer
/// leaves the queue as it is.
///
/// # Cancel safety
///
/// What has been fed stays in here. A future of [`send`](Self::send) or [`feed`](Self::feed) that is dropped while
/// it waits for room takes its item with it;
/// [`reserve`](Self::reserve) waits for room without one.
///
/// # Examples
///
/// ```
/// use codec::{FramedWrite, LinesCodec};
/// use futures::executor::block_on;
/// use io_traits::testing::Script;
///
/// # block_on(async {
/// let mut lines = FramedWrite::new(Script::new(), LinesCodec::new(80));
/// lines.feed("one").await?;
/// lines.feed("two").await?;
/// lines.flush().await?;
/// assert_eq!(lines.get_ref().written(), b"one\ntwo\n");
/// assert_eq!(lines.get_ref().write_calls(), 1);
/// # Ok::<(), codec::LinesError>(()) }).unwrap();
/// ```
pub struct FramedWrite<T, E> {
    io: T,
    encoder: E,
    write: WriteSide,
    /// Never decoded here, only kept from one taking apart to the next.
    read_buf: BytesMut,
}

impl<T, E> FramedWrite<T, E> {
    /// A sink for frames that `encoder` turns into bytes for `io`.
    pub fn new(io: T, encoder: E) -> Self {
        Self::from_parts(FramedParts::new(io, encoder))
    }

    /// Puts parts together. What is in their write buffer is written before anything else.
    ///
    /// A read buffer is kept for [`into_parts`](Self::into_parts); nobody decodes it here.
    pub fn from_parts(parts: FramedParts<T, E>) -> Self {
        Self {
            io: parts.io,
            encoder: parts.codec,
            write: WriteSide::new(parts.write_buf),
            read_buf: parts.read_buf,
        }
    }

    /// Sets from how many queued bytes on the sink is not ready; see
    /// [`set_high_water_bytes`](Self::set_high_water_bytes).
    #[must_use]
    pub fn with_high_water_bytes(mut self, bytes: usize) -> Self {
        self.set_high_water_bytes(bytes);
        self
    }

    /// Takes the sink apart. What has been encoded and not been written is in the parts.
    pub fn into_parts(self) -> FramedParts<T, E> {
        let mut parts = FramedParts::new(self.io, self.encoder);
        parts.read_buf = self.read_buf;
        parts.write_buf = self.write.into_queue();
        parts
    }

    /// Returns the writer; what has been encoded and not been written is lost.
    pub fn into_inner(self) -> T {
        self.io
    }

    /// Exchanges the encoder. Frames that the old one has encoded stay queued.
    pub fn map_codec<F>(self, f: impl FnOnce(E) -> F) -> FramedWrite<T, F> {
        FramedWrite {
            io: self.io,
            encoder: f(self.encoder),
            write: self.write,
            read_buf: self.read_buf,
        }
    }

    /// Sets from how many queued bytes on the sink is not ready: 128 KiB if nothing is said.
    ///
    /// With 0 each frame waits until the one before it is written.
    pub fn set_high_water_bytes(&mut self, bytes: usize) {
        self.write.high_water = bytes;
    }

    /// The writer, to be left where the frames are.
    pub fn get_mut(&mut self) -> &mut T {
        &mut self.io
    }

    /// The encoder.
    pub fn encoder_mut(&mut self) -> &mut E {
        &mut self.encoder
    }

    /// The writer.
    pub fn get_ref(&self) -> &T {
        &self.io
    }

    /// The encoder.
    pub fn encoder(&self) -> &E {
        &self.encoder
    }

    /// From how many queued bytes on the sink is not ready.
    pub fn high_water_bytes(&self) -> usize {
        self.write.high_water
    }

    /// What has been encoded and not been written.
    pub fn write_buffer(&self) -> &Segments {
        self.write.queue()
    }

    /// What came with the parts to be decoded elsewhere.
    pub fn read_buffer(&self) -> &BytesMut {
        &self.read_buf
    }
}

impl<T: AsyncWrite, E> FramedWrite<T, E> {
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
    pub async fn reserve(&mut self) -> io::Result<Permit<'_, E>> {
        poll_fn(|cx| self.write.poll_ready(&mut self.io, cx)).await?;
        Ok(Permit::new(&mut self.encoder, &mut self.write))
    }

    /// Queues a frame: at once if fewer than [`high_water_bytes`](Self::high_water_bytes) are queued, and otherwise
    /// once the future has written until there is room. The frame itself is written by the next flush.
    ///
    /// [`SinkExt::feed`](futures::SinkExt::feed) does nothing before it is polled.
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
    pub fn feed<I>(&mut self, item: I) -> Feed<'_, Self, I, E::Error>
    where
        E: Encoder<I>,
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
    pub fn send<I>(&mut self, item: I) -> impl Future<Output = Result<(), E::Error>>
    where
        E: Encoder<I>,
    {
        let mut feed = self.feed(item);
        poll_fn(move |cx| feed.poll_sent(cx))
    }

    /// Writes everything that was fed, and flushes the writer.
    ///
    /// [`SinkExt::flush`](futures::SinkExt::flush) does the same, but an encoder of several types of
    /// items leaves it unclear for which of them.
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

// Nothing is ever pinned in here: writers are called by `&mut`.
impl<T, E> Unpin for FramedWrite<T, E> {}

impl<T: AsyncWrite, I, E: Encoder<I>> Sink<I> for FramedWrite<T, E> {
    type Error = E::Error;

    #[inline]
    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), E::Error>> {
        let this = self.get_mut();
        this.write
            .poll_ready(&mut this.io, cx)
            .map_err(E::Error::from)
    }

    #[inline]
    fn start_send(self: Pin<&mut Self>, item: I) -> Result<(), E::Error> {
        let this = self.get_mut();
        this.write.start_send(&mut this.encoder, item)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), E::Error>> {
        let this = self.get_mut();
        this.write
            .poll_flush(&mut this.io, cx)
            .map_err(E::Error::from)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), E::Error>> {
        let this = self.get_mut();
        this.write
            .poll_close(&mut this.io, cx)
            .map_err(E::Error::from)
    }
}

impl<T: fmt::Debug, E: fmt::Debug> fmt::Debug for FramedWrite<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FramedWrite")
            .field("io", &self.io)
            .field("encoder", &self.encoder)
            .field("write", &self.write)
            .finish_non_exhaustive()
    }
}
