use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use memchr::memchr;

use super::{TooLong, rounds::Rounds};
use crate::{AsyncBufRead, task::budget};

/// Appends everything up to the next `delimiter`, with it, to `buf`; resolves to the number of bytes.
///
/// The end of the reader ends it as well: without a delimiter at the end of `buf`, and with `Ok(0)` if
/// nothing came before it.
///
/// # Cancel safety
///
/// Cancel safe: what was read is in `buf`. A new call goes on, with a limit of its own.
///
/// # Errors
///
/// One with the source [`TooLong`] if `limit` bytes came, none of them the delimiter, and there are
/// more; they are in `buf`, the rest is in the reader. Otherwise those of the reader, but never
/// `WouldBlock` nor `Interrupted`.
///
/// # Examples
///
/// ```
/// # futures::executor::block_on(async {
/// let mut stream: &[u8] = b"key=value";
/// let mut key = Vec::new();
/// assert_eq!(io_traits::io::read_until(&mut stream, b'=', &mut key, 80).await?, 4);
/// assert_eq!(key, b"key=");
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
pub fn read_until<'a, R: AsyncBufRead + ?Sized>(
    reader: &'a mut R,
    delimiter: u8,
    buf: &'a mut Vec<u8>,
    limit: usize,
) -> ReadUntil<'a, R> {
    ReadUntil {
        reader,
        delimiter,
        buf,
        limit,
        read: 0,
    }
}

/// The future of [`read_until()`].
#[derive(Debug)]
#[must_use = "futures do nothing unless they are polled"]
pub struct ReadUntil<'a, R: ?Sized> {
    reader: &'a mut R,
    delimiter: u8,
    buf: &'a mut Vec<u8>,
    limit: usize,
    read: usize,
}

impl<R: ?Sized> ReadUntil<'_, R> {
    /// How many bytes have been appended so far.
    pub fn appended(&self) -> usize {
        self.read
    }
}

impl<R: AsyncBufRead + ?Sized> Future for ReadUntil<'_, R> {
    type Output = io::Result<usize>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let mut rounds = Rounds::new();
        loop {
            let room = this.limit - this.read;
            let (n, end) = ready!(poll_piece(
                this.reader,
                cx,
                &mut rounds,
                this.delimiter,
                this.buf,
                room
            ))?;
            this.read += n;
            match end {
                PieceEnd::Delimiter | PieceEnd::End => return Poll::Ready(Ok(this.read)),
                PieceEnd::Limit => return Poll::Ready(Err(TooLong::new(this.limit).into())),
                PieceEnd::Buffer => {}
            }
        }
    }
}

/// Why a piece was no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PieceEnd {
    Delimiter,
    /// That of the reader.
    End,
    /// There was no room for more, although there is more.
    Limit,
    /// Nothing more was buffered.
    Buffer,
}

/// Moves what the reader has buffered to `buf`: up to the delimiter, and not more than `room` bytes.
pub(super) fn poll_piece<R: AsyncBufRead + ?Sized>(
    reader: &mut R,
    cx: &mut Context<'_>,
    rounds: &mut Rounds,
    delimiter: u8,
    buf: &mut Vec<u8>,
    room: usize,
) -> Poll<io::Result<(usize, PieceEnd)>> {
    ready!(rounds.poll_left(cx));
    let there = ready!(reader.poll_fill_buf(cx))?;
    budget::spend();
    if there.is_empty() {
        return Poll::Ready(Ok((0, PieceEnd::End)));
    }
    if room == 0 {
        return Poll::Ready(Ok((0, PieceEnd::Limit)));
    }
    let fits = &there[..there.len().min(room)];
    let (n, end) = match memchr(delimiter, fits) {
        Some(at) => (at + 1, PieceEnd::Delimiter),
        None => (fits.len(), PieceEnd::Buffer),
    };
    buf.extend_from_slice(&fits[..n]);
    reader.consume(n);
    Poll::Ready(Ok((n, end)))
}
