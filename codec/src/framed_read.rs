use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::BytesMut;
use futures::{Stream, stream::FusedStream};
use io_traits::AsyncRead;

use crate::{Decoder, FramedParts, Next, Segments, read_side::ReadSide};

/// The frames of a reader, as a stream.
///
/// It holds no memory while it waits between two frames, and yields to other tasks when the
/// [`budget`](io_traits::task::budget) of its task is used up, one unit for each frame and each read.
///
/// After a fatal error of the decoder or an error of the reader comes that error, then `None` for
/// ever. An error that is [not fatal](Decoder::is_fatal) is an item like any other. `None` comes after
/// the end of the reader and stays, even if the reader has more later: take the stream apart
/// with [`into_parts`](Self::into_parts) to go on.
///
/// # Cancel safety
///
/// Dropping a future of [`next`](Self::next) loses nothing: what has been read stays in
/// here.
///
/// # Examples
///
/// ```
/// use codec::{FramedRead, LinesCodec};
/// use futures::{executor::block_on, TryStreamExt};
/// use io_traits::testing::Script;
///
/// let reader = Script::new().gives("hel").would_block().gives("lo\nworld\n");
/// let lines = FramedRead::new(reader, LinesCodec::new(80));
/// let lines: Vec<String> = block_on(lines.try_collect()).unwrap();
/// assert_eq!(lines, ["hello", "world"]);
/// ```
pub struct FramedRead<T, D> {
    io: T,
    decoder: D,
    read: ReadSide,
    /// Never written here, only kept from one taking apart to the next.
    write_buf: Segments,
}

impl<T, D> FramedRead<T, D> {
    /// The frames that `decoder` finds in what `io` gives.
    pub fn new(io: T, decoder: D) -> Self {
        Self::from_parts(FramedParts::new(io, decoder))
    }

    /// Puts parts together. What is in their read buffer is decoded before anything is read.
    ///
    /// A write buffer is kept for [`into_parts`](Self::into_parts); nobody writes it here.
    pub fn from_parts(parts: FramedParts<T, D>) -> Self {
        Self {
            io: parts.io,
            decoder: parts.codec,
            read: ReadSide::new(parts.read_buf),
            write_buf: parts.write_buf,
        }
    }

    /// Takes the stream apart. What has been read and not been decoded is in the parts.
    pub fn into_parts(self) -> FramedParts<T, D> {
        let mut parts = FramedParts::new(self.io, self.decoder);
        parts.read_buf = self.read.into_buffer();
        parts.write_buf = self.write_buf;
        parts
    }

    /// Returns the reader; what has been read and not been decoded is lost.
    pub fn into_inner(self) -> T {
        self.io
    }

    /// Exchanges the decoder. The new one is asked first about what is buffered.
    pub fn map_codec<E>(self, f: impl FnOnce(D) -> E) -> FramedRead<T, E> {
        FramedRead {
            io: self.io,
            decoder: f(self.decoder),
            read: self.read.with_another_decoder(),
            write_buf: self.write_buf,
        }
    }

    /// The reader, to be left where the frames are.
    pub fn get_mut(&mut self) -> &mut T {
        &mut self.io
    }

    /// The decoder. It is asked again about what is buffered, as it may have been changed.
    pub fn decoder_mut(&mut self) -> &mut D {
        self.read.ask_again();
        &mut self.decoder
    }

    /// The reader.
    pub fn get_ref(&self) -> &T {
        &self.io
    }

    /// The decoder.
    pub fn decoder(&self) -> &D {
        &self.decoder
    }

    /// What has been read and not been decoded.
    pub fn read_buffer(&self) -> &BytesMut {
        self.read.buffer()
    }

    /// What came with the parts to be written elsewhere.
    pub fn write_buffer(&self) -> &Segments {
        &self.write_buf
    }
}

// Nothing is ever pinned in here: readers are called by `&mut`.
impl<T, D> Unpin for FramedRead<T, D> {}

impl<T: AsyncRead, D: Decoder> FramedRead<T, D> {
    /// Waits for the next frame; `None` after the last one, then and for ever.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: what has been read stays in here.
    ///
    /// # Errors
    ///
    /// Those of the decoder and of the reader: after one of the latter, and after a fatal one of the former, comes
    /// `None`.
    #[inline]
    #[expect(
        clippy::should_implement_trait,
        reason = "as everybody calls it, and never for the iterator of std"
    )]
    pub fn next(&mut self) -> Next<'_, Self> {
        Next::new(self)
    }
}

impl<T: AsyncRead, D: Decoder> Stream for FramedRead<T, D> {
    type Item = Result<D::Item, D::Error>;

    #[inline(always)]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        this.read
            .poll_next(&mut this.io, &mut this.decoder, cx, |_, _| {
                Poll::Ready(Ok(()))
            })
    }
}

impl<T: AsyncRead, D: Decoder> FusedStream for FramedRead<T, D> {
    fn is_terminated(&self) -> bool {
        self.read.is_done()
    }
}

impl<T: fmt::Debug, D: fmt::Debug> fmt::Debug for FramedRead<T, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FramedRead")
            .field("io", &self.io)
            .field("decoder", &self.decoder)
            .field("read", &self.read)
            .finish_non_exhaustive()
    }
}
