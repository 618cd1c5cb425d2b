use std::{cell::Cell, thread::LocalKey};

use bytes::BytesMut;
use io_traits::pool::{self, Lent};

/// A place for one buffer of this thread that is about to be used again.
///
/// Behind each message a buffer is given back, and for the next it is taken: also that costs something, as
/// a buffer that is lent begins at its front again. So the last one waits here as it is, until less than half
/// of it is left behind what was consumed. Only then does it go back to the [`pool`].
pub(crate) type Spare = Cell<Option<BytesMut>>;

/// Takes the buffer that waits in `spare`, or else one from the pool. At least half of it is room.
#[inline]
pub(crate) fn take(spare: &'static LocalKey<Spare>) -> BytesMut {
    // An error: the thread is going away.
    match spare.try_with(Cell::take) {
        Ok(Some(waiting)) => waiting,
        _ => pool::take().into_inner(),
    }
}

/// Has `buf` wait in `spare` if enough room is left in it, or else go back to the pool, which takes a
/// buffer of its own and frees any other.
#[inline]
pub(crate) fn give_back(spare: &'static LocalKey<Spare>, mut buf: BytesMut) {
    // No memory at all, or, which is rare, just as much as was consumed. To see which costs more than it brings.
    if buf.capacity() == 0 {
        return;
    }
    buf.clear();
    if buf.capacity() < LEAST || buf.capacity() > pool::CAPACITY {
        return drop(Lent::from(buf));
    }
    let _ = spare.try_with(|spare| spare.set(Some(buf)));
}

/// How much room a buffer that waits has, in bytes.
const LEAST: usize = pool::CAPACITY / 2;

#[cfg(test)]
mod tests {
    use bytes::Buf;

    use super::*;

    thread_local! {
        static SPARE: Spare = const { Cell::new(None) };
    }

    #[test]
    fn a_buffer_that_is_given_back_is_taken_again_until_half_of_it_is_consumed() {
        let mut lent = take(&SPARE);
        let start = lent.as_ptr();
        lent.resize(LEAST, 7);
        lent.advance(LEAST);
        give_back(&SPARE, lent);
        let mut lent = take(&SPARE);
        assert_eq!(lent.as_ptr(), start.wrapping_add(LEAST));
        assert_eq!((lent.len(), lent.capacity()), (0, LEAST));
        lent.resize(1, 7);
        lent.advance(1);
        give_back(&SPARE, lent);
        // It has gone to the pool, and comes from there as a whole.
        let lent = take(&SPARE);
        assert_eq!((lent.as_ptr(), lent.capacity()), (start, pool::CAPACITY));
    }

    #[test]
    fn one_that_is_known_to_have_grown_does_not_wait() {
        let mut buf = pool::take().into_inner();
        buf.resize(pool::CAPACITY + 1, 7);
        give_back(&SPARE, buf);
        assert!(SPARE.take().is_none());
    }
}
