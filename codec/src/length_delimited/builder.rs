use super::layout::{Layout, Order};
use crate::{LengthDelimitedBuildError, LengthDelimitedCodec};

/// The options of a [`LengthDelimitedCodec`].
///
/// A frame is a head, of which a few bytes say how long the frame is, and what comes behind it. The
/// *item* is the part of the frame that is decoded and encoded: all but its first `num_skip` bytes.
///
/// ```text
///   │◀─ offset ─▶│◀─ field ─▶│            │◀── and so on ──▶│
///   ├────────────┴───────────┴────────────┴─────────────────┤   the frame
///   │◀──────────── num_skip ─────────────▶│◀───── item ────▶│   behind the field, or
///   │◀num_skip▶│◀───────────────── item ───────────────────▶│   before it, but not inside
/// ```
///
/// **The field holds the length of the item less the adjustment**, in both directions. So the adjustment
/// follows from what a protocol counts:
///
/// | the field counts | adjustment |
/// |---|---|
/// | the item | 0 |
/// | the whole frame | −`num_skip` |
/// | what is behind the field | offset + length of the field − `num_skip` |
///
/// (Netty's adjustment is 0 in the last row: add the term to take it over.)
///
/// The maximum, too, is one of the item, in both directions. It is never more than the field can
/// express and the memory can hold.
///
/// # What the encoder writes
///
/// * The bytes that the decoder skips are zeros, apart from the field. A protocol with more than a length
///   in its head keeps the head in the item: `num_skip(0)`.
/// * If the field is a part of the item, the item has room for it, and what stands there is overwritten.
///   Nobody need compute it, and what was decoded can be encoded again, also after it has become longer.
///
/// So what was encoded decodes to the same item, with the field filled in; and what was decoded encodes to the
/// same frame, if the skipped bytes were zeros.
///
/// # Examples
///
/// ```
/// use bytes::{Buf, Bytes, BytesMut};
/// use codec::{Decoder, Encoder, LengthDelimitedBuilder, LengthDelimitedCodec, Segments};
///
/// /// `frame` decodes to `item`, and `item` encodes to `frame`.
/// fn check(options: LengthDelimitedBuilder, frame: &'static [u8], item: &'static [u8]) {
///     let mut codec = options.build().unwrap();
///     assert_eq!(codec.decode(&mut frame.into()).unwrap().unwrap(), item);
///     let mut queue = Segments::new();
///     codec.encode(item, &mut queue).unwrap();
///     assert_eq!(queue.chunk(), frame);
/// }
/// let options = || LengthDelimitedCodec::builder(1024);
///
/// // Two bytes count the item: DNS over TCP.
/// check(options().length_field_length(2), b"\x00\x05hello", b"hello");
///
/// // They count themselves, too.
/// check(
///     options().length_field_length(2).length_adjustment(-2),
///     b"\x00\x07hello",
///     b"hello",
/// );
///
/// // The item holds the head. Three bytes count what is behind a head of nine: HTTP/2.
/// check(
///     options().length_field_length(3).num_skip(0).length_adjustment(9),
///     b"\x00\x00\x08\x06\x00\x00\x00\x00\x00pingpong",
///     b"\x00\x00\x08\x06\x00\x00\x00\x00\x00pingpong",
/// );
///
/// // One byte for the type, then four that count themselves and the rest: PostgreSQL.
/// check(
///     options().length_field_offset(1).num_skip(0).length_adjustment(1),
///     b"Q\x00\x00\x00\x0dSELECT 1\0",
///     b"Q\x00\x00\x00\x0dSELECT 1\0",
/// );
///
/// // Three bytes, the lowest first, count what is behind a head of four: MySQL. The fourth byte is
/// // skipped when decoding, and 0 when encoding.
/// check(
///     options().little_endian().length_field_length(3).num_skip(4),
///     b"\x05\x00\x00\x00hello",
///     b"hello",
/// );
/// ```
#[derive(Debug, Clone)]
#[must_use = "options are nothing until they are built"]
pub struct LengthDelimitedBuilder {
    max_frame_length: usize,
    order: Order,
    field_offset: usize,
    field_length: usize,
    adjustment: i64,
    num_skip: Option<usize>,
}

impl LengthDelimitedBuilder {
    pub(super) fn new(max_frame_length: usize) -> Self {
        Self {
            max_frame_length,
            order: Order::Big,
            field_offset: 0,
            field_length: 4,
            adjustment: 0,
            num_skip: None,
        }
    }

    /// The highest byte of the field comes first, if nothing else is said.
    pub fn big_endian(mut self) -> Self {
        self.order = Order::Big;
        self
    }

    /// The lowest byte of the field comes first.
    pub fn little_endian(mut self) -> Self {
        self.order = Order::Little;
        self
    }

    /// The bytes of the field come in the order of this machine.
    pub fn native_endian(mut self) -> Self {
        self.order = Order::NATIVE;
        self
    }

    /// How many bytes the field has: 1 to 8, and 4 if nothing is said.
    pub fn length_field_length(mut self, bytes: usize) -> Self {
        self.field_length = bytes;
        self
    }

    /// How many bytes of the frame come before the field: 0 if nothing is said.
    pub fn length_field_offset(mut self, bytes: usize) -> Self {
        self.field_offset = bytes;
        self
    }

    /// How many bytes longer the item is than the field says: 0 if nothing is said.
    ///
    /// The decoder adds it to what stands in the field, the encoder subtracts it from the length of the
    /// item.
    pub fn length_adjustment(mut self, bytes: i64) -> Self {
        self.adjustment = bytes;
        self
    }

    /// How many bytes of the frame come before the item: all up to the end of the field if nothing is
    /// said.
    ///
    /// It changes which bytes the item has, and so what the adjustment must be; see
    /// [`LengthDelimitedBuilder`](Self).
    pub fn num_skip(mut self, bytes: usize) -> Self {
        self.num_skip = Some(bytes);
        self
    }

    /// Makes a codec with these options.
    ///
    /// # Errors
    ///
    /// * [`FieldLength`](LengthDelimitedBuildError::FieldLength): the field does not have 1 to 8 bytes.
    /// * [`SkipInsideField`](LengthDelimitedBuildError::SkipInsideField): the item would begin inside
    ///   the field, behind its first byte and before its end.
    /// * [`HeadTooLong`](LengthDelimitedBuildError::HeadTooLong): the field ends, or the item begins,
    ///   beyond `isize::MAX` bytes, or the field begins beyond `u32::MAX`.
    /// * [`NoFrameFits`](LengthDelimitedBuildError::NoFrameFits): the shortest item that is possible is
    ///   longer than the maximum, or than what the field can express. An item has at least as many bytes
    ///   as the adjustment, because no field is negative, and reaches the end of the field.
    pub fn build(self) -> Result<LengthDelimitedCodec, LengthDelimitedBuildError> {
        let layout = Layout::new(
            self.order,
            self.field_offset,
            self.field_length,
            self.adjustment,
            self.num_skip,
        )?;
        if self.max_frame_length < layout.least() {
            return Err(LengthDelimitedBuildError::NoFrameFits);
        }
        Ok(LengthDelimitedCodec::from_layout(
            layout,
            self.max_frame_length,
        ))
    }
}
