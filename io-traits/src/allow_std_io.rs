use std::io::{self, BufRead, Read, Seek, SeekFrom, Write};

use crate::{
    AsyncBufRead, AsyncRead, AsyncWrite,
    forward::{forward_read, forward_write},
};

/// A blocking reader or writer of std where one that never blocks is asked for.
///
/// It **blocks the thread**, and with it every task of its event loop, for as long as the operation
/// takes. That is right for what is quick, as a file that is in the cache, and in tests; it is wrong
/// for pipes, terminals and blocking sockets.
///
/// Shutting it down only flushes it.
///
/// # Examples
///
/// ```no_run
/// use io_traits::{AllowStdIo, io::read_to_end};
///
/// # futures::executor::block_on(async {
/// let mut file = AllowStdIo::new(std::fs::File::open("Cargo.toml")?);
/// let mut all = Vec::new();
/// read_to_end(&mut file, &mut all, 1 << 20).await?;
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct AllowStdIo<T>(T);

impl<T> AllowStdIo<T> {
    /// Allows the object here.
    pub fn new(object: T) -> Self {
        Self(object)
    }

    /// The object.
    pub fn get_ref(&self) -> &T {
        &self.0
    }

    /// The object.
    pub fn get_mut(&mut self) -> &mut T {
        &mut self.0
    }

    /// Gives the object back.
    pub fn into_inner(self) -> T {
        self.0
    }
}

forward_read!([T: Read] AllowStdIo<T>, |this| this.0);
forward_write!([T: Write] AllowStdIo<T>, |this| this.0);

impl<T: Read> AsyncRead for AllowStdIo<T> {}

// Whether a writer of std takes slices is not known, so it does not say that it does.
impl<T: Write> AsyncWrite for AllowStdIo<T> {}

impl<T: BufRead> BufRead for AllowStdIo<T> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.0.fill_buf()
    }

    fn consume(&mut self, n: usize) {
        self.0.consume(n);
    }
}

impl<T: BufRead> AsyncBufRead for AllowStdIo<T> {}

impl<T: Seek> Seek for AllowStdIo<T> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}
