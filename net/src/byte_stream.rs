use std::{
    fs::File,
    io::{self, IoSlice, IoSliceMut, Read, Write},
    net::Shutdown,
    task::{Context, Poll},
};

use io_traits::ReadCursor;
use reactor::{PollEvented, Progress, mio::event::Source};

use crate::sys;

/// A socket of mio's that carries bytes: what one kind of them has that the others have not.
pub(crate) trait Carrier: Source + sys::Socket {
    /// Whether a write that was not taken whole has filled the socket.
    const TRUSTS_SHORT_WRITES: bool;

    fn receive(&self, buf: &mut [u8]) -> io::Result<Received>;

    fn receive_vectored(&self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<Received>;

    fn receive_into(&self, buf: &mut ReadCursor<'_>) -> io::Result<Received>;

    fn peek(&self, buf: &mut [u8]) -> io::Result<usize>;

    fn shutdown(&self, how: Shutdown) -> io::Result<()>;
}

/// What a read has got.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Received {
    /// How many; 0 is the end.
    pub(crate) bytes: usize,
    /// Whether nothing else than a lack of bytes can have cut it short.
    pub(crate) stops_only_when_empty: bool,
}

impl Received {
    /// What has been read out of `asked` bytes, and whether the socket is known to be empty.
    #[inline]
    pub(crate) fn out_of(self, asked: usize) -> Progress<usize> {
        Progress {
            value: self.bytes,
            drained: self.stops_only_when_empty && is_short(self.bytes, asked),
        }
    }
}

/// The operations of a connection that carries bytes, whatever its addresses are.
#[derive(Debug)]
pub(crate) struct ByteStream<S: Source> {
    io: PollEvented<S>,
}

impl<S: Source> ByteStream<S> {
    pub(crate) fn new(io: PollEvented<S>) -> Self {
        Self { io }
    }

    pub(crate) fn into_inner(self) -> PollEvented<S> {
        self.io
    }

    #[inline]
    pub(crate) fn io(&self) -> &PollEvented<S> {
        &self.io
    }

    pub(crate) fn socket(&self) -> &S {
        self.io.get_ref()
    }
}

impl<S: Carrier> ByteStream<S>
where
    for<'a> &'a S: Read + Write,
{
    pub(crate) fn poll_peek(
        &self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        // A short peek proves nothing: what was peeked at is still there.
        self.io.poll_read_with(cx, |io| io.peek(buf))
    }

    #[inline]
    pub(crate) fn poll_read(
        &self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        self.io
            .poll_read_draining(cx, |io| Ok(io.receive(buf)?.out_of(buf.len())))
    }

    pub(crate) fn poll_read_vectored(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        let start = first_of(bufs.iter().map(|buf| buf.len()));
        let most = (bufs.len() - start).min(sys::MOST_SLICES);
        let bufs = &mut bufs[start..][..most];
        // Of these alone: what the system does not even see is no sign of an empty socket.
        let room = bufs.iter().map(|buf| buf.len()).sum();
        if room == 0 {
            return Poll::Ready(Ok(0));
        }
        self.io
            .poll_read_draining(cx, |io| Ok(io.receive_vectored(bufs)?.out_of(room)))
    }

    #[inline]
    pub(crate) fn poll_read_into(
        &self,
        cx: &mut Context<'_>,
        buf: &mut ReadCursor<'_>,
    ) -> Poll<io::Result<usize>> {
        let room = buf.remaining();
        if room == 0 {
            return Poll::Ready(Ok(0));
        }
        self.io
            .poll_read_draining(cx, |io| Ok(io.receive_into(buf)?.out_of(room)))
    }

    #[inline]
    pub(crate) fn poll_write(&self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        self.io.poll_write_draining(cx, |io| {
            let n = sys::send(io, buf)?;
            Ok(Self::was_written(n, buf.len()))
        })
    }

    pub(crate) fn poll_write_vectored(
        &self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let start = first_of(bufs.iter().map(|buf| buf.len()));
        let most = (bufs.len() - start).min(sys::MOST_SLICES);
        let bufs = &bufs[start..][..most];
        let given = bufs.iter().map(|buf| buf.len()).sum();
        if given == 0 {
            return Poll::Ready(Ok(0));
        }
        self.io.poll_write_draining(cx, |io| {
            let n = sys::send_vectored(io, bufs)?;
            Ok(Self::was_written(n, given))
        })
    }

    pub(crate) fn poll_send_file(
        &self,
        cx: &mut Context<'_>,
        file: &File,
        offset: u64,
        len: usize,
    ) -> Poll<io::Result<usize>> {
        if len == 0 {
            return Poll::Ready(Ok(0));
        }
        // A call that moves too much would keep others waiting, if the disk is slow.
        let len = len.min(MOST_OF_FILE);
        // A short transfer proves nothing: the file may have ended.
        let io = &self.io;
        io.poll_write_with(cx, |io| sys::send_file(io, file, offset, len))
    }

    /// Ends the writing side.
    pub(crate) fn end(&self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }

    pub(crate) fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        match self.socket().shutdown(how) {
            // The peer has gone first: there is nobody left to be told.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
            result => result,
        }
    }

    #[inline]
    fn was_written(n: usize, given: usize) -> Progress<usize> {
        Progress {
            value: n,
            drained: S::TRUSTS_SHORT_WRITES && is_short(n, given),
        }
    }
}

/// The most bytes of a file that are sent at a time.
const MOST_OF_FILE: usize = 1 << 20;

/// 0 bytes are not short: they are the end.
#[inline]
fn is_short(n: usize, asked: usize) -> bool {
    0 < n && n < asked
}

/// Where the slices begin that are not empty: a call whose slices all are would look like the end.
fn first_of(lens: impl Iterator<Item = usize>) -> usize {
    lens.take_while(|len| *len == 0).count()
}

/// `Read`, `Write`, `AsyncRead` and `AsyncWrite` for types with a [`ByteStream`] called `bytes`, the
/// same for a stream and for `&` of it.
macro_rules! byte_stream_traits {
    ($($stream:ty),*) => {$(
        impl std::io::Read for $stream {
            fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
                io_traits::task::poll(|cx| self.bytes.poll_read(cx, buf))
            }

            fn read_vectored(
                &mut self,
                bufs: &mut [std::io::IoSliceMut<'_>],
            ) -> std::io::Result<usize> {
                io_traits::task::poll(|cx| self.bytes.poll_read_vectored(cx, bufs))
            }
        }

        impl std::io::Write for $stream {
            fn write(&mut self, buf: &[u8]) -> std::io::Result<usize> {
                io_traits::task::poll(|cx| self.bytes.poll_write(cx, buf))
            }

            fn write_vectored(
                &mut self,
                bufs: &[std::io::IoSlice<'_>],
            ) -> std::io::Result<usize> {
                io_traits::task::poll(|cx| self.bytes.poll_write_vectored(cx, bufs))
            }

            /// Nothing is buffered: `Ok(())` at once, also outside of a task.
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }

        impl io_traits::AsyncRead for $stream {
            #[inline]
            fn poll_read_into(
                &mut self,
                cx: &mut std::task::Context<'_>,
                buf: &mut io_traits::ReadCursor<'_>,
            ) -> std::task::Poll<std::io::Result<usize>> {
                self.bytes.poll_read_into(cx, buf)
            }
        }

        impl io_traits::AsyncWrite for $stream {
            #[inline]
            fn poll_write_from(
                &mut self,
                cx: &mut std::task::Context<'_>,
                buf: &[u8],
            ) -> std::task::Poll<std::io::Result<usize>> {
                self.bytes.poll_write(cx, buf)
            }

            fn poll_write_slices(
                &mut self,
                cx: &mut std::task::Context<'_>,
                bufs: &[std::io::IoSlice<'_>],
            ) -> std::task::Poll<std::io::Result<usize>> {
                self.bytes.poll_write_vectored(cx, bufs)
            }

            fn writes_slices(&self) -> bool {
                true
            }

            fn poll_flush(
                &mut self,
                _: &mut std::task::Context<'_>,
            ) -> std::task::Poll<std::io::Result<()>> {
                std::task::Poll::Ready(Ok(()))
            }

            /// Tells the peer that no byte will follow. Reading stays possible.
            fn poll_shutdown(
                &mut self,
                _: &mut std::task::Context<'_>,
            ) -> std::task::Poll<std::io::Result<()>> {
                std::task::Poll::Ready(self.bytes.end())
            }
        }
    )*};
}

pub(crate) use byte_stream_traits;
