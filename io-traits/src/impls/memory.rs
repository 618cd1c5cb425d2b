//! Memory never blocks, so the provided methods are all that writers need; readers copy without zeroing.

use std::{
    collections::VecDeque,
    io::{self, BufRead, Cursor},
    task::{Context, Poll},
};

use crate::{AsyncBufRead, AsyncRead, AsyncWrite, ReadCursor};

impl AsyncRead for &[u8] {
    fn poll_read_into(
        &mut self,
        _: &mut Context<'_>,
        buf: &mut ReadCursor<'_>,
    ) -> Poll<io::Result<usize>> {
        let n = buf.append(self);
        *self = &self[n..];
        Poll::Ready(Ok(n))
    }
}

impl<T: AsRef<[u8]>> AsyncRead for Cursor<T> {
    fn poll_read_into(
        &mut self,
        _: &mut Context<'_>,
        buf: &mut ReadCursor<'_>,
    ) -> Poll<io::Result<usize>> {
        let n = buf.append(self.fill_buf()?);
        self.consume(n);
        Poll::Ready(Ok(n))
    }
}

impl AsyncRead for io::Empty {
    fn poll_read_into(
        &mut self,
        _: &mut Context<'_>,
        _: &mut ReadCursor<'_>,
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(0))
    }
}

impl AsyncRead for io::Repeat {}

impl AsyncRead for VecDeque<u8> {
    fn poll_read_into(
        &mut self,
        _: &mut Context<'_>,
        buf: &mut ReadCursor<'_>,
    ) -> Poll<io::Result<usize>> {
        let n = buf.append(self.fill_buf()?);
        self.consume(n);
        Poll::Ready(Ok(n))
    }
}

impl AsyncBufRead for &[u8] {}
impl AsyncBufRead for VecDeque<u8> {}
impl<T: AsRef<[u8]>> AsyncBufRead for Cursor<T> {}
impl AsyncBufRead for io::Empty {}

macro_rules! takes_slices {
    ($($writer:ty),*) => {$(
        impl AsyncWrite for $writer {
            fn writes_slices(&self) -> bool {
                true
            }
        }
    )*};
}

takes_slices!(
    Vec<u8>,
    VecDeque<u8>,
    &mut [u8],
    Cursor<&mut [u8]>,
    Cursor<Vec<u8>>,
    Cursor<&mut Vec<u8>>,
    Cursor<Box<[u8]>>,
    io::Sink,
    io::Empty
);

impl<const N: usize> AsyncWrite for Cursor<[u8; N]> {
    fn writes_slices(&self) -> bool {
        true
    }
}
