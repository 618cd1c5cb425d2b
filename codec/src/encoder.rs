use std::io;

use crate::Segments;

/// Turns frames into bytes.
///
/// # Implementer notes
///
/// * Append to `dst`; what is in it already are earlier frames that wait to be written. Small things go
///   in by [`put_slice`](Segments::put_slice) or [`buf`](Segments::buf), a payload that is a `Bytes`
///   by [`push`](Segments::push), which does not copy it if it is large.
/// * Nothing need be undone before an error is returned: [`FramedWrite`](crate::FramedWrite) and
///   [`Framed`](crate::Framed) take back what the call has appended.
///
/// # Examples
///
/// ```
/// use std::io;
/// use bytes::{BufMut, Bytes};
/// use codec::{Encoder, Segments};
///
/// /// A length of 4 bytes, then as many bytes.
/// struct Blobs;
///
/// impl Encoder<Bytes> for Blobs {
///     type Error = io::Error;
///
///     fn encode(&mut self, blob: Bytes, dst: &mut Segments) -> io::Result<()> {
///         let len = u32::try_from(blob.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
///         dst.buf().put_u32(len);
///         dst.push(blob);
///         Ok(())
///     }
/// }
///
/// let mut queue = Segments::new();
/// Blobs.encode(Bytes::from_static(b"hello"), &mut queue).unwrap();
/// assert_eq!(queue.len(), 4 + 5);
/// ```
pub trait Encoder<Item> {
    /// What can go wrong, which includes the writer's own errors.
    type Error: From<io::Error>;

    /// Appends the bytes of `item` to `dst`.
    ///
    /// # Errors
    ///
    /// What is wrong with `item`. Nothing of it is written then, and the frames before it are.
    fn encode(&mut self, item: Item, dst: &mut Segments) -> Result<(), Self::Error>;
}
