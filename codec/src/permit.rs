use std::fmt;

use crate::{Encoder, write_side::WriteSide};

/// Room for one frame, taken before there is a frame.
///
/// [`Framed::reserve`](crate::Framed::reserve) and [`FramedWrite::reserve`](crate::FramedWrite::reserve)
/// wait for it. What follows does not wait, so nothing can be cancelled between the moment at which a
/// frame is taken from where it is kept and the moment at which it is queued. With
/// [`send`](crate::Framed::send) the frame is inside of the future that waits, and is lost with it.
///
/// A permit that is dropped gives the room back.
///
/// # Examples
///
/// A frame is taken out of its queue only when there is room for it:
///
/// ```
/// use std::collections::VecDeque;
/// use codec::{FramedWrite, LinesCodec};
/// use futures::executor::block_on;
/// use io_traits::testing::Script;
///
/// # block_on(async {
/// let mut waiting = VecDeque::from(["one", "two"]);
/// let mut lines = FramedWrite::new(Script::new(), LinesCodec::new(80));
/// while !waiting.is_empty() {
///     // To be cancelled here loses nothing.
///     let permit = lines.reserve().await?;
///     if let Some(line) = waiting.pop_front() {
///         permit.feed(line)?;
///     }
/// }
/// lines.flush().await?;
/// assert_eq!(lines.get_ref().written(), b"one\ntwo\n");
/// # Ok::<(), codec::LinesError>(()) }).unwrap();
/// ```
#[must_use = "the room is given back if no frame is fed"]
pub struct Permit<'a, E> {
    encoder: &'a mut E,
    write: &'a mut WriteSide,
}

impl<'a, E> Permit<'a, E> {
    pub(crate) fn new(encoder: &'a mut E, write: &'a mut WriteSide) -> Self {
        Self { encoder, write }
    }

    /// Queues a frame, without waiting. It is written by the next flush.
    ///
    /// # Errors
    ///
    /// Those of the encoder; nothing of the frame is queued then.
    pub fn feed<I>(self, item: I) -> Result<(), E::Error>
    where
        E: Encoder<I>,
    {
        self.write.start_send(self.encoder, item)
    }
}

impl<E: fmt::Debug> fmt::Debug for Permit<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit")
            .field("encoder", &self.encoder)
            .field("queue", self.write.queue())
            .finish()
    }
}
