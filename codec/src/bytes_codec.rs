use std::io;

use bytes::{Bytes, BytesMut};

use crate::{Decoder, Encoder, Segments, item};

/// Bytes as they come, in pieces that mean nothing.
///
/// What has been read is an item, never an empty one and never longer than one read: 64 KiB, or what
/// another codec or [`FramedParts`](crate::FramedParts) have left in the buffer. So no maximum is needed. An
/// item below 32 KiB is a copy in memory of its length, so that it may be kept for long; a longer one
/// is the memory that was read into.
///
/// What is encoded is written as it is, and from 4 KiB on not copied.
///
/// # Errors
///
/// Only those of the reader and the writer. There is no frame in which the stream could end.
///
/// # Examples
///
/// ```
/// use codec::{BytesCodec, FramedRead};
/// use futures::{executor::block_on, TryStreamExt};
/// use io_traits::testing::Script;
///
/// let reader = Script::new().gives("hel").would_block().gives("lo");
/// let pieces = FramedRead::new(reader, BytesCodec::new());
/// let pieces: Vec<_> = block_on(pieces.try_collect()).unwrap();
/// assert_eq!(pieces, ["hel", "lo"]);
/// ```
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct BytesCodec;

impl BytesCodec {
    /// A codec for all bytes.
    pub fn new() -> Self {
        Self
    }
}

impl Decoder for BytesCodec {
    type Item = BytesMut;
    type Error = io::Error;

    fn decode(&mut self, src: &mut BytesMut) -> io::Result<Option<BytesMut>> {
        let len = src.len();
        Ok((len > 0).then(|| item::take(src, 0, len)))
    }
}

impl Encoder<Bytes> for BytesCodec {
    type Error = io::Error;

    fn encode(&mut self, item: Bytes, dst: &mut Segments) -> io::Result<()> {
        dst.push(item);
        Ok(())
    }
}

impl Encoder<BytesMut> for BytesCodec {
    type Error = io::Error;

    fn encode(&mut self, item: BytesMut, dst: &mut Segments) -> io::Result<()> {
        dst.push_from(item);
        Ok(())
    }
}

impl Encoder<Vec<u8>> for BytesCodec {
    type Error = io::Error;

    fn encode(&mut self, item: Vec<u8>, dst: &mut Segments) -> io::Result<()> {
        dst.push_from(item);
        Ok(())
    }
}

impl Encoder<&[u8]> for BytesCodec {
    type Error = io::Error;

    fn encode(&mut self, item: &[u8], dst: &mut Segments) -> io::Result<()> {
        dst.put_slice(item);
        Ok(())
    }
}
