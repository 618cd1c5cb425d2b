//! Memory for long frames that come one behind the other.
//!
//! To allocate and free as much for each of them costs more than to read it, where the allocator gives it to the system
//! in between. So a buffer is kept when all of it is consumed, and used again when its items are gone.

use std::cell::RefCell;

use bytes::BytesMut;

use super::{LEAST_ROOM, expected::LONGEST_AGAIN};

/// An empty buffer with `room`, of not more than `longest` bytes: one that was given back, if nobody refers to its memory
/// any more. A longer one would not be worth its items, nor a rest that waits in it.
pub(super) fn take(room: usize, longest: usize) -> BytesMut {
    let used = USED.try_with(|used| {
        let mut used = used.borrow_mut();
        let free = used
            .iter_mut()
            .position(|buf| buf.try_reclaim(room) && !buf.try_reclaim(longest + 1))?;
        Some(used.remove(free))
    });
    used.ok()
        .flatten()
        .unwrap_or_else(|| BytesMut::with_capacity(room))
}

/// Keeps a buffer, of which items may still refer to the memory, in the place of the one that has been here for longest.
pub(super) fn give_back(mut buf: BytesMut) {
    buf.clear();
    // Its decoder may have had it grow.
    if buf.try_reclaim(LONGEST + 1) {
        return;
    }
    // An error: the thread is going away, and its buffers have gone before.
    let _ = USED.try_with(|used| {
        let mut used = used.borrow_mut();
        if used.len() == BUFFERS {
            drop(used.remove(0));
        }
        used.push(buf);
    });
}

/// Bytes of the longest buffer: for the frame under way, the next, and a little before and behind them.
pub(super) const LONGEST: usize = 2 * (LONGEST_AGAIN + LEAST_ROOM);

/// How many buffers a thread keeps. While the items of one wait to be written, the next are read into another.
const BUFFERS: usize = 2;

thread_local! {
    static USED: RefCell<Vec<BytesMut>> = const { RefCell::new(Vec::new()) };
}

#[cfg(test)]
mod tests {
    use bytes::Buf;

    use super::*;

    #[test]
    fn a_buffer_is_used_again_when_its_items_are_gone() {
        let mut buf = take(100_000, LONGEST);
        let address = buf.as_ptr();
        buf.resize(100_000, 7);
        let item = buf.split_to(100_000);
        give_back(buf);
        let other = take(100_000, LONGEST);
        assert_ne!(other.as_ptr(), address);
        drop(item);
        give_back(other);
        let (first, second) = (take(100_000, LONGEST), take(100_000, LONGEST));
        assert!([first.as_ptr(), second.as_ptr()].contains(&address));
        assert_eq!((first.len(), second.len()), (0, 0));
    }

    #[test]
    fn no_more_are_kept_than_are_of_use_and_none_that_has_grown() {
        let bufs: Vec<_> = (0..BUFFERS + 1).map(|_| take(100_000, LONGEST)).collect();
        bufs.into_iter().for_each(give_back);
        for consumed in [0, LONGEST + 1] {
            let mut grown = BytesMut::with_capacity(LONGEST + 1);
            grown.resize(LONGEST + 1, 7);
            grown.advance(consumed);
            give_back(grown);
        }
        assert_eq!(take(100_000, 99_999).capacity(), 100_000);
        let kept: Vec<_> = USED.take().iter().map(BytesMut::capacity).collect();
        assert_eq!(kept, [100_000; BUFFERS]);
    }
}
