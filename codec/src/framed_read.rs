use std::{
    fmt, io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::BytesMut;
use futures::{Stream, stream::FusedStream};
use io_traits::{AsyncRead, task::budget};

use crate::{Decoder, FramedParts, Segments, read_buffer::ReadBuffer};

/// The frames of a reader, as a stream.
///
/// It holds no memory while it waits between two frames, and yields to other tasks when the
/// [`budget`] of its task is used up, one unit for each frame and each read.
///
/// After a fatal error of the decoder or an error of the reader comes that error, then `None` for
/// ever. An error that is [not fatal](Decoder::is_fatal) is an item like any other. `None` comes after
/// the end of the reader and stays, even if the reader has more later: take the stream apart
/// with [`into_parts`](Self::into_parts) to go on.
///
/// # Cancel safety
///
/// Dropping a future of [`next`](futures::StreamExt::next) loses nothing: what has been read stays in
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

impl<T: AsyncRead, D: Decoder> Stream for FramedRead<T, D> {
    type Item = Result<D::Item, D::Error>;

    #[inline]
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

/// The reading half of [`FramedRead`] and of [`Framed`](crate::Framed).
pub(crate) struct ReadSide {
    state: State,
    buf: ReadBuffer,
}

/// ```text
///                 ┌──────── bytes ────────┐
///                 ▼                       │
///   bytes ────▶ Decode ── needs more ──▶ Read ◀──── no bytes
///   at first     │  ▲                    │ │        at first
///                └──┘                    │ └── error ──────────────▶ Done
///              frame, error             end                           ▲
///                                        ▼                            │
///                              ┌───── Finish ── None ──▶ Flush ───────┤
///                              └────────▲               flushed,      │
///                           frame, error                error         │
///                                                                     │
///   a fatal error in Decode or Finish, and an error of the ───────────┘
///   flush before parking
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The buffer may hold a whole frame.
    Decode,
    /// The decoder has asked for more.
    Read,
    /// The reader has ended, and the decoder may still have frames.
    Finish,
    /// All frames are out; what was fed is to be flushed before the end is told.
    Flush,
    /// Nothing comes any more.
    Done,
}

impl ReadSide {
    pub(crate) fn new(buf: BytesMut) -> Self {
        Self {
            state: if buf.is_empty() {
                State::Read
            } else {
                State::Decode
            },
            buf: ReadBuffer::new(buf),
        }
    }

    /// One frame of `io`. Before it is `Pending` and before the end is told, `flush` is called.
    ///
    /// A frame that is buffered is by far the most frequent case, and gets by without the machine.
    #[inline]
    pub(crate) fn poll_next<T: AsyncRead, D: Decoder>(
        &mut self,
        io: &mut T,
        decoder: &mut D,
        cx: &mut Context<'_>,
        flush: impl FnOnce(&mut T, &mut Context<'_>) -> Poll<io::Result<()>>,
    ) -> Poll<Option<Result<D::Item, D::Error>>> {
        if self.state == State::Decode {
            if budget::poll_left(cx).is_pending() {
                return self.parked(flush(io, cx));
            }
            match decoder.decode(&mut self.buf) {
                Ok(Some(frame)) => return self.yields(frame),
                Ok(None) => self.state = State::Read,
                Err(error) => return self.refuses(error, decoder),
            }
        }
        self.poll_machine(io, decoder, cx, flush)
    }

    #[inline(never)]
    fn poll_machine<T: AsyncRead, D: Decoder>(
        &mut self,
        io: &mut T,
        decoder: &mut D,
        cx: &mut Context<'_>,
        flush: impl FnOnce(&mut T, &mut Context<'_>) -> Poll<io::Result<()>>,
    ) -> Poll<Option<Result<D::Item, D::Error>>> {
        loop {
            let is_ending = matches!(self.state, State::Flush | State::Done);
            if !is_ending && budget::poll_left(cx).is_pending() {
                return self.parked(flush(io, cx));
            }
            match self.state {
                State::Decode => match decoder.decode(&mut self.buf) {
                    Ok(Some(frame)) => return self.yields(frame),
                    Ok(None) => self.state = State::Read,
                    Err(error) => return self.refuses(error, decoder),
                },
                State::Read => match self.buf.poll_fill(io, cx, decoder.needed()) {
                    Poll::Ready(Ok(0)) => self.state = State::Finish,
                    Poll::Ready(Ok(_)) => {
                        budget::spend();
                        self.state = State::Decode;
                    }
                    Poll::Ready(Err(error)) => return self.fails(error),
                    Poll::Pending => return self.parked(flush(io, cx)),
                },
                State::Finish => {
                    let before = self.buf.len();
                    match decoder.decode_eof(&mut self.buf) {
                        Ok(Some(frame)) => return self.yields(frame),
                        Ok(None) => {
                            self.state = State::Flush;
                            self.buf.release_if_empty();
                        }
                        Err(error) => {
                            // Nothing will be added, so one that consumed nothing would come for ever.
                            if self.buf.len() == before {
                                self.state = State::Done;
                            }
                            return self.refuses(error, decoder);
                        }
                    }
                }
                State::Flush => {
                    if let Err(error) = ready!(flush(io, cx)) {
                        return self.fails(error);
                    }
                    self.state = State::Done;
                    return Poll::Ready(None);
                }
                State::Done => return Poll::Ready(None),
            }
        }
    }

    /// Has buffered bytes looked at again, by a decoder that may have changed.
    pub(crate) fn ask_again(&mut self) {
        if self.state == State::Read && !self.buf.is_empty() {
            self.state = State::Decode;
        }
    }

    pub(crate) fn with_another_decoder(mut self) -> Self {
        self.ask_again();
        self
    }

    pub(crate) fn into_buffer(self) -> BytesMut {
        self.buf.into_inner()
    }

    pub(crate) fn buffer(&self) -> &BytesMut {
        &self.buf
    }

    pub(crate) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    #[inline]
    fn yields<F, E>(&mut self, frame: F) -> Poll<Option<Result<F, E>>> {
        budget::spend();
        // The user may take long over the item.
        self.buf.release_if_empty();
        Poll::Ready(Some(Ok(frame)))
    }

    #[cold]
    fn refuses<D: Decoder>(
        &mut self,
        error: D::Error,
        decoder: &D,
    ) -> Poll<Option<Result<D::Item, D::Error>>> {
        budget::spend();
        self.buf.release_if_empty();
        if decoder.is_fatal(&error) {
            self.state = State::Done;
        }
        Poll::Ready(Some(Err(error)))
    }

    fn fails<F, E: From<io::Error>>(&mut self, error: io::Error) -> Poll<Option<Result<F, E>>> {
        self.state = State::Done;
        self.buf.release_if_empty();
        Poll::Ready(Some(Err(error.into())))
    }

    /// `Pending`, unless the flush before it failed.
    fn parked<F, E: From<io::Error>>(
        &mut self,
        flushed: Poll<io::Result<()>>,
    ) -> Poll<Option<Result<F, E>>> {
        match flushed {
            Poll::Ready(Err(error)) => self.fails(error),
            Poll::Ready(Ok(())) | Poll::Pending => Poll::Pending,
        }
    }
}

impl fmt::Debug for ReadSide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadSide")
            .field("state", &self.state)
            .field("buffered", &self.buf.len())
            .finish()
    }
}
