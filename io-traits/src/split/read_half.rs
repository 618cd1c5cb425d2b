#[cfg(unix)]
use std::os::fd::{AsFd, BorrowedFd};
use std::{
    io::{self, IoSliceMut, Read},
    sync::Arc,
    task::{Context, Poll},
};

use super::{ReuniteError, WriteHalf};
use crate::{AsyncRead, ReadCursor};

/// The half of an object that reads; from [`split`](super::split()).
#[derive(Debug)]
pub struct ReadHalf<T> {
    object: Arc<T>,
}

impl<T> ReadHalf<T> {
    pub(super) fn new(object: Arc<T>) -> Self {
        Self { object }
    }

    /// Puts the object together again.
    ///
    /// # Errors
    ///
    /// [`ReuniteError`], with both halves in it, if they are of different objects.
    pub fn reunite(self, write: WriteHalf<T>) -> Result<T, ReuniteError<Self, WriteHalf<T>>> {
        if !self.is_pair_of(&write) {
            return Err(ReuniteError { read: self, write });
        }
        drop(write);
        Ok(Arc::into_inner(self.object).expect("an object has two halves, and one is gone"))
    }

    /// Whether the two are halves of one object.
    pub fn is_pair_of(&self, write: &WriteHalf<T>) -> bool {
        Arc::ptr_eq(&self.object, write.object())
    }

    /// The object.
    pub fn get_ref(&self) -> &T {
        &self.object
    }
}

impl<T> Read for ReadHalf<T>
where
    for<'a> &'a T: Read,
{
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        (&*self.object).read(buf)
    }

    fn read_vectored(&mut self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        (&*self.object).read_vectored(bufs)
    }

    fn read_to_end(&mut self, buf: &mut Vec<u8>) -> io::Result<usize> {
        (&*self.object).read_to_end(buf)
    }

    fn read_to_string(&mut self, buf: &mut String) -> io::Result<usize> {
        (&*self.object).read_to_string(buf)
    }

    fn read_exact(&mut self, buf: &mut [u8]) -> io::Result<()> {
        (&*self.object).read_exact(buf)
    }
}

impl<T> AsyncRead for ReadHalf<T>
where
    for<'a> &'a T: AsyncRead,
{
    fn poll_read_into(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadCursor<'_>,
    ) -> Poll<io::Result<usize>> {
        (&*self.object).poll_read_into(cx, buf)
    }
}

#[cfg(unix)]
impl<T: AsFd> AsFd for ReadHalf<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.object.as_fd()
    }
}
