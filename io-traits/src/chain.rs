use std::{
    io::{self, BufRead, IoSliceMut, Read},
    task::{Context, Poll, ready},
};

use crate::{AsyncBufRead, AsyncRead, ReadCursor};

/// Reads from one reader to its end and then from another; from [`chain()`].
///
/// Unlike std's, it keeps the fast paths of both.
#[derive(Debug)]
pub struct Chain<A, B> {
    first: A,
    second: B,
    reading: Reading,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    First,
    Second,
}

/// Makes one reader of two.
///
/// # Examples
///
/// What was read too much of one protocol, in front of the rest:
///
/// ```
/// use io_traits::{chain, io::read_to_end};
///
/// # futures::executor::block_on(async {
/// let (left, stream): (&[u8], &[u8]) = (b"left over, ", b"the rest");
/// let mut all = Vec::new();
/// read_to_end(&mut chain(left, stream), &mut all, 80).await?;
/// assert_eq!(all, b"left over, the rest");
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
pub fn chain<A, B>(first: A, second: B) -> Chain<A, B> {
    Chain {
        first,
        second,
        reading: Reading::First,
    }
}

impl<A, B> Chain<A, B> {
    /// Gives both readers back.
    pub fn into_parts(self) -> (A, B) {
        (self.first, self.second)
    }

    /// Both readers.
    pub fn get_ref(&self) -> (&A, &B) {
        (&self.first, &self.second)
    }

    /// Both readers. What is read from them here is missing from the chain.
    pub fn get_mut(&mut self) -> (&mut A, &mut B) {
        (&mut self.first, &mut self.second)
    }
}

impl<A: Read, B: Read> Read for Chain<A, B> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.reading == Reading::First {
            let n = self.first.read(buf)?;
            if n > 0 || buf.is_empty() {
                return Ok(n);
            }
            self.reading = Reading::Second;
        }
        self.second.read(buf)
    }

    fn read_vectored(&mut self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        if self.reading == Reading::First {
            let n = self.first.read_vectored(bufs)?;
            if n > 0 || bufs.iter().all(|buf| buf.is_empty()) {
                return Ok(n);
            }
            self.reading = Reading::Second;
        }
        self.second.read_vectored(bufs)
    }

    fn read_to_end(&mut self, buf: &mut Vec<u8>) -> io::Result<usize> {
        let mut n = 0;
        if self.reading == Reading::First {
            n = self.first.read_to_end(buf)?;
            self.reading = Reading::Second;
        }
        Ok(n + self.second.read_to_end(buf)?)
    }
}

impl<A: BufRead, B: BufRead> BufRead for Chain<A, B> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.reading == Reading::First {
            if self.first.fill_buf()?.is_empty() {
                self.reading = Reading::Second;
            } else {
                return self.first.fill_buf();
            }
        }
        self.second.fill_buf()
    }

    fn consume(&mut self, n: usize) {
        match self.reading {
            Reading::First => self.first.consume(n),
            Reading::Second => self.second.consume(n),
        }
    }
}

impl<A: AsyncRead, B: AsyncRead> AsyncRead for Chain<A, B> {
    fn poll_read_into(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadCursor<'_>,
    ) -> Poll<io::Result<usize>> {
        if self.reading == Reading::First {
            let before = buf.filled();
            ready!(self.first.poll_read_into(cx, buf))?;
            let n = buf.filled() - before;
            if n > 0 || buf.remaining() == 0 {
                return Poll::Ready(Ok(n));
            }
            self.reading = Reading::Second;
        }
        self.second.poll_read_into(cx, buf)
    }
}

impl<A: AsyncBufRead, B: AsyncBufRead> AsyncBufRead for Chain<A, B> {
    fn poll_fill_buf(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        if self.reading == Reading::First {
            if ready!(self.first.poll_fill_buf(cx))?.is_empty() {
                self.reading = Reading::Second;
            } else {
                // Lent a second time: the slice above cannot leave the condition it is in.
                return self.first.poll_fill_buf(cx);
            }
        }
        self.second.poll_fill_buf(cx)
    }
}
