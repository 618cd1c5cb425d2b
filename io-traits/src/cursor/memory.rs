use std::{fmt, mem::MaybeUninit, slice};

use super::{ReadCursor, read_cursor::Known};

/// Memory for one read after the other, which knows how much of it has been initialised and where the bytes of
/// earlier reads end.
///
/// So for a reader that asks for initialised memory no more is zeroed than was read before. It is one pointer,
/// because it changes hands at every read.
pub(crate) struct Memory(Box<Marked>);

struct Marked {
    // INVARIANT: the first `known.initialized` bytes are initialised, and `known.stale` is no more.
    bytes: Box<[MaybeUninit<u8>]>,
    known: Known,
}

impl Memory {
    pub(crate) fn new(capacity: usize) -> Self {
        Self(Box::new(Marked {
            bytes: Box::new_uninit_slice(capacity),
            known: Known {
                initialized: 0,
                stale: 0,
            },
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
        let Marked { bytes, known } = &mut *self.0;
        let part = bytes.len().min(limit);
        let before = Known {
            initialized: known.initialized.min(part),
            stale: known.stale.min(part),
        };
        // SAFETY: the first `known.initialized` bytes are, and `before` is no more than that or than the part.
        let (result, filled, after) =
            unsafe { ReadCursor::with_known(&mut bytes[..part], before, f) };
        // What is known of a part is no news if it ends before that of the whole.
        known.initialized = known.initialized.max(after.initialized);
        if known.stale <= part {
            known.stale = after.stale;
        }
        (result, filled)
    }

    /// What has been initialised; what was filled is the beginning of it.
    #[inline]
    pub(crate) fn initialized(&self) -> &[u8] {
        // SAFETY: these bytes are initialised, and borrowed through `self`.
        unsafe { slice::from_raw_parts(self.0.bytes.as_ptr().cast(), self.0.known.initialized) }
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
            .field("initialized", &self.0.known.initialized)
            .field("capacity", &self.capacity())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_what_is_initialised_only_what_was_read_is_zeroed_at_the_next_read() {
        let mut memory = Memory::new(8);
        let ((), filled) = memory.lend(8, |cursor| {
            // It writes more than it counts, which shows what is zeroed and what is not.
            cursor.initialize_unfilled().copy_from_slice(b"abcdefgh");
            cursor.advance(2).unwrap();
        });
        assert_eq!((filled, memory.initialized()), (2, &b"abcdefgh"[..]));
        memory.lend(8, |cursor| {
            assert!(!cursor.is_initialized(), "what was read is to be zeroed");
            assert_eq!(cursor.initialize_unfilled(), b"\0\0cdefgh");
            assert!(cursor.is_initialized());
            cursor.initialize_unfilled()[0] = b'x';
            // Once: it is this reader's now.
            assert_eq!(cursor.initialize_unfilled(), b"x\0cdefgh");
        });
    }

    #[test]
    fn what_was_read_is_zeroed_wherever_the_next_reader_looks_and_however_often_others_read() {
        for (first, second) in [(8, 3), (3, 8), (5, 5), (8, 0)] {
            let mut memory = Memory::new(8);
            // Readers that do not ask leave everything as it is.
            memory.lend(8, |cursor| cursor.append(&b"abcdefgh"[..first]));
            memory.lend(8, |cursor| cursor.append(&b"ABCDEFGH"[..second]));
            let look = |memory: &mut Memory, limit, skipped: usize| {
                memory.lend(limit, |cursor| {
                    // In a part of it, and behind what it has appended itself.
                    cursor.append(&b"--------"[..skipped]);
                    let (seen, _) = cursor.limited(2, |part| part.initialize_unfilled().to_vec());
                    assert!(seen.iter().all(|&byte| byte == 0), "{seen:?}");
                    let seen = cursor.initialize_unfilled().to_vec();
                    assert!(seen.iter().all(|&byte| byte == 0), "{seen:?}");
                })
            };
            look(&mut memory, 2, 0);
            look(&mut memory, 7, 1);
            look(&mut memory, 100, 0);
        }
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
        memory.lend(2, |cursor| {
            cursor.append(b"12");
            assert!(cursor.is_initialized());
        });
        memory.lend(0, |cursor| assert_eq!(cursor.append(b"x"), 0));
        assert_eq!(memory.initialized().len(), 5);
    }
}
