//! Memory never blocks, so the provided methods are all it needs.

use std::{
    io::{self, Cursor},
    task::{Context, Poll},
};

use crate::{AsyncRead, AsyncWrite, ReadCursor};

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

impl<T: AsRef<[u8]>> AsyncRead for Cursor<T> {}
impl AsyncRead for io::Empty {}
impl AsyncRead for io::Repeat {}

impl AsyncWrite for Vec<u8> {
    fn writes_slices(&self) -> bool {
        true
    }
}

impl AsyncWrite for &mut [u8] {}
impl AsyncWrite for Cursor<&mut [u8]> {}
impl AsyncWrite for Cursor<Vec<u8>> {}
impl AsyncWrite for Cursor<Box<[u8]>> {}
impl AsyncWrite for io::Sink {}
impl AsyncWrite for io::Empty {}
