use std::{cell::RefCell, mem, thread::LocalKey};

use bytes::BytesMut;
use io_traits::pool::{self, Lent};

/// A place for one buffer of this thread that is about to be used again.
///
/// Behind each message a buffer is given back, and for the next it is taken: also that costs something. So the
/// last one waits here as it is, and goes back to the [`pool`] once less than half of it is left. For a read it begins
/// at its front again before that, when a part of it is consumed and no item refers to it.
///
/// Buffers are exchanged in place: to move them through the stack would be most of the cost.
pub(crate) type Spare = RefCell<BytesMut>;

/// A place with no buffer.
pub(crate) fn none() -> Spare {
    RefCell::new(BytesMut::new())
}

/// Gives `buf`, which has no memory, the buffer that waits in `spare`, or else one from the pool. At least
/// half of it is room.
#[inline]
pub(crate) fn take(spare: &'static LocalKey<Spare>, buf: &mut BytesMut) {
    exchange(spare, buf);
    if buf.capacity() == 0 {
        take_from_pool(buf);
    }
}

/// Has `read` called with a buffer as [`take`] would give it, or with more room. If anything is in it then, it
/// is `buf`, which has no memory; mostly, where `read` is tried in vain, no buffer changes hands.
#[inline]
pub(crate) fn lend<R>(
    spare: &'static LocalKey<Spare>,
    buf: &mut BytesMut,
    mut read: impl FnMut(&mut BytesMut) -> R,
) -> R {
    // `None`: the thread is going away, or this is inside of another `read`.
    let result = spare.try_with(|spare| {
        let mut waiting = spare.try_borrow_mut().ok()?;
        if waiting.capacity() < RENEWED_BELOW {
            renew(&mut waiting);
        }
        let result = read(&mut waiting);
        if !waiting.is_empty() {
            mem::swap(&mut *waiting, buf);
        }
        Some(result)
    });
    if let Ok(Some(result)) = result {
        return result;
    }
    take_from_pool(buf);
    let result = read(buf);
    if buf.is_empty() {
        give_back(spare, buf);
    }
    result
}

/// Takes the memory of `buf`. It waits in `spare` if enough room is left in it, or else goes back to the
/// pool, which takes a buffer of its own and frees any other.
#[inline]
pub(crate) fn give_back(spare: &'static LocalKey<Spare>, buf: &mut BytesMut) {
    buf.clear();
    if (LEAST..=pool::CAPACITY).contains(&buf.capacity()) {
        exchange(spare, buf);
    }
    if buf.capacity() > 0 {
        give_to_pool(buf);
        return;
    }
    // One without capacity may still be in the way of memory: all of it that was consumed.
    *buf = BytesMut::new();
}

#[inline]
fn exchange(spare: &'static LocalKey<Spare>, buf: &mut BytesMut) {
    // An error: the thread is going away, or this is inside of a `read` of `lend`.
    let _ = spare.try_with(|spare| {
        if let Ok(mut waiting) = spare.try_borrow_mut() {
            mem::swap(&mut *waiting, buf);
        }
    });
}

/// Has it begin at its front again, if nobody refers to it: what was read there a moment ago is still in the cache,
/// and what lies behind it is not.
#[inline(never)]
fn renew(waiting: &mut BytesMut) {
    // What somebody gave away of a long one would become all of that.
    let is_long = waiting.try_reclaim(pool::CAPACITY) && waiting.try_reclaim(pool::CAPACITY + 1);
    if is_long || waiting.capacity() == 0 {
        take_from_pool(waiting);
    }
}

#[cold]
fn take_from_pool(buf: &mut BytesMut) {
    *buf = pool::take().into_inner();
}

#[cold]
fn give_to_pool(buf: &mut BytesMut) {
    drop(Lent::from(mem::take(buf)));
}

/// How much room a buffer that waits has, in bytes.
const LEAST: usize = pool::CAPACITY / 2;

/// How much room it has as long as it need not begin at its front again, in bytes. A quarter of the first cache of usual
/// processors lies before that.
const RENEWED_BELOW: usize = pool::CAPACITY - 8 * 1024;

#[cfg(test)]
mod tests {
    use bytes::Buf;

    use super::*;

    thread_local! {
        static SPARE: Spare = none();
    }

    fn taken() -> BytesMut {
        let mut buf = BytesMut::new();
        take(&SPARE, &mut buf);
        buf
    }

    #[test]
    fn a_buffer_that_is_given_back_is_taken_again_until_half_of_it_is_consumed() {
        let mut lent = taken();
        let start = lent.as_ptr();
        lent.resize(LEAST, 7);
        lent.advance(LEAST);
        give_back(&SPARE, &mut lent);
        let mut lent = taken();
        assert_eq!(lent.as_ptr(), start.wrapping_add(LEAST));
        assert_eq!((lent.len(), lent.capacity()), (0, LEAST));
        lent.resize(1, 7);
        lent.advance(1);
        give_back(&SPARE, &mut lent);
        // It has gone to the pool, and comes from there as a whole.
        let lent = taken();
        assert_eq!((lent.as_ptr(), lent.capacity()), (start, pool::CAPACITY));
    }

    #[test]
    fn a_buffer_begins_at_its_front_again_when_a_part_of_it_is_consumed_and_no_item_refers_to_it() {
        let mut buf = BytesMut::new();
        let mut read = |n| {
            lend(&SPARE, &mut buf, |waiting| waiting.resize(n, 7));
            let item = buf.split_to(n);
            give_back(&SPARE, &mut buf);
            item
        };
        let consumed = pool::CAPACITY - RENEWED_BELOW;
        let first = read(consumed);
        let start = first.as_ptr();
        // Not all of that part yet, and then it is.
        assert_eq!(read(1).as_ptr(), start.wrapping_add(consumed));
        let third = read(2);
        assert_eq!(third.as_ptr(), start.wrapping_add(consumed + 1));
        drop(first);
        assert_eq!(read(3).as_ptr(), start.wrapping_add(consumed + 3));
        drop(third);
        assert_eq!(read(4).as_ptr(), start);
        // Of little it costs more than it is worth.
        assert_eq!(read(5).as_ptr(), start.wrapping_add(4));
    }

    #[test]
    fn what_is_left_of_a_long_one_does_not_wait_any_longer_once_a_part_of_it_is_consumed() {
        let mut buf = BytesMut::with_capacity(10 * pool::CAPACITY);
        buf.resize(10 * pool::CAPACITY - (RENEWED_BELOW - 1), 7);
        give_back(&SPARE, &mut buf.split_off(buf.len()));
        assert_eq!(SPARE.with_borrow(BytesMut::capacity), RENEWED_BELOW - 1);
        drop(buf);
        lend(&SPARE, &mut BytesMut::new(), |waiting| {
            assert_eq!(waiting.capacity(), pool::CAPACITY);
            assert!(!waiting.try_reclaim(pool::CAPACITY + 1));
        });
    }

    #[test]
    fn a_read_inside_of_another_has_a_buffer_of_its_own_and_keeps_none_if_nothing_comes() {
        let mut outer = BytesMut::new();
        lend(&SPARE, &mut outer, |waiting| {
            waiting.resize(1, 7);
            let mut inner = BytesMut::new();
            lend(&SPARE, &mut inner, |other| {
                assert_eq!((other.len(), other.capacity()), (0, pool::CAPACITY));
            });
            assert_eq!(inner.capacity(), 0);
            lend(&SPARE, &mut inner, |other| other.resize(1, 8));
            assert_eq!(inner[..], [8]);
        });
        assert_eq!(outer[..], [7]);
    }

    #[test]
    fn one_that_is_known_to_have_grown_does_not_wait() {
        let mut buf = pool::take().into_inner();
        buf.resize(pool::CAPACITY + 1, 7);
        give_back(&SPARE, &mut buf);
        assert_eq!((buf.capacity(), SPARE.take().capacity()), (0, 0));
    }
}
