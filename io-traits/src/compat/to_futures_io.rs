use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
};

use crate::{AsyncBufRead, AsyncRead, AsyncWrite, async_read::poll_read_slice};

/// An object of ours as one of the `futures-io` traits.
///
/// Closing it shuts it down.
///
/// # Examples
///
/// ```
/// use futures::{AsyncReadExt, AsyncWriteExt};
/// use io_traits::{compat::ToFuturesIo, duplex};
///
/// # futures::executor::block_on(async {
/// let (one, two) = duplex(64);
/// let (mut one, mut two) = (ToFuturesIo::new(one), ToFuturesIo::new(two));
/// one.write_all(b"hello").await?;
/// one.close().await?;
/// let mut all = String::new();
/// two.read_to_string(&mut all).await?;
/// assert_eq!(all, "hello");
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct ToFuturesIo<T> {
    object: T,
}

impl<T> ToFuturesIo<T> {
    /// Adapts an object.
    pub fn new(object: T) -> Self {
        Self { object }
    }

    /// The object.
    pub fn get_ref(&self) -> &T {
        &self.object
    }

    /// The object.
    pub fn get_mut(&mut self) -> &mut T {
        &mut self.object
    }

    /// Gives the object back.
    pub fn into_inner(self) -> T {
        self.object
    }
}

// Our traits know no pinning: the object is only ever used through `&mut`.
impl<T> Unpin for ToFuturesIo<T> {}

impl<T: AsyncRead> futures_io::AsyncRead for ToFuturesIo<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        poll_read_slice(&mut self.object, cx, buf)
    }
}

impl<T: AsyncBufRead> futures_io::AsyncBufRead for ToFuturesIo<T> {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        self.get_mut().object.poll_fill_buf(cx)
    }

    fn consume(mut self: Pin<&mut Self>, n: usize) {
        self.object.consume(n);
    }
}

impl<T: AsyncWrite> futures_io::AsyncWrite for ToFuturesIo<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.object.poll_write_from(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.object.poll_write_slices(cx, bufs)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.object.poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.object.poll_shutdown(cx)
    }
}
