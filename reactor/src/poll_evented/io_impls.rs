//! `Read`, `Write`, `AsyncRead` and `AsyncWrite` for `PollEvented<E>` and for `&` of it, where `E` and `&E`
//! have the first two.

use std::{
    io::{self, IoSlice, Read, Write},
    task::{Context, Poll},
};

use io_traits::{AsyncRead, AsyncWrite, ReadCursor, task};
use mio::event::Source;

use super::PollEvented;

impl<E: Source + Read> Read for PollEvented<E> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        task::poll(|cx| {
            if buf.is_empty() {
                return Poll::Ready(Ok(0));
            }
            self.poll_read_with_mut(cx, |io| io.read(buf))
        })
    }
}

impl<E: Source + Write> Write for PollEvented<E> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        task::poll(|cx| self.poll_write_from(cx, buf))
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        task::poll(|cx| self.poll_write_slices(cx, bufs))
    }

    fn flush(&mut self) -> io::Result<()> {
        task::poll(|cx| self.poll_flush(cx))
    }
}

impl<E: Source + Read> AsyncRead for PollEvented<E> {
    fn poll_read_into(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadCursor<'_>,
    ) -> Poll<io::Result<usize>> {
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(0));
        }
        self.poll_read_with_mut(cx, |io| buf.fill_with(|memory| io.read(memory)))
    }
}

impl<E: Source + Write> AsyncWrite for PollEvented<E> {
    fn poll_write_from(&mut self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        self.poll_write_with_mut(cx, |io| io.write(buf))
    }

    fn poll_write_slices(
        &mut self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if bufs.iter().all(|buf| buf.is_empty()) {
            return Poll::Ready(Ok(0));
        }
        self.poll_write_with_mut(cx, |io| io.write_vectored(bufs))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_write_with_mut(cx, |io| io.flush())
    }
}

impl<E: Source> Read for &PollEvented<E>
where
    for<'a> &'a E: Read,
{
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        task::poll(|cx| {
            if buf.is_empty() {
                return Poll::Ready(Ok(0));
            }
            self.poll_read_with(cx, |mut io| io.read(buf))
        })
    }
}

impl<E: Source> Write for &PollEvented<E>
where
    for<'a> &'a E: Write,
{
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        task::poll(|cx| self.poll_write_from(cx, buf))
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        task::poll(|cx| self.poll_write_slices(cx, bufs))
    }

    fn flush(&mut self) -> io::Result<()> {
        task::poll(|cx| self.poll_flush(cx))
    }
}

impl<E: Source> AsyncRead for &PollEvented<E>
where
    for<'a> &'a E: Read,
{
    fn poll_read_into(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadCursor<'_>,
    ) -> Poll<io::Result<usize>> {
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(0));
        }
        self.poll_read_with(cx, |mut io| buf.fill_with(|memory| io.read(memory)))
    }
}

impl<E: Source> AsyncWrite for &PollEvented<E>
where
    for<'a> &'a E: Write,
{
    fn poll_write_from(&mut self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        self.poll_write_with(cx, |mut io| io.write(buf))
    }

    fn poll_write_slices(
        &mut self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if bufs.iter().all(|buf| buf.is_empty()) {
            return Poll::Ready(Ok(0));
        }
        self.poll_write_with(cx, |mut io| io.write_vectored(bufs))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_write_with(cx, |mut io| io.flush())
    }
}
