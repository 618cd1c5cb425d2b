#[cfg(unix)]
use std::os::fd::{AsFd, BorrowedFd};
use std::{
    fmt,
    io::{self, IoSlice, Write},
    sync::Arc,
    task::{Context, Poll},
};

use super::{ReadHalf, ReuniteError};
use crate::AsyncWrite;

/// The half of an object that writes; from [`split`](super::split()).
#[derive(Debug)]
pub struct WriteHalf<T> {
    object: Arc<T>,
}

impl<T> WriteHalf<T> {
    pub(super) fn new(object: Arc<T>) -> Self {
        Self { object }
    }

    pub(super) fn object(&self) -> &Arc<T> {
        &self.object
    }

    /// Puts the object together again.
    ///
    /// # Errors
    ///
    /// [`ReuniteError`], with both halves in it, if they are of different objects.
    pub fn reunite(self, read: ReadHalf<T>) -> Result<T, ReuniteError<ReadHalf<T>, Self>> {
        read.reunite(self)
    }

    /// The object.
    pub fn get_ref(&self) -> &T {
        &self.object
    }
}

impl<T> Write for WriteHalf<T>
where
    for<'a> &'a T: Write,
{
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        (&*self.object).write(buf)
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        (&*self.object).write_vectored(bufs)
    }

    fn flush(&mut self) -> io::Result<()> {
        (&*self.object).flush()
    }

    fn write_all(&mut self, buf: &[u8]) -> io::Result<()> {
        (&*self.object).write_all(buf)
    }

    fn write_fmt(&mut self, args: fmt::Arguments<'_>) -> io::Result<()> {
        (&*self.object).write_fmt(args)
    }
}

impl<T> AsyncWrite for WriteHalf<T>
where
    for<'a> &'a T: AsyncWrite,
{
    fn poll_write_from(&mut self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        (&*self.object).poll_write_from(cx, buf)
    }

    fn poll_write_slices(
        &mut self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        (&*self.object).poll_write_slices(cx, bufs)
    }

    fn writes_slices(&self) -> bool {
        (&*self.object).writes_slices()
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        (&*self.object).poll_flush(cx)
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        (&*self.object).poll_shutdown(cx)
    }
}

#[cfg(unix)]
impl<T: AsFd> AsFd for WriteHalf<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.object.as_fd()
    }
}
