use std::{
    io,
    task::{Context, Poll, ready},
};

use io_traits::{
    io::{Watch, Way},
    pool,
    task::budget,
};
use reactor::Direction;

use super::{RelayError, Relayed, held::Held};
use crate::sys::{self, Pipe};

/// One way of a relay, without its two sockets.
#[derive(Debug)]
pub(super) struct Lane {
    state: State,
    means: Means,
    held: Held,
    carried: u64,
    /// The most bytes that are taken at a time.
    buffer_size: usize,
}

/// ```text
///     Carry ──── end of the reader, nothing held ───▶ End ── shut down ──▶ Over
///       └─ stopped ─▶ Last ── nothing held ───────────▲
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Carry,
    /// What is held is still given, but nothing more is taken.
    Last,
    End,
    Over,
}

/// How bytes are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Means {
    Splice,
    /// The system refuses to splice these two, or cannot be relied upon to.
    Buffers,
}

impl Lane {
    pub(super) fn new() -> Self {
        Self {
            state: State::Carry,
            means: Means::Splice,
            held: Held::default(),
            carried: 0,
            buffer_size: usize::MAX,
        }
    }

    pub(super) fn set_buffer_size(&mut self, bytes: usize) {
        self.buffer_size = bytes.max(1);
    }

    pub(super) fn carried(&self) -> u64 {
        self.carried
    }

    /// How many bytes have been taken and not yet been given.
    pub(super) fn unwritten(&self) -> usize {
        self.held.len()
    }

    /// Whether it takes nothing more, and has given everything.
    pub(super) fn has_ended(&self) -> bool {
        matches!(self.state, State::End | State::Over)
    }

    /// Takes nothing more; what is held is still given, and the end is passed on.
    pub(super) fn stop(&mut self) {
        if self.state == State::Carry {
            self.state = State::Last;
        }
    }

    /// Ready when the end has been passed on.
    pub(super) fn poll<F: Relayed, T: Relayed>(
        &mut self,
        cx: &mut Context<'_>,
        way: Way,
        (from, to): (&F, &T),
        watch: &mut impl Watch,
    ) -> Poll<io::Result<()>> {
        if !self.has_ended() {
            let before = self.carried;
            let polled = self.poll_carry(cx, way, from, to);
            let bytes = self.carried - before;
            if bytes > 0 {
                watch.carried(way, usize::try_from(bytes).unwrap_or(usize::MAX));
            }
            ready!(polled)?;
            watch.ended(way);
            self.state = State::End;
        }
        if self.state == State::End {
            to.end()
                .map_err(|error| RelayError::of(way, Direction::Write, error))?;
            self.state = State::Over;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_carry<F: Relayed, T: Relayed>(
        &mut self,
        cx: &mut Context<'_>,
        way: Way,
        from: &F,
        to: &T,
    ) -> Poll<io::Result<()>> {
        loop {
            if self.held.len() > 0 {
                let n = ready!(self.poll_give(cx, to))
                    .map_err(|error| RelayError::of(way, Direction::Write, error))?;
                self.carried += n as u64;
                continue;
            }
            if self.state == State::Last {
                break;
            }
            ready!(budget::poll_left(cx));
            match self.poll_take(cx, from) {
                Poll::Pending => {
                    self.held.give_back();
                    return Poll::Pending;
                }
                Poll::Ready(Ok(0)) => break,
                Poll::Ready(Ok(_)) => budget::spend(),
                Poll::Ready(Err(error)) => {
                    let error = RelayError::of(way, Direction::Read, error);
                    return Poll::Ready(Err(error));
                }
            }
        }
        self.held.give_back();
        Poll::Ready(Ok(()))
    }

    /// Takes some bytes when there are none; 0 are the end.
    fn poll_take(&mut self, cx: &mut Context<'_>, from: &impl Relayed) -> Poll<io::Result<usize>> {
        if self.means == Means::Splice {
            if self.held.pipe.is_none() {
                self.held.pipe = Pipe::take();
            }
            if let Some(pipe) = &mut self.held.pipe {
                match ready!(from.poll_fill(cx, pipe, self.buffer_size)) {
                    // Nothing: is it really the end? An urgent byte may not have been reported yet.
                    Ok(None | Some(0)) => self.means = Means::Buffers,
                    Err(error) if sys::is_refusal(&error) => self.means = Means::Buffers,
                    Ok(Some(n)) => return Poll::Ready(Ok(n)),
                    Err(error) => return Poll::Ready(Err(error)),
                }
            }
            // No pipe: the system is short of descriptors. The next time there may be one.
        }
        let buf = ready!(from.poll_recv(cx, self.buffer_size))?;
        let n = buf.len();
        self.held.keep(Some(buf));
        Poll::Ready(Ok(n))
    }

    /// Gives some of the bytes that are held; returns how many.
    fn poll_give(&mut self, cx: &mut Context<'_>, to: &impl Relayed) -> Poll<io::Result<usize>> {
        loop {
            if !self.held.rest().is_empty() {
                let n = ready!(to.poll_send(cx, self.held.rest()))?;
                self.held.gave(n);
                return Poll::Ready(checked(n));
            }
            let pipe = self.held.pipe.as_mut().expect("what holds the bytes");
            if self.means == Means::Splice {
                match ready!(to.poll_empty(cx, pipe)) {
                    Err(error) if sys::is_refusal(&error) => self.means = Means::Buffers,
                    Ok(n) => return Poll::Ready(checked(n)),
                    error => return Poll::Ready(error),
                }
            }
            let mut buf = pool::take();
            // The bytes are there, so that this blocks for nobody.
            checked(pipe.read_into(&mut buf)?)?;
            self.held.keep(Some(buf));
        }
    }
}

fn checked(n: usize) -> io::Result<usize> {
    match n {
        0 => Err(io::ErrorKind::WriteZero.into()),
        n => Ok(n),
    }
}
