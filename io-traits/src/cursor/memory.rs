use std::{fmt, mem::MaybeUninit, slice};

use super::ReadCursor;

/// Memory for one read after the other, which knows how much of it has been initialised.
///
/// So a reader that asks for initialised memory has it zeroed once, not at each read. It is one pointer,
/// because it changes hands at every read.
pub(crate) struct Memory(Box<Marked>);

struct Marked {
    // INVARIANT: the first `initialized` bytes are initialised.
    bytes: Box<[MaybeUninit<u8>]>,
    initialized: usize,
}

impl Memory {
    pub(crate) fn new(capacity: usize) -> Self {
        Self(Box::new(Marked {
            bytes: Box::new_uninit_slice(capacity),
            initialized: 0,
        }))
    }

    /// Lends it to `f` from its start, but not more than `limit` bytes; returns what `f` returned and how
    /// many bytes were filled.
    #[inline]
    pub(crate) fn lend<R>(
        &mut self,
        limit: usize,
        f: impl for<'a> FnOnce(&mut ReadCursor<'a>) -> R,
    ) -> (R, usize) {
        let Marked { bytes, initialized } = &mut *self.0;
        let part = bytes.len().min(limit);
        let before = (*initialized).min(part);
        // SAFETY: the first `initialized` bytes are, and `before` is no more than that or than the part.
        let (result, filled, after) =
            unsafe { ReadCursor::with_mark(&mut bytes[..part], before, f) };
        // The mark of a part is no news if it ends before that of the whole.
        *initialized = (*initialized).max(after);
        (result, filled)
    }

    /// What has been initialised; what was filled is the beginning of it.
    #[inline]
    pub(crate) fn initialized(&self) -> &[u8] {
        // SAFETY: these bytes are initialised, and borrowed through `self`.
        unsafe { slice::from_raw_parts(self.0.bytes.as_ptr().cast(), self.0.initialized) }
    }

    #[inline]
    pub(crate) fn capacity(&self) -> usize {
        self.0.bytes.len()
    }
}

/// Sizes, not the bytes: they are somebody's data.
impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory")
            .field("initialized", &self.0.initialized)
            .field("capacity", &self.capacity())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_initialised_is_not_zeroed_at_the_next_read() {
        let mut memory = Memory::new(8);
        let ((), filled) = memory.lend(8, |cursor| {
            cursor.initialize_unfilled().copy_from_slice(b"abcdefgh");
            cursor.advance(2).unwrap();
        });
        assert_eq!((filled, memory.initialized()), (2, &b"abcdefgh"[..]));
        memory.lend(8, |cursor| {
            assert!(cursor.is_initialized());
            assert_eq!(cursor.initialize_unfilled(), b"abcdefgh");
        });
    }

    #[test]
    fn a_part_moves_the_mark_forth_and_never_back() {
        let mut memory = Memory::new(8);
        memory.lend(3, |cursor| {
            assert_eq!(cursor.remaining(), 3);
            cursor.initialize_unfilled();
        });
        assert_eq!(memory.initialized().len(), 3);
        let ((), filled) = memory.lend(100, |cursor| {
            assert_eq!((cursor.remaining(), cursor.is_initialized()), (8, false));
            cursor.append(b"12345");
        });
        assert_eq!((filled, memory.initialized()), (5, &b"12345"[..]));
        memory.lend(2, |cursor| assert!(cursor.is_initialized()));
        memory.lend(0, |cursor| assert_eq!(cursor.append(b"x"), 0));
        assert_eq!(memory.initialized().len(), 5);
    }
}
