use bytes::{Bytes, BytesMut};

use super::{layout::Layout, span::Span};
use crate::{
    Decoder, Encoder, LengthDelimitedBuilder, LengthDelimitedError, Segments,
    item::{self, Items},
};

/// Frames that say in their head how long they are.
///
/// [`new`](Self::new) is for the plain ones: 4 bytes, big endian, that count the bytes behind them. For
/// all others see [`LengthDelimitedBuilder`]. Empty frames are frames.
///
/// Both directions have the same maximum and the same minimum, so a codec decodes whatever one with the
/// same options has encoded. An item below 32 KiB is decoded to a copy in memory of its length, so that
/// it may be kept for long; a longer one is the memory that was read into, as long as it is at least two
/// fifths of it. An encoded item of 4 KiB or more, a slice excepted, is not copied. How much is announced
/// reserves nothing: memory grows with what has come, and only for a frame as long as the two before it, 68 KiB
/// at most, it is there at once.
///
/// # Errors
///
/// When decoding, each of these ends the stream, because nobody knows where the next frame begins. The
/// head stays in the buffer:
///
/// * [`FrameTooLong`](LengthDelimitedError::FrameTooLong), as soon as the length is there.
/// * [`FrameTooShort`](LengthDelimitedError::FrameTooShort): the item would be shorter than nothing, or
///   would end inside the part of the head that belongs to it.
/// * [`Io`](LengthDelimitedError::Io) of the kind [`UnexpectedEof`](std::io::ErrorKind::UnexpectedEof):
///   the stream ended inside a frame, be it right behind the head.
/// * [`Io`](LengthDelimitedError::Io): the reader failed.
///
/// When encoding, [`ItemTooLong`](LengthDelimitedError::ItemTooLong) and
/// [`ItemTooShort`](LengthDelimitedError::ItemTooShort) concern one item, of which nothing is written.
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use codec::{Framed, LengthDelimitedCodec};
/// use futures::executor::block_on;
/// use io_traits::testing::Script;
///
/// # block_on(async {
/// let peer = Script::new().gives(b"\0\0\0\x05hel").would_block().gives(b"lo");
/// let mut frames = Framed::new(peer, LengthDelimitedCodec::new(1024));
/// assert_eq!(frames.next().await.unwrap()?, "hello");
///
/// frames.send(Bytes::from("bye")).await?;
/// assert_eq!(frames.get_ref().written(), b"\0\0\0\x03bye");
/// # Ok::<(), codec::LengthDelimitedError>(()) }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct LengthDelimitedCodec {
    // INVARIANT: at most the most that the layout can carry.
    max_frame_length: usize,
    /// What the field may hold for items of up to the maximum.
    fields: Span,
    /// The lengths of items that are copied behind a head which is nothing but the field.
    short: Span,
    layout: Layout,
    items: Items,
    state: State,
}

/// ```text
///     ┌── the length is there, and in range ──▶┐
///    Head                                     Body
///     └◀──────── the frame is whole: out ──────┘
/// ```
///
/// The whole frame is in the buffer until it is complete, its head included. Thus nothing but an empty
/// buffer is a place between two frames, and a codec put in the place of this one sees whole frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The buffer begins with a head that has not been looked at.
    Head,
    /// The item of the frame at the front has `len` bytes, which the maximum allowed when its head was
    /// there; `needed` bytes of the frame were missing.
    Body { len: usize, needed: usize },
}

impl LengthDelimitedCodec {
    /// A codec for frames of a length, 4 bytes big endian, and as many bytes, up to `max_frame_length`.
    ///
    /// The limit is one of memory, and there is no codec without one: a peer may announce 4 GiB and
    /// send them.
    pub fn new(max_frame_length: usize) -> Self {
        Self::builder(max_frame_length)
            .build()
            .expect("an empty frame fits every maximum")
    }

    /// Options for other frames, whose items have up to `max_frame_length` bytes.
    pub fn builder(max_frame_length: usize) -> LengthDelimitedBuilder {
        LengthDelimitedBuilder::new(max_frame_length)
    }

    pub(super) fn from_layout(layout: Layout, max_frame_length: usize) -> Self {
        let mut codec = Self {
            max_frame_length: 0,
            fields: Span::EMPTY,
            short: Span::EMPTY,
            layout,
            items: Items::Copied,
            state: State::Head,
        };
        codec.set_max_frame_length(max_frame_length);
        codec
    }

    /// Sets the most bytes that an item may have.
    ///
    /// When decoding, it applies from the next frame: one whose head has been decoded, while the rest
    /// of it had not come yet, is let through.
    ///
    /// More than the length field can express is taken to be that; see
    /// [`max_frame_length`](Self::max_frame_length). Less than the shortest item that the options allow
    /// refuses every frame.
    pub fn set_max_frame_length(&mut self, bytes: usize) {
        self.max_frame_length = bytes.min(self.layout.most());
        self.fields = self.layout.fields(self.max_frame_length);
        let short = self.max_frame_length.min(Segments::LONGEST_COPY);
        self.short = self.layout.plain_items(short);
    }

    /// Has items be parts of the memory that was read into, and not copies.
    ///
    /// This saves an allocation and a copy of each. The price is that an item, however short, keeps a
    /// whole read buffer alive, of 64 KiB or more, for as long as it lives itself. So this is for those who
    /// hand on or drop their items at once, and not for those who store them.
    #[must_use]
    pub fn with_shared_items(mut self) -> Self {
        self.items = Items::Shared;
        self
    }

    /// The most bytes that an item may have.
    ///
    /// It is what was set, unless the length field can express, or the memory hold, only less: with a
    /// field of one byte and no adjustment it is never more than 255.
    pub fn max_frame_length(&self) -> usize {
        self.max_frame_length
    }

    /// The result is another one than that of `decode`, so that the two do not share memory: what is decoded there
    /// stays in registers.
    #[inline(never)]
    fn decode_any(&mut self, src: &mut BytesMut) -> Option<Result<BytesMut, LengthDelimitedError>> {
        let len = match self.state {
            State::Head => match self.layout.field(src) {
                Some(field) if self.fields.contains(field) => self.layout.item_length(field),
                Some(field) => return Some(Err(self.layout.error_of(field))),
                None => return None,
            },
            State::Body { len, .. } => len,
        };
        let frame = self.layout.num_skip() + len;
        if src.len() < frame {
            let needed = frame - src.len();
            self.state = State::Body { len, needed };
            return None;
        }
        self.state = State::Head;
        Some(Ok(self.items.take(src, self.layout.num_skip(), len)))
    }

    /// A plain and short frame is by far the most frequent case.
    #[inline]
    fn encode_owned(
        &self,
        item: impl AsRef<[u8]> + Into<Bytes>,
        dst: &mut Segments,
    ) -> Result<(), LengthDelimitedError> {
        if self.encode_short(item.as_ref(), dst) {
            return Ok(());
        }
        self.encode_any(item, dst)
    }

    /// False if it is another one, of which nothing is written.
    #[inline]
    fn encode_short(&self, bytes: &[u8], dst: &mut Segments) -> bool {
        let is_short = self.short.contains(bytes.len() as u64);
        if is_short {
            let head = self.layout.head_of(bytes.len());
            dst.put_with_head(head, self.layout.num_skip(), bytes);
        }
        is_short
    }

    #[inline(never)]
    fn encode_any(
        &self,
        item: impl AsRef<[u8]> + Into<Bytes>,
        dst: &mut Segments,
    ) -> Result<(), LengthDelimitedError> {
        let bytes = item.as_ref();
        let field = self.layout.field_of(bytes.len(), self.max_frame_length)?;
        let in_head = self.layout.put_head(bytes, field, dst);
        dst.push_tail_of(item, in_head);
        Ok(())
    }
}

impl Decoder for LengthDelimitedCodec {
    type Item = BytesMut;
    type Error = LengthDelimitedError;

    // A whole frame is by far the most frequent case.
    #[inline(always)]
    fn decode(&mut self, src: &mut BytesMut) -> Result<Option<BytesMut>, LengthDelimitedError> {
        // In every state the front of the buffer is the head.
        if let Some(field) = self.layout.field_of_many(src)
            && self.fields.contains(field)
        {
            // No overflow: a layout allows no length for which this would be longer than any buffer.
            let len = self.layout.item_length(field);
            let skipped = self.layout.num_skip();
            if src.len() >= skipped + len {
                self.state = State::Head;
                return match self.items {
                    Items::Shared => Ok(Some(item::split(src, skipped, len))),
                    Items::Copied => Ok(Some(item::take(src, skipped, len))),
                };
            }
        }
        if src.is_empty() {
            return Ok(None);
        }
        self.decode_any(src).transpose()
    }

    #[inline]
    fn needed(&self) -> usize {
        match self.state {
            State::Head => 0,
            State::Body { needed, .. } => needed,
        }
    }
}

impl Encoder<Bytes> for LengthDelimitedCodec {
    type Error = LengthDelimitedError;

    #[inline]
    fn encode(&mut self, item: Bytes, dst: &mut Segments) -> Result<(), LengthDelimitedError> {
        self.encode_owned(item, dst)
    }
}

impl Encoder<BytesMut> for LengthDelimitedCodec {
    type Error = LengthDelimitedError;

    #[inline]
    fn encode(&mut self, item: BytesMut, dst: &mut Segments) -> Result<(), LengthDelimitedError> {
        self.encode_owned(item, dst)
    }
}

impl Encoder<Vec<u8>> for LengthDelimitedCodec {
    type Error = LengthDelimitedError;

    #[inline]
    fn encode(&mut self, item: Vec<u8>, dst: &mut Segments) -> Result<(), LengthDelimitedError> {
        self.encode_owned(item, dst)
    }
}

impl Encoder<&[u8]> for LengthDelimitedCodec {
    type Error = LengthDelimitedError;

    #[inline]
    fn encode(&mut self, item: &[u8], dst: &mut Segments) -> Result<(), LengthDelimitedError> {
        if self.encode_short(item, dst) {
            return Ok(());
        }
        let field = self.layout.field_of(item.len(), self.max_frame_length)?;
        let in_head = self.layout.put_head(item, field, dst);
        dst.put_slice(&item[in_head..]);
        Ok(())
    }
}
