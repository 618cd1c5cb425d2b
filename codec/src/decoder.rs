use std::io;

use bytes::BytesMut;

/// Finds frames in a stream of bytes.
///
/// A decoder replaces the loop that everybody writes by hand:
///
/// ```
/// # use std::io;
/// # use bytes::{Buf, BytesMut};
/// # use io_traits::{AsyncRead, read_buf, task};
/// # fn handle(_: u32) {}
/// async fn numbers(mut stream: impl AsyncRead) -> io::Result<()> {
///     let mut buf = BytesMut::new();
///     loop {
///         // decode: take whole frames off the front of what is there
///         while buf.len() >= 4 {
///             handle(buf.get_u32());
///         }
///         // a part of a frame is left over, so read more behind it
///         if task::io(|| read_buf(&mut stream, &mut buf)).await? == 0 {
///             // decode_eof: the stream has ended, was it between two frames?
///             if !buf.is_empty() {
///                 return Err(io::ErrorKind::UnexpectedEof.into());
///             }
///             return Ok(());
///         }
///     }
/// }
/// # futures::executor::block_on(numbers(&b"\0\0\0\x01\0\0\0\x02"[..])).unwrap();
/// ```
///
/// [`FramedRead`](crate::FramedRead) and [`Framed`](crate::Framed) are that loop, as a stream. What is
/// left to write is the inner part:
///
/// ```
/// use std::io;
/// use bytes::{Buf, BytesMut};
/// use codec::{Decoder, FramedRead};
/// use futures::{executor::block_on, TryStreamExt};
///
/// struct Numbers;
///
/// impl Decoder for Numbers {
///     type Item = u32;
///     type Error = io::Error;
///
///     fn decode(&mut self, src: &mut BytesMut) -> io::Result<Option<u32>> {
///         Ok((src.len() >= 4).then(|| src.get_u32()))
///     }
/// }
///
/// let stream: &[u8] = b"\0\0\0\x01\0\0\0\x02";
/// let numbers = FramedRead::new(stream, Numbers);
/// assert_eq!(block_on(numbers.try_collect::<Vec<_>>()).unwrap(), [1, 2]);
/// ```
///
/// # Implementer notes
///
/// * Consume exactly the bytes of the frame that is returned. What stays in `src` comes back at the next
///   call with more behind it, at the same distance from the front: a position that was remembered stays
///   valid.
/// * Keep an upper limit for the length of a frame. Without one a peer fills the memory.
/// * Copying a frame out of `src` lets the memory be used again at once.
///   [`split_to`](BytesMut::split_to) copies nothing, but each frame then keeps a whole read buffer
///   (64 KiB or more) alive for as long as it lives.
/// * No `reserve` is needed before `Ok(None)`; see [`needed`](Self::needed).
pub trait Decoder {
    /// The frame.
    type Item;

    /// What can go wrong, which includes the reader's own errors.
    type Error: From<io::Error>;

    /// Takes one frame off the front of `src`.
    ///
    /// `Ok(None)` asks for more bytes. After a frame the method is called again at once, if need be with
    /// an empty `src`, until it returns `Ok(None)`; nothing is read before.
    ///
    /// # Errors
    ///
    /// What is wrong with the bytes. [`is_fatal`](Self::is_fatal) says whether the stream goes on. If it
    /// does, the bytes that were wrong must have been consumed, or the same error comes again.
    fn decode(&mut self, src: &mut BytesMut) -> Result<Option<Self::Item>, Self::Error>;

    /// Takes one frame off the front of `src` after the reader has ended.
    ///
    /// It is called until it returns `Ok(None)`, also when nothing is left, so that it can add frames of
    /// its own. The provided method calls [`decode`](Self::decode). A decoder that consumes a part of a
    /// frame before the whole is there (a header, say) knows better than `src` does whether the stream
    /// ended inside a frame, and overrides this method.
    ///
    /// # Errors
    ///
    /// The provided method: those of `decode`, and
    /// [`UnexpectedEof`](io::ErrorKind::UnexpectedEof) if bytes are left over that make no frame. An
    /// error that consumed nothing ends the stream even if it is not fatal, because nothing will ever be
    /// added.
    fn decode_eof(&mut self, src: &mut BytesMut) -> Result<Option<Self::Item>, Self::Error> {
        match self.decode(src)? {
            None if !src.is_empty() => Err(Self::Error::from(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the stream ended inside a frame",
            ))),
            frame => Ok(frame),
        }
    }

    /// Whether `error` ends the stream.
    ///
    /// After a fatal error the stream yields `None` for ever. After any other the error was one item
    /// among others, and decoding goes on with what is buffered. The provided method calls every error
    /// fatal.
    fn is_fatal(&self, error: &Self::Error) -> bool {
        let _ = error;
        true
    }

    /// How many bytes the frame under way still needs, or needs at most, where that is known; otherwise
    /// 0.
    ///
    /// A hint by which a long frame is read in few reads, is copied rarely, and gets no more memory than
    /// it takes. It may come from the peer: whatever it says, memory is reserved in steps of at most
    /// 64 KiB, or as much as has been received where that is more (twice that in the last step). Only where two
    /// frames of one length have come, of 32 to 68 KiB and with less than 4 KiB between them, the next is taken to be as
    /// long, and is read at once.
    fn needed(&self) -> usize {
        0
    }
}
