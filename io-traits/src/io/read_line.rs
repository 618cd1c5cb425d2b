use std::{
    future::Future,
    io, mem,
    pin::Pin,
    str,
    task::{Context, Poll, ready},
};

use super::{
    TooLong,
    line::{beyond, without_end},
    read_until::{PieceEnd, poll_piece},
    rounds::Rounds,
};
use crate::AsyncBufRead;

/// Appends the next line, with its end, to `line`; resolves to the number of bytes, 0 at the end.
///
/// Bytes are collected and become text when the line is whole, so that a character of several bytes
/// may come in pieces. `limit` is the longest line in bytes, its end (`\n` or `\r\n`) not counted.
///
/// # Cancel safety
///
/// Not cancel safe by itself: the bytes of a line that is not whole yet are in the future. Whoever
/// wants to go on later keeps it and asks [`ReadLine::bytes`]. [`lines`](super::lines()) is cancel safe.
///
/// # Errors
///
/// One with the source [`TooLong`] if the line is longer than `limit`.
/// [`InvalidData`](io::ErrorKind::InvalidData) if it is not UTF-8. In both cases `line` is as before.
/// Otherwise those of the reader, but never `WouldBlock` nor `Interrupted`.
///
/// # Examples
///
/// ```
/// # futures::executor::block_on(async {
/// let mut stream: &[u8] = b"one\ntwo\n";
/// let mut line = String::new();
/// assert_eq!(io_traits::io::read_line(&mut stream, &mut line, 80).await?, 4);
/// assert_eq!(line, "one\n");
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
pub fn read_line<'a, R: AsyncBufRead + ?Sized>(
    reader: &'a mut R,
    line: &'a mut String,
    limit: usize,
) -> ReadLine<'a, R> {
    ReadLine {
        reader,
        line,
        limit,
        bytes: Vec::new(),
    }
}

/// The future of [`read_line()`].
#[derive(Debug)]
#[must_use = "futures do nothing unless they are polled"]
pub struct ReadLine<'a, R: ?Sized> {
    reader: &'a mut R,
    line: &'a mut String,
    limit: usize,
    bytes: Vec<u8>,
}

impl<R: ?Sized> ReadLine<'_, R> {
    /// What has come of the line so far; after an error, what was wrong with it.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl<R: AsyncBufRead + ?Sized> Future for ReadLine<'_, R> {
    type Output = io::Result<usize>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let mut rounds = Rounds::new();
        loop {
            let room = beyond(this.limit) - this.bytes.len();
            let (_, end) = ready!(poll_piece(
                this.reader,
                cx,
                &mut rounds,
                b'\n',
                &mut this.bytes,
                room
            ))?;
            if end == PieceEnd::Buffer {
                continue;
            }
            if end == PieceEnd::Limit || without_end(&this.bytes).len() > this.limit {
                return Poll::Ready(Err(TooLong::new(this.limit).into()));
            }
            let text = str::from_utf8(&this.bytes)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
            this.line.push_str(text);
            return Poll::Ready(Ok(mem::take(&mut this.bytes).len()));
        }
    }
}
