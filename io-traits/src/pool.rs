//! Buffers that are lent for as long as there is data in them.
//!
//! A reader that waits holds no buffer: it takes one from the pool of its thread when it is about to
//! read and gives it back when it parks. Ten thousand idle connections then share a handful of
//! buffers, and a message costs no `malloc` and no `free`.

use std::{
    cell::RefCell,
    fmt,
    ops::{Deref, DerefMut},
};

use bytes::BytesMut;

/// The capacity of a lent buffer, in bytes.
pub const CAPACITY: usize = 64 * 1024;

/// Takes an empty buffer of [`CAPACITY`] bytes from the pool of this thread, or makes one.
pub fn take() -> Lent {
    let pooled = POOL.try_with(|pool| pool.borrow_mut().pop()).ok().flatten();
    Lent(pooled.unwrap_or_else(|| BytesMut::with_capacity(CAPACITY)))
}

/// A buffer that goes back to the pool of the thread on which it is dropped.
///
/// A buffer that has grown beyond [`CAPACITY`], or that frames split off from it still refer to, is
/// freed instead.
pub struct Lent(BytesMut);

impl Lent {
    /// Takes the buffer out of the pool for good.
    pub fn into_inner(mut self) -> BytesMut {
        std::mem::take(&mut self.0)
    }
}

/// Sizes, not the bytes: they are somebody's data.
impl fmt::Debug for Lent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lent")
            .field("len", &self.0.len())
            .field("capacity", &self.0.capacity())
            .finish()
    }
}

impl From<BytesMut> for Lent {
    /// Makes a buffer of the caller's own go to the pool at its end.
    fn from(buf: BytesMut) -> Self {
        Self(buf)
    }
}

impl Deref for Lent {
    type Target = BytesMut;

    fn deref(&self) -> &BytesMut {
        &self.0
    }
}

impl DerefMut for Lent {
    fn deref_mut(&mut self) -> &mut BytesMut {
        &mut self.0
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let mut buf = std::mem::take(&mut self.0);
        buf.clear();
        // One that has grown may have just as much left behind what was consumed of it.
        if buf.capacity() == CAPACITY && buf.try_reclaim(CAPACITY + 1) {
            return;
        }
        // False if too small, and if a frame still refers to the memory.
        if !buf.try_reclaim(CAPACITY) || buf.capacity() > CAPACITY {
            return;
        }
        // An error: the thread is going away, and its pool has gone before.
        let _ = POOL.try_with(|pool| {
            let mut pool = pool.borrow_mut();
            if pool.len() < POOLED {
                pool.push(buf);
            }
        });
    }
}

/// How many buffers a thread keeps.
const POOLED: usize = 32;

thread_local! {
    static POOL: RefCell<Vec<BytesMut>> = const { RefCell::new(Vec::new()) };
}

#[cfg(test)]
mod tests {
    use bytes::{Buf, BufMut};

    use super::*;

    #[test]
    fn a_buffer_given_back_is_lent_again_empty_and_whole() {
        let mut lent = take();
        lent.put_slice(b"some bytes");
        let address = lent.as_ptr();
        lent.advance(10);
        drop(lent);
        let again = take();
        assert_eq!(again.as_ptr(), address);
        assert_eq!((again.len(), again.capacity()), (0, CAPACITY));
    }

    #[test]
    fn a_grown_buffer_is_not_lent_again_however_much_of_it_was_consumed() {
        for consumed in [0, 1, CAPACITY - 1, CAPACITY, CAPACITY + 1] {
            let mut lent = take();
            lent.resize(2 * CAPACITY, 0);
            lent.advance(consumed);
            drop(lent);
            assert!(!take().try_reclaim(CAPACITY + 1), "{consumed} consumed");
        }
    }

    #[test]
    fn a_buffer_that_a_frame_refers_to_is_not_lent_again() {
        let mut lent = take();
        lent.put_slice(b"frame");
        let frame = lent.split_to(5);
        drop(lent);
        let mut other = take();
        other.put_slice(b"other");
        assert_eq!(frame, "frame");
    }

    #[test]
    fn a_buffer_that_grew_is_freed() {
        let mut lent = take();
        lent.resize(CAPACITY + 1, 0);
        drop(lent);
        assert_eq!(take().capacity(), CAPACITY);
    }
}
