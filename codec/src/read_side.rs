use std::{
    fmt, io,
    task::{Context, Poll, ready},
};

use bytes::BytesMut;
use io_traits::{AsyncRead, task::budget};

use crate::{Decoder, read_buffer::ReadBuffer};

/// The reading half of [`FramedRead`](crate::FramedRead) and of [`Framed`](crate::Framed).
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
    /// A frame that is buffered is by far the most frequent case, and gets by without the machine. Nor does it lie
    /// where the machine would put its own: a short one, like a `BytesMut`, stays in registers up to the loop of the
    /// task, which otherwise would wait for it to come back from memory.
    #[inline(always)]
    pub(crate) fn poll_next<T: AsyncRead, D: Decoder>(
        &mut self,
        io: &mut T,
        decoder: &mut D,
        cx: &mut Context<'_>,
        flush: impl FnOnce(&mut T, &mut Context<'_>) -> Poll<io::Result<()>>,
    ) -> Poll<Option<Result<D::Item, D::Error>>> {
        if self.state == State::Decode && budget::is_left() {
            match decoder.decode(&mut self.buf) {
                Ok(Some(frame)) => {
                    self.yielded();
                    return Poll::Ready(Some(Ok(frame)));
                }
                Ok(None) => self.state = State::Read,
                Err(error) => {
                    self.refused(&error, decoder);
                    return Poll::Ready(Some(Err(error)));
                }
            }
        }
        self.poll_machine(io, decoder, cx, flush)
            .map(Result::transpose)
    }

    #[inline(never)]
    fn poll_machine<T: AsyncRead, D: Decoder>(
        &mut self,
        io: &mut T,
        decoder: &mut D,
        cx: &mut Context<'_>,
        flush: impl FnOnce(&mut T, &mut Context<'_>) -> Poll<io::Result<()>>,
    ) -> Poll<Result<Option<D::Item>, D::Error>> {
        loop {
            // Mostly it is: only otherwise is more to be asked.
            if !budget::is_left()
                && !matches!(self.state, State::Flush | State::Done)
                && budget::poll_left(cx).is_pending()
            {
                return self.parked(flush(io, cx));
            }
            match self.state {
                State::Decode => match decoder.decode(&mut self.buf) {
                    Ok(None) => self.state = State::Read,
                    decoded => return self.hand_out(decoded, decoder),
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
                        Ok(None) => {
                            self.state = State::Flush;
                            self.buf.release_if_empty();
                        }
                        decoded => {
                            // Nothing will be added, so an error that consumed nothing would come for ever.
                            if decoded.is_err() && self.buf.len() == before {
                                self.state = State::Done;
                            }
                            return self.hand_out(decoded, decoder);
                        }
                    }
                }
                State::Flush => {
                    if let Err(error) = ready!(flush(io, cx)) {
                        return self.fails(error);
                    }
                    self.state = State::Done;
                    return Poll::Ready(Ok(None));
                }
                State::Done => return Poll::Ready(Ok(None)),
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
        self.buf.expect_anything();
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

    /// A frame or an error, that is: what is no `Ok(None)`.
    fn hand_out<D: Decoder>(
        &mut self,
        decoded: Result<Option<D::Item>, D::Error>,
        decoder: &D,
    ) -> Poll<Result<Option<D::Item>, D::Error>> {
        match &decoded {
            Ok(_) => self.yielded(),
            Err(error) => self.refused(error, decoder),
        }
        Poll::Ready(decoded)
    }

    /// A frame is about to be handed out.
    #[inline(always)]
    fn yielded(&mut self) {
        budget::spend();
        if self.buf.is_empty() {
            self.release();
        }
    }

    /// Nothing is behind the frame, over which the user may take long.
    #[inline(never)]
    fn release(&mut self) {
        self.buf.release_if_empty();
    }

    /// An error of the decoder is about to be handed out.
    #[cold]
    fn refused<D: Decoder>(&mut self, error: &D::Error, decoder: &D) {
        budget::spend();
        self.buf.release_if_empty();
        if decoder.is_fatal(error) {
            self.state = State::Done;
        }
    }

    fn fails<F, E: From<io::Error>>(&mut self, error: io::Error) -> Poll<Result<Option<F>, E>> {
        self.state = State::Done;
        self.buf.release_if_empty();
        Poll::Ready(Err(error.into()))
    }

    /// `Pending`, unless the flush before it failed.
    fn parked<F, E: From<io::Error>>(
        &mut self,
        flushed: Poll<io::Result<()>>,
    ) -> Poll<Result<Option<F>, E>> {
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
