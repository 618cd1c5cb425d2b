use bytes::{Bytes, BytesMut};

use super::varint;
use crate::{Decoder, Encoder, Segments, VarintDelimitedError, item::Items};

/// Frames with a varint before them that says how long they are: streams of protobuf messages.
///
/// The varint is a number in groups of seven bits, the lowest first. It counts the bytes behind it.
/// Empty frames are frames. A length with more groups than it needs is accepted, as other
/// implementations do, and never written.
///
/// A frame is copied or not as with [`LengthDelimitedCodec`](crate::LengthDelimitedCodec), and how much
/// is announced reserves nothing.
///
/// # Errors
///
/// When decoding, each of these ends the stream, because nobody knows where the next frame begins. The
/// head stays in the buffer:
///
/// * [`FrameTooLong`](VarintDelimitedError::FrameTooLong), as soon as the length is there.
/// * [`LengthOverflow`](VarintDelimitedError::LengthOverflow): the length has more than ten bytes, or
///   more than 64 bits.
/// * [`Io`](VarintDelimitedError::Io) of the kind [`UnexpectedEof`](std::io::ErrorKind::UnexpectedEof):
///   the stream ended inside a frame or its length.
/// * [`Io`](VarintDelimitedError::Io): the reader failed.
///
/// When encoding, [`ItemTooLong`](VarintDelimitedError::ItemTooLong) concerns one item, of which nothing
/// is written.
///
/// # Examples
///
/// ```
/// use codec::{FramedWrite, VarintDelimitedCodec};
/// use futures::executor::block_on;
/// use io_traits::testing::Script;
///
/// # block_on(async {
/// let mut frames = FramedWrite::new(Script::new(), VarintDelimitedCodec::new(1024));
/// frames.feed(&b"hello"[..]).await?;
/// frames.send(vec![b'x'; 300]).await?;
/// assert!(frames.get_ref().written().starts_with(b"\x05hello\xac\x02xxx"));
/// # Ok::<(), codec::VarintDelimitedError>(()) }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct VarintDelimitedCodec {
    // INVARIANT: with the longest head before it, a frame is no longer than a buffer can be.
    max_frame_length: usize,
    items: Items,
    state: State,
}

/// ```text
///     ┌── the length is there, and in range ──▶┐
///    Head                                     Body
///     └◀──────── the frame is whole: out ──────┘
/// ```
///
/// As with [`LengthDelimitedCodec`](crate::LengthDelimitedCodec) the head stays in the buffer until the
/// frame is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The buffer begins with a head that is not complete or has not been looked at.
    Head,
    /// The frame at the front has `len` bytes behind a head of `head`; `needed` bytes were missing.
    Body {
        head: usize,
        len: usize,
        needed: usize,
    },
}

impl VarintDelimitedCodec {
    /// A codec for frames of up to `max_frame_length` bytes.
    ///
    /// The limit is one of memory, and there is no codec without one.
    pub fn new(max_frame_length: usize) -> Self {
        Self {
            max_frame_length: max_frame_length.min(isize::MAX as usize - varint::LONGEST),
            items: Items::Copied,
            state: State::Head,
        }
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

    /// The most bytes that a frame may have.
    pub fn max_frame_length(&self) -> usize {
        self.max_frame_length
    }

    /// How long the head at the front of `src` is, and the frame behind it.
    fn announced(&self, src: &[u8]) -> Result<Option<(usize, usize)>, VarintDelimitedError> {
        let number = varint::read(src).map_err(|_| VarintDelimitedError::LengthOverflow)?;
        let Some((len, head)) = number else {
            return Ok(None);
        };
        match usize::try_from(len) {
            Ok(len) if len <= self.max_frame_length => Ok(Some((head, len))),
            _ => Err(VarintDelimitedError::FrameTooLong { len }),
        }
    }

    fn put_head(&self, len: usize, dst: &mut Segments) -> Result<(), VarintDelimitedError> {
        if len > self.max_frame_length {
            return Err(VarintDelimitedError::ItemTooLong { len });
        }
        let (head, head_len) = varint::bytes_of(len as u64);
        dst.put_slice(&head[..head_len]);
        Ok(())
    }

    fn encode_owned(
        &self,
        item: impl AsRef<[u8]> + Into<Bytes>,
        dst: &mut Segments,
    ) -> Result<(), VarintDelimitedError> {
        self.put_head(item.as_ref().len(), dst)?;
        dst.push_from(item);
        Ok(())
    }
}

impl Decoder for VarintDelimitedCodec {
    type Item = BytesMut;
    type Error = VarintDelimitedError;

    fn decode(&mut self, src: &mut BytesMut) -> Result<Option<BytesMut>, VarintDelimitedError> {
        let (head, len) = match self.state {
            State::Head => match self.announced(src)? {
                Some(announced) => announced,
                None => return Ok(None),
            },
            State::Body { head, len, .. } => (head, len),
        };
        let frame = head + len;
        if src.len() < frame {
            let needed = frame - src.len();
            self.state = State::Body { head, len, needed };
            return Ok(None);
        }
        self.state = State::Head;
        Ok(Some(self.items.take(src, head, len)))
    }

    fn needed(&self) -> usize {
        match self.state {
            State::Head => 0,
            State::Body { needed, .. } => needed,
        }
    }
}

impl Encoder<Bytes> for VarintDelimitedCodec {
    type Error = VarintDelimitedError;

    fn encode(&mut self, item: Bytes, dst: &mut Segments) -> Result<(), VarintDelimitedError> {
        self.encode_owned(item, dst)
    }
}

impl Encoder<BytesMut> for VarintDelimitedCodec {
    type Error = VarintDelimitedError;

    fn encode(&mut self, item: BytesMut, dst: &mut Segments) -> Result<(), VarintDelimitedError> {
        self.encode_owned(item, dst)
    }
}

impl Encoder<Vec<u8>> for VarintDelimitedCodec {
    type Error = VarintDelimitedError;

    fn encode(&mut self, item: Vec<u8>, dst: &mut Segments) -> Result<(), VarintDelimitedError> {
        self.encode_owned(item, dst)
    }
}

impl Encoder<&[u8]> for VarintDelimitedCodec {
    type Error = VarintDelimitedError;

    fn encode(&mut self, item: &[u8], dst: &mut Segments) -> Result<(), VarintDelimitedError> {
        self.put_head(item.len(), dst)?;
        dst.put_slice(item);
        Ok(())
    }
}
