use bytes::{Buf, BytesMut};
use io_traits::pool;

/// Whose memory the items of a decoder are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Items {
    /// Their own, for somebody who may keep them for long; see [`take`].
    #[default]
    Copied,
    /// The buffer's, which lives as long as one of them does.
    Shared,
}

impl Items {
    /// Takes the `len` bytes behind the first `skipped` out of `src`, and those before them away.
    ///
    /// # Panics
    ///
    /// If fewer bytes are there.
    #[inline]
    pub(crate) fn take(self, src: &mut BytesMut, skipped: usize, len: usize) -> BytesMut {
        match self {
            Self::Shared => split(src, skipped, len),
            Self::Copied => take(src, skipped, len),
        }
    }
}

/// Takes the `len` bytes behind the first `skipped` out of `src`, for somebody who may keep them for long,
/// and those before them away.
///
/// A copy leaves the buffer to the next read, and costs one allocation of just `len` bytes. Only what is
/// long, and at least two fifths of the memory that it would keep alive as far as that can be seen (bytes that
/// were consumed before it cannot), is split off and not copied. So are two long ones that were read together, with
/// what lies between them.
///
/// # Panics
///
/// If fewer bytes are there.
#[inline(never)]
pub(crate) fn take(src: &mut BytesMut, skipped: usize, len: usize) -> BytesMut {
    let keeps_little = len >= SPLIT_FROM && len >= (src.capacity() - skipped) / 5 * 2;
    if keeps_little {
        return split(src, skipped, len);
    }
    let item = BytesMut::from(&src[skipped..skipped + len]);
    src.advance(skipped + len);
    item
}

/// As [`take`], without a copy.
#[inline]
pub(crate) fn split(src: &mut BytesMut, skipped: usize, len: usize) -> BytesMut {
    let mut item = src.split_to(skipped + len);
    item.advance(skipped);
    item
}

/// From how many bytes on an item may be split off. One that leaves a lent buffer is at least half of it then.
const SPLIT_FROM: usize = pool::CAPACITY / 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_item_is_a_copy_and_leaves_the_buffer_whole() {
        for len in [0, 1, 64, SPLIT_FROM - 1] {
            let mut src = pool::take();
            src.resize(SPLIT_FROM, 7);
            let item = take(&mut src, 0, len);
            assert_eq!((item.len(), item.capacity()), (len, len));
            assert_eq!(src.len(), SPLIT_FROM - len);
            src.clear();
            assert!(src.try_reclaim(pool::CAPACITY));
        }
    }

    #[test]
    fn a_short_item_at_the_end_of_a_buffer_does_not_keep_the_buffer_alive() {
        let mut src = pool::take();
        src.resize(pool::CAPACITY, 7);
        src.advance(pool::CAPACITY - 10);
        let item = take(&mut src, 0, 10);
        assert!(src.try_reclaim(pool::CAPACITY));
        assert_eq!(item[..], [7; 10]);
    }

    #[test]
    fn a_long_item_is_not_copied() {
        let mut src = pool::take();
        src.resize(SPLIT_FROM + 10, 7);
        let address = src.as_ptr();
        let item = take(&mut src, 0, SPLIT_FROM);
        assert_eq!((item.as_ptr(), item.len()), (address, SPLIT_FROM));
        assert_eq!(src[..], [7; 10]);
    }

    #[test]
    fn two_long_items_that_were_read_together_are_not_copied() {
        const LEN: usize = 65_536;
        // What the read buffer has for them: the beginning of one, the rest of it, another one, and a little.
        let mut src = BytesMut::with_capacity(4_096 + 2 * (4 + LEN) + 4_096);
        src.resize(2 * (4 + LEN), 7);
        let address = src.as_ptr();
        let (first, second) = (take(&mut src, 4, LEN), take(&mut src, 4, LEN));
        assert_eq!(first.as_ptr(), address.wrapping_add(4));
        assert_eq!(second.as_ptr(), address.wrapping_add(4 + LEN + 4));
    }

    #[test]
    fn a_long_item_in_a_much_longer_buffer_does_not_keep_it_alive() {
        let mut src = BytesMut::with_capacity(1_000_000);
        src.resize(SPLIT_FROM, 7);
        let item = take(&mut src, 0, SPLIT_FROM);
        assert_eq!(item.capacity(), SPLIT_FROM);
        assert!(src.try_reclaim(1_000_000));
    }

    #[test]
    fn what_is_skipped_is_in_no_item() {
        for items in [Items::Copied, Items::Shared] {
            for len in [0, 1, 10, SPLIT_FROM, SPLIT_FROM + 1] {
                let mut src = pool::take();
                src.extend_from_slice(b"head");
                src.resize(4 + len, 7);
                src.extend_from_slice(b"rest");
                let item = items.take(&mut src, 4, len);
                assert_eq!((&item[..], &src[..]), (&vec![7; len][..], &b"rest"[..]));
            }
        }
    }

    #[test]
    fn a_shared_item_is_where_it_was_read_and_keeps_the_buffer_alive() {
        let mut src = pool::take();
        src.extend_from_slice(b"head and item, and more");
        let address = src.as_ptr();
        let item = Items::Shared.take(&mut src, 9, 4);
        assert_eq!(
            (&item[..], item.as_ptr()),
            (&b"item"[..], address.wrapping_add(9))
        );
        src.clear();
        assert!(!src.try_reclaim(pool::CAPACITY));
        drop(item);
        assert!(src.try_reclaim(pool::CAPACITY));
    }
}
