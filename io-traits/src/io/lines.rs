use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures::Stream;

use super::{
    TooLong,
    line::{beyond, without_end},
    read_until::{PieceEnd, poll_piece},
    rounds::Rounds,
};
use crate::AsyncBufRead;

/// The lines of a reader, without their ends (`\n` or `\r\n`), as a [`Stream`].
///
/// Bytes are collected and become text when the line is whole, so that a character of several bytes
/// may come in pieces. A last line needs no end. `limit` is the longest line in bytes, its end not
/// counted.
///
/// # Cancel safety
///
/// Cancel safe: what has come of a line is kept in the `Lines`, not in the future that waits for it.
///
/// # Errors
///
/// Items, after which the next line follows: one with the source [`TooLong`] in place of a line that
/// is longer than `limit`, [`InvalidData`](io::ErrorKind::InvalidData) in place of one that is not
/// UTF-8. Otherwise those of the reader, but never `WouldBlock` nor `Interrupted`; nothing is lost by
/// them either.
///
/// # Examples
///
/// ```
/// use futures::StreamExt;
///
/// # futures::executor::block_on(async {
/// let mut stream: &[u8] = b"one\r\ntwo";
/// let mut lines = io_traits::io::lines(&mut stream, 80);
/// assert_eq!(lines.next().await.unwrap()?, "one");
/// assert_eq!(lines.next().await.unwrap()?, "two");
/// assert!(lines.next().await.is_none());
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
pub fn lines<R: AsyncBufRead + ?Sized>(reader: &mut R, limit: usize) -> Lines<'_, R> {
    Lines {
        reader,
        limit,
        bytes: Vec::new(),
        state: State::Collect,
    }
}

/// The stream of [`lines()`].
#[derive(Debug)]
#[must_use = "streams do nothing unless they are polled"]
pub struct Lines<'a, R: ?Sized> {
    reader: &'a mut R,
    limit: usize,
    bytes: Vec<u8>,
    state: State,
}

/// ```text
///   Collect ── too long (an error) ──▶ Skip ── its end ──▶ Collect
/// ```
#[derive(Debug, Clone, Copy)]
enum State {
    Collect,
    /// The rest of a line that was too long is dropped.
    Skip,
}

impl<R: ?Sized> Lines<'_, R> {
    /// What has come of the next line so far.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl<R: AsyncBufRead + ?Sized> Lines<'_, R> {
    fn line(&mut self) -> io::Result<String> {
        let line = without_end(&self.bytes);
        let line = if line.len() > self.limit {
            Err(TooLong::new(self.limit).into())
        } else {
            std::str::from_utf8(line)
                .map(String::from)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
        };
        self.bytes.clear();
        line
    }
}

impl<R: AsyncBufRead + ?Sized> Stream for Lines<'_, R> {
    type Item = io::Result<String>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let mut rounds = Rounds::new();
        loop {
            let room = match this.state {
                State::Collect => beyond(this.limit) - this.bytes.len(),
                State::Skip => {
                    this.bytes.clear();
                    usize::MAX
                }
            };
            let (_, end) = ready!(poll_piece(
                this.reader,
                cx,
                &mut rounds,
                b'\n',
                &mut this.bytes,
                room
            ))?;
            match (this.state, end) {
                (_, PieceEnd::Buffer) => {}
                (State::Collect, PieceEnd::Limit) => {
                    this.state = State::Skip;
                    return Poll::Ready(Some(Err(TooLong::new(this.limit).into())));
                }
                (State::Collect, PieceEnd::End) if this.bytes.is_empty() => {
                    return Poll::Ready(None);
                }
                (State::Collect, PieceEnd::Delimiter | PieceEnd::End) => {
                    return Poll::Ready(Some(this.line()));
                }
                (State::Skip, _) => {
                    this.bytes.clear();
                    this.state = State::Collect;
                }
            }
        }
    }
}
