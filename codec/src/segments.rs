use std::{cell::RefCell, collections::VecDeque, fmt, io::IoSlice, mem};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use io_traits::pool;

use crate::spare::{self, Spare};

/// The write queue: bytes in order, of which the small are copied together and the large are referenced.
///
/// ```text
///   small   ├─── before ───┤├─ before ─┤├─── tail ───┤     one buffer for all
///   large                  ▲           ▲
///                        Bytes       Bytes                 each behind its share of `small`
/// ```
///
/// An [`Encoder`](crate::Encoder) appends to it. It is a [`Buf`], so that
/// [`poll_write_buf`](io_traits::poll_write_buf) writes it with one vectored write, however many frames
/// are in it. Its memory comes from the [`pool`] of the thread and from queues before it, and goes back when it
/// is empty.
#[derive(Default)]
pub struct Segments {
    // INVARIANT: the sum of all `before` is `sealed`, which is at most the length of `small`.
    /// Without memory while there is nothing in it.
    small: BytesMut,
    large: VecDeque<Large>,
    /// How many bytes of `small` lie before one of `large`.
    sealed: usize,
    /// The sum of the lengths in `large`.
    large_len: usize,
    /// The memory of `small` was once longer than a lent buffer.
    has_grown: bool,
}

/// A `Bytes` that is referenced. It is never empty.
struct Large {
    /// How many bytes of `small` come before it and after the one in front of it.
    before: usize,
    bytes: Bytes,
}

/// The end of the queue at some time, to go back to.
#[derive(Clone, Copy)]
pub(crate) struct Mark {
    small: usize,
    large: usize,
}

impl Segments {
    /// An empty queue, which holds no memory.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a copy of `bytes`.
    #[inline]
    pub fn put_slice(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.small_mut().extend_from_slice(bytes);
        }
    }

    /// Appends the first `n` bytes of `head`, without a call for so few, and a copy of `tail`.
    #[inline]
    pub(crate) fn put_with_head(&mut self, head: [u8; 8], n: usize, tail: &[u8]) {
        // No memory is no room either.
        if self.small.capacity() - self.small.len() < head.len() + tail.len() {
            self.make_small_room(head.len() + tail.len());
        }
        let small = &mut self.small;
        small.extend_from_slice(&head);
        small.truncate(small.len() - head.len() + n);
        small.extend_from_slice(tail);
    }

    /// Access for all the other ways to append bytes: `queue.buf().put_u32(7)`, or
    /// `write!(queue.buf().writer(), …)`.
    #[inline]
    pub fn buf(&mut self) -> impl BufMut + '_ {
        self.small_mut()
    }

    /// Appends `bytes`: by reference from 4 KiB on, as a copy below.
    ///
    /// The border is where a copy costs less than one more slice of a vectored write does.
    pub fn push(&mut self, bytes: Bytes) {
        if bytes.len() < REFERENCED_FROM {
            return self.put_slice(&bytes);
        }
        let small = self.small_len();
        self.large_len += bytes.len();
        if self.large.capacity() == 0 {
            self.large = spare_places();
        }
        self.large.push_back(Large {
            before: small - self.sealed,
            bytes,
        });
        self.sealed = small;
    }

    /// As [`push`](Self::push), for what would allocate in order to become a `Bytes`.
    #[inline]
    pub(crate) fn push_from(&mut self, bytes: impl AsRef<[u8]> + Into<Bytes>) {
        self.push_tail_of(bytes, 0);
    }

    /// No more bytes than these are copied.
    pub(crate) const LONGEST_COPY: usize = REFERENCED_FROM - 1;

    /// Appends `bytes` without the first `skipped` of them, as [`push`](Self::push) does.
    #[inline]
    pub(crate) fn push_tail_of(&mut self, bytes: impl AsRef<[u8]> + Into<Bytes>, skipped: usize) {
        let tail = &bytes.as_ref()[skipped..];
        if tail.len() < REFERENCED_FROM {
            return self.put_slice(tail);
        }
        self.push_large(bytes.into(), skipped);
    }

    #[inline(never)]
    fn push_large(&mut self, mut bytes: Bytes, skipped: usize) {
        bytes.advance(skipped);
        self.push(bytes);
    }

    /// How many bytes are queued.
    #[inline]
    pub fn len(&self) -> usize {
        self.small_len() + self.large_len
    }

    /// Whether nothing is queued.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many bytes of memory the queue holds for small bytes; 0 while it is idle.
    pub fn capacity(&self) -> usize {
        self.small.capacity()
    }

    /// Appends a copy of all that is queued to `dst`.
    pub(crate) fn copy_to(&self, dst: &mut BytesMut) {
        let mut small = &self.small[..];
        for large in &self.large {
            let (before, after) = small.split_at(large.before);
            dst.extend_from_slice(before);
            dst.extend_from_slice(&large.bytes);
            small = after;
        }
        dst.extend_from_slice(small);
    }

    /// Where the queue ends now.
    #[inline]
    pub(crate) fn mark(&self) -> Mark {
        Mark {
            small: self.small_len(),
            large: self.large.len(),
        }
    }

    /// Takes back everything that was appended since `mark`.
    #[cold]
    pub(crate) fn roll_back(&mut self, mark: Mark) {
        while self.large.len() > mark.large {
            let Some(large) = self.large.pop_back() else {
                break;
            };
            self.large_len -= large.bytes.len();
            self.sealed -= large.before;
        }
        // An encoder might have consumed earlier bytes, which it must not: `sealed` stays a bound.
        self.small.truncate(mark.small.max(self.sealed));
        if self.is_empty() {
            self.release();
        }
    }

    /// Gives the memory of an empty queue away.
    #[inline]
    pub(crate) fn release(&mut self) {
        debug_assert!(self.is_empty());
        if self.small.capacity() > 0 || self.large.capacity() > 0 {
            self.release_memory();
        }
    }

    /// Mostly the last write has given back what there was.
    #[inline(never)]
    fn release_memory(&mut self) {
        self.has_grown = false;
        spare::give_back(&SPARE, &mut self.small);
        if self.large.capacity() > 0 {
            spare_for_others(mem::take(&mut self.large));
        }
    }

    #[inline(always)]
    fn small_mut(&mut self) -> &mut BytesMut {
        if self.small.capacity() == 0 {
            self.take_small();
        }
        &mut self.small
    }

    #[inline(never)]
    fn make_small_room(&mut self, n: usize) {
        if self.small.capacity() == 0 {
            spare::take(&SPARE, &mut self.small);
        }
        self.small.reserve(n);
    }

    #[inline(never)]
    fn take_small(&mut self) {
        spare::take(&SPARE, &mut self.small);
    }

    #[inline]
    fn small_len(&self) -> usize {
        self.small.len()
    }

    /// Counts `n` bytes at the front of `small` as written.
    fn advance_small(&mut self, n: usize) {
        if n > 0 {
            self.small.advance(n);
        }
    }

    /// Counts everything as written, and gives the buffer back, unless it has grown.
    ///
    /// A grown one would be freed, and a task that keeps on feeding would allocate it again for every
    /// write. It stays until the flush is over.
    fn clear(&mut self) {
        if !self.large.is_empty() {
            self.large.clear();
            (self.sealed, self.large_len) = (0, 0);
        }
        if self.has_grown {
            self.small.clear();
            // It begins at its front again.
            let _ = self.small.try_reclaim(pool::CAPACITY + 1);
        } else {
            spare::give_back(&SPARE, &mut self.small);
        }
    }
}

impl Drop for Segments {
    fn drop(&mut self) {
        spare::give_back(&SPARE, &mut self.small);
    }
}

impl Buf for Segments {
    #[inline]
    fn remaining(&self) -> usize {
        self.len()
    }

    #[inline]
    fn chunk(&self) -> &[u8] {
        match self.large.front() {
            Some(large) if large.before == 0 => &large.bytes,
            Some(large) => &self.small[..large.before],
            None => &self.small[..],
        }
    }

    fn chunks_vectored<'a>(&'a self, dst: &mut [IoSlice<'a>]) -> usize {
        let small = &self.small[..];
        let mut rest = small;
        let parts = self
            .large
            .iter()
            .flat_map(|large| {
                let (before, after) = rest.split_at(large.before);
                rest = after;
                [before, &large.bytes]
            })
            .chain([&small[self.sealed..]])
            .filter(|part| !part.is_empty());
        let mut filled = 0;
        for (place, part) in dst.iter_mut().zip(parts) {
            *place = IoSlice::new(part);
            filled += 1;
        }
        filled
    }

    fn advance(&mut self, n: usize) {
        let len = self.len();
        assert!(n <= len, "advanced beyond the end of the queue");
        self.has_grown |= self.capacity() > pool::CAPACITY;
        // Mostly all is written at once.
        if n == len {
            return self.clear();
        }
        let mut left = n;
        while let Some(large) = self.large.front_mut() {
            let before = left.min(large.before);
            let taken = (left - before).min(large.bytes.len());
            large.before -= before;
            large.bytes.advance(taken);
            let is_written = large.bytes.is_empty();
            self.sealed -= before;
            self.large_len -= taken;
            left -= before + taken;
            self.advance_small(before);
            if !is_written {
                return;
            }
            self.large.pop_front();
        }
        self.advance_small(left);
    }
}

impl fmt::Debug for Segments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Segments")
            .field("len", &self.len())
            .field("referenced", &self.large.len())
            .finish_non_exhaustive()
    }
}

/// From how many bytes on a `Bytes` is referenced and not copied.
const REFERENCED_FROM: usize = 4 * 1024;

/// Takes the places of a queue that has been emptied, so that steady traffic does not allocate.
fn spare_places() -> VecDeque<Large> {
    let spare = SPARE_PLACES.try_with(|spare| spare.borrow_mut().pop());
    spare.ok().flatten().unwrap_or_default()
}

/// Keeps the places of an empty queue for the next one of this thread, unless they are many.
fn spare_for_others(places: VecDeque<Large>) {
    debug_assert!(places.is_empty());
    if places.capacity() > MOST_PLACES {
        return;
    }
    // An error: the thread is going away, and its spare places have gone before.
    let _ = SPARE_PLACES.try_with(|spare| {
        let mut spare = spare.borrow_mut();
        if spare.len() < SPARED {
            spare.push(places);
        }
    });
}

/// How many places for large ones are spared at most.
const MOST_PLACES: usize = 64;

/// How many queues' places a thread spares.
const SPARED: usize = 32;

thread_local! {
    static SPARE: Spare = spare::none();
    static SPARE_PLACES: RefCell<Vec<VecDeque<Large>>> = const { RefCell::new(Vec::new()) };
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Small, large, small, large, small.
    fn mixed() -> (Segments, Vec<u8>) {
        let mut queue = Segments::new();
        queue.put_slice(b"head");
        queue.push(Bytes::from(vec![b'x'; 6000]));
        queue.buf().put_u16(0x6162);
        queue.push(Bytes::from(vec![b'y'; 5000]));
        queue.push(Bytes::from_static(b"tail"));
        let all = [
            b"head".to_vec(),
            vec![b'x'; 6000],
            b"ab".to_vec(),
            vec![b'y'; 5000],
            b"tail".to_vec(),
        ];
        (queue, all.concat())
    }

    fn slices(queue: &Segments, places: usize) -> Vec<Vec<u8>> {
        let mut slices = vec![IoSlice::new(&[]); places];
        let n = queue.chunks_vectored(&mut slices);
        slices[..n].iter().map(|slice| slice.to_vec()).collect()
    }

    #[test]
    fn bytes_leave_in_the_order_in_which_they_came_for_every_step() {
        for step in [1, 2, 3, 4, 5, 7, 1000, 5999, 6000, 6004, 11_005] {
            let (mut queue, all) = mixed();
            let mut written = Vec::new();
            while queue.has_remaining() {
                assert_eq!(queue.len(), all.len() - written.len());
                assert_eq!(slices(&queue, 8).concat(), all[written.len()..]);
                assert_eq!(slices(&queue, 1)[0], queue.chunk());
                let mut copy = BytesMut::new();
                queue.copy_to(&mut copy);
                assert_eq!(copy, all[written.len()..]);
                let n = step.min(queue.len());
                written.extend_from_slice(&slices(&queue, 8).concat()[..n]);
                queue.advance(n);
            }
            assert_eq!(written, all);
            assert_eq!(queue.capacity(), 0);
        }
    }

    #[test]
    fn one_slice_for_each_run_and_no_empty_one() {
        let (queue, _) = mixed();
        let lengths: Vec<_> = slices(&queue, 8).iter().map(Vec::len).collect();
        assert_eq!(lengths, [4, 6000, 2, 5000, 4]);
        assert_eq!(slices(&queue, 3).len(), 3);

        let mut queue = Segments::new();
        queue.push(Bytes::from(vec![0; REFERENCED_FROM]));
        queue.push(Bytes::from(vec![0; REFERENCED_FROM]));
        assert_eq!(slices(&queue, 8).len(), 2);
        assert_eq!(queue.capacity(), 0);
    }

    #[test]
    fn a_bytes_below_the_border_is_copied_and_one_at_it_is_referenced() {
        let mut queue = Segments::new();
        queue.push(Bytes::from(vec![b'a'; REFERENCED_FROM - 1]));
        assert_eq!(slices(&queue, 8).len(), 1);
        assert!(queue.capacity() > 0);
        let at_the_border = Bytes::from(vec![b'b'; REFERENCED_FROM]);
        queue.push(at_the_border.clone());
        queue.advance(REFERENCED_FROM - 1);
        assert_eq!(queue.chunk().as_ptr(), at_the_border.as_ptr());
    }

    #[test]
    fn rolling_back_takes_away_what_came_after_the_mark_and_nothing_else() {
        for consumed in [0, 3, 4, 1000, 6004, 6005, 6006, 11_006, 11_008] {
            let (mut queue, all) = mixed();
            queue.advance(consumed);
            let mark = queue.mark();
            queue.put_slice(b"this");
            queue.push(Bytes::from(vec![b'z'; 5000]));
            queue.put_slice(b"goes");
            queue.push(Bytes::from(vec![b'z'; 5000]));
            queue.roll_back(mark);
            assert_eq!(slices(&queue, 8).concat(), all[consumed..]);
            queue.put_slice(b"more");
            assert_eq!(queue.len(), all.len() - consumed + 4);
            assert!(slices(&queue, 8).concat().ends_with(b"more"));
        }
    }

    #[test]
    fn rolling_back_to_the_beginning_gives_the_memory_back() {
        let mut queue = Segments::new();
        let mark = queue.mark();
        queue.put_slice(b"frame");
        queue.roll_back(mark);
        assert_eq!((queue.len(), queue.capacity()), (0, 0));
    }

    #[test]
    fn an_encoder_that_consumes_earlier_bytes_causes_no_panic() {
        let (mut queue, _) = mixed();
        let mark = queue.mark();
        queue.advance(6005);
        queue.push(Bytes::from(vec![b'z'; 5000]));
        queue.roll_back(mark);
        assert_eq!(slices(&queue, 8).concat().len(), queue.len());
        let (mut queue, _) = mixed();
        let mark = queue.mark();
        queue = Segments::new();
        queue.put_slice(b"other");
        queue.roll_back(mark);
        assert_eq!(queue.len(), 5);
        // What it put in the place of earlier frames stays, and the bookkeeping with it.
        let mut queue = Segments::new();
        queue.push(Bytes::from(vec![b'z'; 5000]));
        let mark = queue.mark();
        queue.advance(5000);
        queue.put_slice(b"before");
        queue.push(Bytes::from(vec![b'z'; 5000]));
        queue.roll_back(mark);
        assert_eq!(slices(&queue, 8).concat().len(), queue.len());
    }

    #[test]
    fn a_grown_buffer_stays_until_it_is_released() {
        let mut queue = Segments::new();
        queue.put_slice(&vec![0; pool::CAPACITY + 1]);
        queue.advance(pool::CAPACITY + 1);
        assert!(queue.capacity() > pool::CAPACITY);
        queue.release();
        assert_eq!(queue.capacity(), 0);
    }

    #[test]
    fn one_queue_after_the_other_uses_the_same_buffer() {
        let lent = pool::take();
        let address = lent.as_ptr();
        drop(lent);
        let mut queue = Segments::new();
        queue.put_slice(b"a");
        assert_eq!(queue.chunk().as_ptr(), address);
        queue.advance(1);
        assert_eq!(queue.capacity(), 0);
        let mut other = Segments::new();
        other.put_slice(b"b");
        // From its front, as all of it had been written.
        assert_eq!(other.chunk().as_ptr(), address);
        drop(other);
        queue.put_slice(b"c");
        assert_eq!(queue.chunk().as_ptr(), address);
    }
}
