use bytes::{Buf, BytesMut};
use io_traits::pool;

/// Takes the first `len` bytes out of `src`, for somebody who may keep them for long.
///
/// A copy leaves the buffer to the next read, and costs one allocation of just `len` bytes. Only what is
/// long, and at least half of the memory that it would keep alive as far as that can be seen (bytes that
/// were consumed before it cannot), is split off and not copied.
///
/// # Panics
///
/// If fewer than `len` bytes are there.
pub(crate) fn take(src: &mut BytesMut, len: usize) -> BytesMut {
    let keeps_little = len >= SPLIT_FROM && len >= src.capacity() / 2;
    if keeps_little {
        return src.split_to(len);
    }
    let item = BytesMut::from(&src[..len]);
    src.advance(len);
    item
}

/// From how many bytes on an item may be split off. One that leaves a lent buffer is half of it then.
const SPLIT_FROM: usize = pool::CAPACITY / 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_item_is_a_copy_and_leaves_the_buffer_whole() {
        for len in [0, 1, 64, SPLIT_FROM - 1] {
            let mut src = pool::take();
            src.resize(SPLIT_FROM, 7);
            let item = take(&mut src, len);
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
        let item = take(&mut src, 10);
        assert!(src.try_reclaim(pool::CAPACITY));
        assert_eq!(item[..], [7; 10]);
    }

    #[test]
    fn a_long_item_is_not_copied() {
        let mut src = pool::take();
        src.resize(SPLIT_FROM + 10, 7);
        let address = src.as_ptr();
        let item = take(&mut src, SPLIT_FROM);
        assert_eq!((item.as_ptr(), item.len()), (address, SPLIT_FROM));
        assert_eq!(src[..], [7; 10]);
    }

    #[test]
    fn a_long_item_in_a_much_longer_buffer_does_not_keep_it_alive() {
        let mut src = BytesMut::with_capacity(1_000_000);
        src.resize(SPLIT_FROM, 7);
        let item = take(&mut src, SPLIT_FROM);
        assert_eq!(item.capacity(), SPLIT_FROM);
        assert!(src.try_reclaim(1_000_000));
    }
}
