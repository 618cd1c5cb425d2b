//! Memory for reads of which nobody keeps the buffer: that of `copy`, and that of readers that ask for
//! initialised memory.
//!
//! As the [pool](crate::pool) it belongs to the thread and is held only while there is something in it.
//! The pool's buffers can be kept by whoever gets one, and anything may be done with them; this memory
//! never leaves the crate, so what is known of it stays true: how much of it is initialised, and where the bytes
//! of earlier reads end. Those may be another connection's, and are zeroed for a reader that asks for initialised
//! memory: one that lies about its count would hand them out. What a reader wrote without reporting it is not known,
//! and may be seen by the next one.

use std::cell::{Cell, RefCell};

use crate::{cursor::Memory, pool::CAPACITY};

/// Takes memory from this thread, or makes some: [`CAPACITY`] bytes, or as many as are asked for if those
/// are more.
#[inline]
pub(crate) fn take(bytes: usize) -> Memory {
    if bytes > CAPACITY {
        return Memory::new(bytes);
    }
    // An error: the thread is going away.
    let kept = KEPT.try_with(|kept| kept.first.take());
    kept.ok().flatten().unwrap_or_else(take_more)
}

/// Gives memory back to this thread; what has not [`CAPACITY`] bytes is freed.
///
/// Not in a `Drop`, which would be a call of its own in each echo by `copy` (`make count`). Where a panic
/// passes, the memory is freed.
#[inline]
pub(crate) fn give_back(memory: Memory) {
    if memory.capacity() != CAPACITY {
        return;
    }
    let _ = KEPT.try_with(|kept| {
        if let Some(displaced) = kept.first.replace(Some(memory)) {
            give_back_more(kept, displaced);
        }
    });
}

#[cold]
fn take_more() -> Memory {
    let kept = KEPT.try_with(|kept| kept.more.borrow_mut().pop());
    kept.ok().flatten().unwrap_or_else(|| Memory::new(CAPACITY))
}

#[cold]
fn give_back_more(kept: &Kept, memory: Memory) {
    let mut more = kept.more.borrow_mut();
    if more.len() < MOST {
        more.push(memory);
    }
}

/// What a thread keeps. Usually one piece is on its way, which has a place of its own.
struct Kept {
    first: Cell<Option<Memory>>,
    more: RefCell<Vec<Memory>>,
}

/// How many pieces a thread keeps besides the first.
const MOST: usize = 31;

thread_local! {
    static KEPT: Kept = const {
        Kept {
            first: Cell::new(None),
            more: RefCell::new(Vec::new()),
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(memory: &Memory) -> *const u8 {
        memory.initialized().as_ptr()
    }

    #[test]
    fn what_was_given_back_is_taken_again_with_what_is_known_of_it() {
        let mut memory = take(1);
        memory.lend(10, |cursor| cursor.append(b"0123456789"));
        let first = address(&memory);
        let other = take(1);
        assert_ne!(address(&other), first);
        give_back(memory);
        give_back(other);
        let pair = [take(1), take(1)];
        let again = pair.iter().find(|memory| address(memory) == first);
        assert_eq!(again.unwrap().initialized(), b"0123456789");
    }

    #[test]
    fn a_thread_keeps_no_more_than_it_may_and_no_other_sizes() {
        let taken: Vec<_> = (0..2 * MOST).map(|_| take(1)).collect();
        taken.into_iter().for_each(give_back);
        give_back(take(CAPACITY + 1));
        KEPT.with(|kept| assert_eq!(kept.more.borrow().len(), MOST));
        assert_eq!(take(1).capacity(), CAPACITY);
    }

    #[test]
    fn a_thread_that_is_going_away_still_has_memory_to_lend() {
        struct Late;
        impl Drop for Late {
            fn drop(&mut self) {
                let mut memory = take(1);
                memory.lend(1, |cursor| cursor.append(b"x"));
                give_back(memory);
            }
        }
        thread_local! {
            static LATE: Late = const { Late };
        }
        std::thread::spawn(|| {
            LATE.with(|_| ());
            give_back(take(1));
        })
        .join()
        .unwrap();
    }
}
