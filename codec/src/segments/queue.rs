use std::{collections::VecDeque, fmt, mem};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use io_traits::pool;

use super::places;
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
    pub(super) small: BytesMut,
    pub(super) large: VecDeque<Large>,
    /// How many bytes of `small` lie before one of `large`.
    pub(super) sealed: usize,
    /// The sum of the lengths in `large`.
    pub(super) large_len: usize,
    /// The memory of `small` was once longer than a lent buffer.
    pub(super) has_grown: bool,
}

/// A `Bytes` that is referenced. It is never empty.
pub(super) struct Large {
    /// How many bytes of `small` come before it and after the one in front of it.
    pub(super) before: usize,
    pub(super) bytes: Bytes,
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
            self.large = places::take();
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

    /// Takes back what was appended since the queue had `len` bytes.
    #[cold]
    pub(crate) fn truncate(&mut self, len: usize) {
        loop {
            // None if an encoder has consumed earlier bytes, which it must not.
            let excess = self.len().saturating_sub(len);
            let tail = self.small_len() - self.sealed;
            self.small.truncate(self.small_len() - excess.min(tail));
            if excess <= tail {
                break;
            }
            let Some(large) = self.large.pop_back() else {
                break;
            };
            self.large_len -= large.bytes.len();
            self.sealed -= large.before;
        }
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
        if mem::take(&mut self.has_grown) {
            // What is left of it may look like a lent one, and all of its memory would wait.
            self.small = BytesMut::new();
        } else {
            spare::give_back(&SPARE, &mut self.small);
        }
        if self.large.capacity() > 0 {
            self.large.clear();
            places::give_back(mem::take(&mut self.large));
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

    /// Counts everything as written, and gives the buffer back, unless it has grown.
    ///
    /// A grown one would be freed, and a task that keeps on feeding would allocate it again for every
    /// write. It stays until the flush is over.
    pub(super) fn clear(&mut self) {
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
        self.release_memory();
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

thread_local! {
    static SPARE: Spare = spare::none();
}

#[cfg(test)]
mod tests;
