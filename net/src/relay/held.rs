use io_traits::pool::Lent;

use crate::sys::Pipe;

/// What has been taken from one socket and not yet been given to the other.
///
/// The bytes of the buffer come first: they may have been in the pipe.
#[derive(Debug, Default)]
pub(super) struct Held {
    pub(super) pipe: Option<Pipe>,
    pub(super) buf: Option<Lent>,
    /// How much of the buffer has been given.
    pub(super) given: usize,
}

impl Held {
    /// How many bytes there are.
    pub(super) fn len(&self) -> usize {
        self.in_buffer() + self.pipe.as_ref().map_or(0, Pipe::len)
    }

    /// The bytes of the buffer.
    pub(super) fn rest(&self) -> &[u8] {
        self.buf.as_ref().map_or(&[], |buf| &buf[self.given..])
    }

    /// So many bytes of the buffer have been given.
    pub(super) fn gave(&mut self, n: usize) {
        self.given += n;
        if self.in_buffer() == 0 {
            self.keep(None);
        }
    }

    pub(super) fn keep(&mut self, buf: Option<Lent>) {
        self.buf = buf;
        self.given = 0;
    }

    /// There are no bytes and none are expected soon: the pipe is for others.
    pub(super) fn give_back(&mut self) {
        if let Some(pipe) = self.pipe.take() {
            pipe.give_back();
        }
    }

    fn in_buffer(&self) -> usize {
        self.rest().len()
    }
}

/// A relay that ends between two transfers leaves an empty pipe.
impl Drop for Held {
    fn drop(&mut self) {
        self.give_back();
    }
}
