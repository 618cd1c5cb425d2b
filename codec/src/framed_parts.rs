use std::fmt;

use bytes::BytesMut;

use crate::Segments;

/// What a [`Framed`](crate::Framed) is made of, and what it can be taken apart into.
///
/// It is the way from one protocol to another in mid-stream: both buffers are kept, so no byte is lost.
///
/// # Examples
///
/// ```
/// use codec::{Framed, FramedParts, LinesCodec};
/// use futures::executor::block_on;
/// use io_traits::testing::Script;
///
/// # block_on(async {
/// let script = Script::new().gives("UPGRADE\nbinary from here");
/// let mut lines = Framed::new(script, LinesCodec::new(80));
/// assert_eq!(lines.next().await.unwrap()?, "UPGRADE");
///
/// let FramedParts { read_buf, .. } = lines.into_parts();
/// assert_eq!(read_buf, "binary from here");
/// # Ok::<(), codec::LinesError>(()) }).unwrap();
/// ```
#[non_exhaustive]
pub struct FramedParts<T, C> {
    /// The object that is read from and written to.
    pub io: T,
    /// The decoder, the encoder, or what is both.
    pub codec: C,
    /// What has been read and not been decoded.
    pub read_buf: BytesMut,
    /// What has been encoded and not been written.
    pub write_buf: Segments,
}

impl<T, C> FramedParts<T, C> {
    /// The parts of an object of which nothing has been read and to which nothing has been written.
    pub fn new(io: T, codec: C) -> Self {
        Self {
            io,
            codec,
            read_buf: BytesMut::new(),
            write_buf: Segments::new(),
        }
    }

    /// The same parts with another codec.
    pub fn map_codec<D>(self, f: impl FnOnce(C) -> D) -> FramedParts<T, D> {
        FramedParts {
            io: self.io,
            codec: f(self.codec),
            read_buf: self.read_buf,
            write_buf: self.write_buf,
        }
    }
}

impl<T: fmt::Debug, C: fmt::Debug> fmt::Debug for FramedParts<T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FramedParts")
            .field("io", &self.io)
            .field("codec", &self.codec)
            .field("read_bytes", &self.read_buf.len())
            .field("write_buf", &self.write_buf)
            .finish()
    }
}
