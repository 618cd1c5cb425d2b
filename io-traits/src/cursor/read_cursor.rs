use std::{fmt, io, marker::PhantomData, mem::MaybeUninit, ptr, slice};

use crate::{pool::CAPACITY, scratch};

/// A stretch of possibly uninitialised memory that is being filled from its front.
///
/// ```text
///   ├─ filled ─┼─ initialised ─┼─ uninitialised ─┤
///   0        filled        high water         capacity
/// ```
///
/// Memory that is read into again and again, that of [`copy`](crate::io::copy()), still holds what was read
/// before. A reader that asks for initialised memory does not get to see it: it is zeroed up to where it ends,
/// not beyond.
///
/// A reader gets a `&mut ReadCursor<'_>` and appends to it. The cursor alone knows what has been
/// filled: a count that a reader returns beside it is not believed. Nor can a reader exchange the
/// cursor for another: each belongs to one call of [`with`](Self::with), and its lifetime fits no
/// other.
///
/// # Examples
///
/// ```
/// use std::mem::MaybeUninit;
/// use io_traits::ReadCursor;
///
/// let mut memory = [MaybeUninit::uninit(); 16];
/// let (n, filled) = ReadCursor::with(&mut memory, |cursor| cursor.append(b"hello"));
/// assert_eq!((n, filled), (5, 5));
/// ```
pub struct ReadCursor<'a> {
    // INVARIANT: valid for writes of `capacity` bytes; `filled <= initialized <= capacity`; the first
    // `initialized` bytes are initialised; `stale <= initialized`.
    start: *mut u8,
    capacity: usize,
    filled: usize,
    initialized: usize,
    /// Where the bytes of earlier reads end.
    stale: usize,
    mark: Mark,
    /// Invariant in `'a`, so that two cursors cannot be swapped.
    brand: PhantomData<fn(&'a ()) -> &'a ()>,
}

/// What is known of memory from one read into it to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Known {
    /// How many bytes are initialised.
    pub(super) initialized: usize,
    /// Where the bytes of earlier reads end, at most there.
    pub(super) stale: usize,
}

impl Known {
    fn initialized(initialized: usize) -> Self {
        Self {
            initialized,
            stale: 0,
        }
    }
}

/// What becomes of the knowledge of how much is initialised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    /// The next read into the memory has it.
    Kept,
    /// It is lost with the cursor.
    Lost,
}

impl ReadCursor<'_> {
    /// Lends `memory` to `f` as a cursor; returns what `f` returned and how many bytes were filled.
    #[inline]
    pub fn with<R>(
        memory: &mut [MaybeUninit<u8>],
        f: impl for<'a> FnOnce(&mut ReadCursor<'a>) -> R,
    ) -> (R, usize) {
        let start = memory.as_mut_ptr().cast();
        let known = Known::initialized(0);
        let (result, filled, _) = Self::run(start, memory.len(), known, Mark::Lost, f);
        (result, filled)
    }

    /// [`with`](Self::with) for memory that is initialised already, which then is never zeroed.
    #[inline]
    pub fn with_initialized<R>(
        memory: &mut [u8],
        f: impl for<'a> FnOnce(&mut ReadCursor<'a>) -> R,
    ) -> (R, usize) {
        let start = memory.as_mut_ptr();
        let known = Known::initialized(memory.len());
        let (result, filled, _) = Self::run(start, memory.len(), known, Mark::Lost, f);
        (result, filled)
    }

    /// [`with`](Self::with) for memory of which something is known; returns what is known in the end, too.
    ///
    /// # Safety
    ///
    /// The first `known.initialized` bytes of the memory are, and there are as many. `known.stale` is no more.
    #[inline]
    pub(super) unsafe fn with_known<R>(
        memory: &mut [MaybeUninit<u8>],
        known: Known,
        f: impl for<'a> FnOnce(&mut ReadCursor<'a>) -> R,
    ) -> (R, usize, Known) {
        let start = memory.as_mut_ptr().cast();
        Self::run(start, memory.len(), known, Mark::Kept, f)
    }

    #[inline]
    fn run<R>(
        start: *mut u8,
        capacity: usize,
        known: Known,
        mark: Mark,
        f: impl for<'a> FnOnce(&mut ReadCursor<'a>) -> R,
    ) -> (R, usize, Known) {
        let mut cursor = ReadCursor {
            start,
            capacity,
            filled: 0,
            initialized: known.initialized,
            stale: known.stale,
            mark,
            brand: PhantomData,
        };
        let result = f(&mut cursor);
        let known = Known {
            initialized: cursor.initialized,
            stale: cursor.stale.max(cursor.filled),
        };
        (result, cursor.filled, known)
    }

    /// Lends the next `limit` bytes of the unfilled part to `f` as a cursor of their own; returns what
    /// `f` returned and how many bytes were filled.
    ///
    /// For a reader that may give no more than that, whatever room there is. What `f` has initialised
    /// is not zeroed again.
    #[inline]
    pub fn limited<R>(
        &mut self,
        limit: usize,
        f: impl for<'b> FnOnce(&mut ReadCursor<'b>) -> R,
    ) -> (R, usize) {
        let capacity = self.remaining().min(limit);
        let mut part = ReadCursor {
            // SAFETY: `filled <= capacity`, so this is inside of the memory or one past its end.
            start: unsafe { self.start.add(self.filled) },
            capacity,
            filled: 0,
            initialized: (self.initialized - self.filled).min(capacity),
            stale: self.stale.saturating_sub(self.filled).min(capacity),
            mark: self.mark,
            brand: PhantomData,
        };
        let result = f(&mut part);
        if part.stale == 0 && self.stale <= self.filled + capacity {
            self.stale = 0;
        }
        // Of the two marks the further one holds: what lies before it is initialised either way.
        self.initialized = self.initialized.max(self.filled + part.initialized);
        self.filled += part.filled;
        (result, part.filled)
    }

    /// Appends as much of `bytes` as there is room for; returns how many bytes that was.
    #[inline]
    pub fn append(&mut self, bytes: &[u8]) -> usize {
        let n = bytes.len().min(self.remaining());
        // SAFETY: `filled + n <= capacity` bytes from `start` are valid for writes, and `bytes` cannot
        // overlap them: this cursor borrows them for writing.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), self.start.add(self.filled), n) };
        self.filled += n;
        self.initialized = self.initialized.max(self.filled);
        n
    }

    /// The unfilled part as initialised memory.
    ///
    /// What was uninitialised, or holds what earlier reads have left, is zeroed, once: bytes that this cursor
    /// has zeroed before are not zeroed again. Follow with [`advance`](Self::advance).
    #[inline]
    pub fn initialize_unfilled(&mut self) -> &mut [u8] {
        if self.stale > self.filled {
            // SAFETY: `stale <= initialized <= capacity`, so these bytes are valid for writes.
            unsafe {
                self.start
                    .add(self.filled)
                    .write_bytes(0, self.stale - self.filled);
            }
        }
        self.stale = 0;
        // SAFETY: the bytes from `initialized` to `capacity` are valid for writes.
        unsafe {
            self.start
                .add(self.initialized)
                .write_bytes(0, self.capacity - self.initialized);
        }
        self.initialized = self.capacity;
        // SAFETY: the whole capacity is initialised now and borrowed through `self`.
        unsafe { slice::from_raw_parts_mut(self.start.add(self.filled), self.remaining()) }
    }

    /// Counts `n` bytes of [`initialize_unfilled`](Self::initialize_unfilled) as filled.
    ///
    /// # Errors
    ///
    /// [`InvalidData`](io::ErrorKind::InvalidData) if fewer than `n` initialised bytes are there, which
    /// is what a `Read` that reports more than it was given leads to. Nothing is filled then.
    #[inline]
    pub fn advance(&mut self, n: usize) -> io::Result<()> {
        if n > self.initialized - self.filled {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "a reader reported more bytes than its buffer holds",
            ));
        }
        self.filled += n;
        Ok(())
    }

    /// Has a reader fill the unfilled part that asks for initialised memory; returns what it returned.
    ///
    /// The way to a [`Read`](io::Read) and its like. What is uninitialised is not zeroed for it each time:
    /// it gets initialised memory of the thread's, at most [`CAPACITY`](crate::pool::CAPACITY) bytes, and
    /// what it reports is copied; what the read before has left there is zeroed first. So the costs grow with
    /// what is read, not with the room for it. What a reader finds there that it has not written itself is
    /// zero, or was written by another one that did not report it.
    ///
    /// # Errors
    ///
    /// [`InvalidData`](io::ErrorKind::InvalidData) if the reader reports more than it was given. Otherwise
    /// the reader's own. Nothing is filled then.
    #[inline]
    pub fn fill_with(
        &mut self,
        read: impl FnOnce(&mut [u8]) -> io::Result<usize>,
    ) -> io::Result<usize> {
        self.lend(read, |result| result.as_ref().ok().copied())?
    }

    /// [`fill_with`](Self::fill_with) for any result; `count` says how many bytes one stands for.
    #[inline]
    pub(crate) fn lend<R>(
        &mut self,
        read: impl FnOnce(&mut [u8]) -> R,
        count: impl FnOnce(&R) -> Option<usize>,
    ) -> io::Result<R> {
        let uninitialized = self.capacity - self.initialized;
        if uninitialized > ZEROED_AT_ONCE && self.mark == Mark::Lost {
            return self.lend_scratch(read, count);
        }
        let result = read(self.initialize_unfilled());
        if let Some(n) = count(&result) {
            self.advance(n)?;
        }
        Ok(result)
    }

    fn lend_scratch<R>(
        &mut self,
        read: impl FnOnce(&mut [u8]) -> R,
        count: impl FnOnce(&R) -> Option<usize>,
    ) -> io::Result<R> {
        let mut memory = scratch::take(self.remaining().min(CAPACITY));
        let (result, filled) = memory.lend(self.remaining(), |part| {
            let result = read(part.initialize_unfilled());
            if let Some(n) = count(&result) {
                part.advance(n)?;
            }
            io::Result::Ok(result)
        });
        self.append(&memory.initialized()[..filled]);
        scratch::give_back(memory);
        result
    }

    /// The unfilled part as it is, for a system call to write into.
    ///
    /// # Safety
    ///
    /// No initialised byte may be made uninitialised: bytes may be written, never "un-written".
    #[inline]
    pub unsafe fn unfilled_mut(&mut self) -> &mut [MaybeUninit<u8>] {
        // SAFETY: valid for writes and borrowed through `self`; `MaybeUninit` asks for no initialised
        // byte.
        unsafe { slice::from_raw_parts_mut(self.start.add(self.filled).cast(), self.remaining()) }
    }

    /// Counts `n` bytes as filled that were written through [`unfilled_mut`](Self::unfilled_mut).
    ///
    /// # Safety
    ///
    /// The first `n` bytes of the unfilled part are initialised, and there are as many.
    #[inline]
    pub unsafe fn assume_filled(&mut self, n: usize) {
        debug_assert!(n <= self.remaining());
        self.filled += n;
        self.initialized = self.initialized.max(self.filled);
    }

    /// Whether the unfilled part is initialised already, so that
    /// [`initialize_unfilled`](Self::initialize_unfilled) has nothing to do.
    #[inline]
    pub fn is_initialized(&self) -> bool {
        self.initialized == self.capacity && self.stale <= self.filled
    }

    /// How many bytes have been filled.
    #[inline]
    pub fn filled(&self) -> usize {
        self.filled
    }

    /// How many bytes there is still room for.
    #[inline]
    pub fn remaining(&self) -> usize {
        self.capacity - self.filled
    }
}

impl fmt::Debug for ReadCursor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadCursor")
            .field("filled", &self.filled)
            .field("initialized", &self.initialized)
            .field("capacity", &self.capacity)
            .finish()
    }
}

/// So many uninitialised bytes are sooner zeroed than read past.
const ZEROED_AT_ONCE: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_beyond_the_buffer_fills_nothing() {
        let mut memory = [MaybeUninit::uninit(); 4];
        let ((), filled) = ReadCursor::with(&mut memory, |cursor| {
            assert_eq!(cursor.initialize_unfilled().len(), 4);
            let error = cursor.advance(5).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        });
        assert_eq!(filled, 0);
    }

    #[test]
    fn uninitialised_bytes_cannot_be_counted_as_filled() {
        let mut memory = [MaybeUninit::uninit(); 4];
        ReadCursor::with(&mut memory, |cursor| {
            cursor.append(b"ab");
            assert!(cursor.advance(1).is_err());
            assert_eq!(cursor.remaining(), 2);
        });
    }

    #[test]
    fn initialised_memory_is_not_zeroed_and_fresh_memory_is_zeroed_once() {
        let mut memory = *b"keep";
        ReadCursor::with_initialized(&mut memory, |cursor| {
            assert_eq!(cursor.initialize_unfilled(), b"keep");
        });
        let mut memory = [MaybeUninit::new(7); 4];
        ReadCursor::with(&mut memory, |cursor| {
            cursor.initialize_unfilled()[3] = 9;
            cursor.append(b"x");
            assert_eq!(cursor.initialize_unfilled(), [0, 0, 9]);
        });
    }

    #[test]
    fn a_limited_part_fills_no_more_and_its_marks_are_kept() {
        let mut memory = [MaybeUninit::new(7); 6];
        let (_, filled) = ReadCursor::with(&mut memory, |cursor| {
            cursor.append(b"ab");
            let (rest, n) = cursor.limited(3, |part| {
                assert_eq!(part.append(b"c"), 1);
                assert_eq!(part.initialize_unfilled(), [0, 0]);
                part.initialize_unfilled()[1] = 9;
                part.remaining()
            });
            assert_eq!((rest, n, cursor.filled()), (2, 1, 3));
            // The 9 is there still: that part was not zeroed again.
            assert_eq!(cursor.initialize_unfilled(), [0, 9, 0]);
            let ((), n) = cursor.limited(usize::MAX, |part| assert_eq!(part.remaining(), 3));
            assert_eq!(n, 0);
        });
        assert_eq!(filled, 3);
    }

    #[test]
    fn append_takes_what_fits() {
        let mut memory = [0; 3];
        let (n, filled) =
            ReadCursor::with_initialized(&mut memory, |cursor| cursor.append(b"abcdef"));
        assert_eq!((n, filled), (3, 3));
        assert_eq!(&memory, b"abc");
    }
}
