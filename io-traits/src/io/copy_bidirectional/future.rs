use std::{
    fmt,
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use super::{Carried, Idle, Linger, Watch, Way};
use crate::{
    AsyncRead, AsyncWrite,
    io::{pump::Pump, rounds::Rounds},
};

/// Copies both ways between `a` and `b` until both have ended; resolves to what was carried.
///
/// When one way ends, the end is passed on: its writer is flushed and shut down, and the other way goes
/// on (half-close). Each way flushes before it waits, and holds no buffer while it does. Together they
/// yield to other tasks after 128 reads of up to 64 KiB, and take turns in who comes first.
///
/// Options are methods of the future: [`buffer_size`](CopyBidirectional::buffer_size),
/// [`close_both`](CopyBidirectional::close_both), [`linger`](CopyBidirectional::linger),
/// [`idle_limit`](CopyBidirectional::idle_limit), [`watch`](CopyBidirectional::watch).
///
/// # Cancel safety
///
/// Not cancel safe while a writer blocks: what was read and not yet written is dropped with the future.
/// [`CopyBidirectional::unwritten`] tells how much that is.
///
/// # Errors
///
/// The first error of either way ends both. [`WriteZero`](io::ErrorKind::WriteZero) if a writer takes no
/// more bytes. Otherwise those of the readers, the writers and the watch, but never `WouldBlock` nor
/// `Interrupted`. [`CopyBidirectional::carried`] tells how far it came.
///
/// # Examples
///
/// ```
/// use io_traits::{duplex, io::{copy_bidirectional, read_to_end, shutdown, write_all}};
/// use futures::{executor::block_on, join};
///
/// # block_on(async {
/// let (mut client, mut a) = duplex(64);
/// let (mut b, mut server) = duplex(64);
/// let proxy = copy_bidirectional(&mut a, &mut b);
/// let asks = async {
///     write_all(&mut client, b"question").await?;
///     shutdown(&mut client).await
/// };
/// let answers = async {
///     let mut question = Vec::new();
///     read_to_end(&mut server, &mut question, 80).await?;
///     write_all(&mut server, b"answer").await?;
///     shutdown(&mut server).await
/// };
/// let (carried, asked, answered) = join!(proxy, asks, answers);
/// (asked?, answered?);
/// let carried = carried?;
/// assert_eq!((carried.a_to_b, carried.b_to_a), (8, 6));
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
pub fn copy_bidirectional<'a, A, B>(a: &'a mut A, b: &'a mut B) -> CopyBidirectional<'a, A, B>
where
    A: AsyncRead + AsyncWrite + ?Sized,
    B: AsyncRead + AsyncWrite + ?Sized,
{
    CopyBidirectional {
        a,
        b,
        a_to_b: Lane::new(),
        b_to_a: Lane::new(),
        first_end: FirstEnd::HalfClose,
        first: Way::BToA,
        watch: (),
    }
}

/// The future of [`copy_bidirectional()`], with its options.
#[must_use = "futures do nothing unless they are polled"]
pub struct CopyBidirectional<'a, A: ?Sized, B: ?Sized, W = ()> {
    a: &'a mut A,
    b: &'a mut B,
    a_to_b: Lane,
    b_to_a: Lane,
    first_end: FirstEnd,
    /// Which way was polled first the last time.
    first: Way,
    watch: W,
}

/// What the end of one way means for the other.
#[derive(Debug, Clone, Copy)]
enum FirstEnd {
    HalfClose,
    CloseBoth,
}

/// ```text
///   Carry ── end, flushed ──▶ ShutDown ── shut down ──▶ Over
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Carry,
    ShutDown,
    Over,
}

struct Lane {
    pump: Pump,
    state: State,
}

impl<'a, A: ?Sized, B: ?Sized, W> CopyBidirectional<'a, A, B, W> {
    /// Reads at most so many bytes at a time; 64 KiB if it is not said, which the pool lends.
    pub fn buffer_size(mut self, bytes: usize) -> Self {
        self.a_to_b.pump.set_buffer_size(bytes);
        self.b_to_a.pump.set_buffer_size(bytes);
        self
    }

    /// The end of one way ends the other too: what that has read is still written, and both are shut
    /// down.
    pub fn close_both(mut self) -> Self {
        self.first_end = FirstEnd::CloseBoth;
        self
    }

    /// Lets somebody look on: to count, or to end it for reasons of their own. It takes the place of what
    /// looked on so far, so it is said before [`linger`](Self::linger) and [`idle_limit`](Self::idle_limit).
    pub fn watch<V: Watch>(self, watch: V) -> CopyBidirectional<'a, A, B, V> {
        self.map_watch(|_| watch)
    }

    /// Limits how long one way goes on after the other has ended. `start` makes the timer, at the first
    /// end; when it is over, the copy is [stopped](Carried::stopped).
    ///
    /// This crate knows no time, so the timer comes from outside: `.linger(|| handle.sleep(limit))`.
    pub fn linger<F, T>(self, start: F) -> CopyBidirectional<'a, A, B, Linger<W, F, T>>
    where
        F: FnOnce() -> T,
        T: Future,
    {
        self.map_watch(|watch| Linger::new(watch, start))
    }

    /// Ends the copy with [`TimedOut`](io::ErrorKind::TimedOut) when nothing is carried for a while, either
    /// way.
    ///
    /// `start` makes the timer: `.idle_limit(|| handle.sleep(limit))`. It is started anew when it is over, not
    /// at each byte; so the end comes no sooner than its length after the last byte, and no later than twice
    /// that.
    pub fn idle_limit<F, T>(self, start: F) -> CopyBidirectional<'a, A, B, Idle<W, F, T>>
    where
        F: FnMut() -> T,
        T: Future,
    {
        self.map_watch(|watch| Idle::new(watch, start))
    }

    fn map_watch<V>(self, map: impl FnOnce(W) -> V) -> CopyBidirectional<'a, A, B, V> {
        CopyBidirectional {
            a: self.a,
            b: self.b,
            a_to_b: self.a_to_b,
            b_to_a: self.b_to_a,
            first_end: self.first_end,
            first: self.first,
            watch: map(self.watch),
        }
    }

    /// What has been written so far.
    pub fn carried(&self) -> Carried {
        Carried {
            a_to_b: self.a_to_b.pump.copied(),
            b_to_a: self.b_to_a.pump.copied(),
            stopped: false,
        }
    }

    /// How many bytes of a way have been read and not yet written.
    pub fn unwritten(&self, way: Way) -> usize {
        match way {
            Way::AToB => self.a_to_b.pump.unwritten(),
            Way::BToA => self.b_to_a.pump.unwritten(),
        }
    }
}

impl Lane {
    fn new() -> Self {
        Self {
            pump: Pump::new(),
            state: State::Carry,
        }
    }

    fn poll<R, T>(
        &mut self,
        cx: &mut Context<'_>,
        rounds: &mut Rounds,
        way: Way,
        (reader, writer): (&mut R, &mut T),
        watch: &mut impl Watch,
    ) -> Poll<io::Result<()>>
    where
        R: AsyncRead + ?Sized,
        T: AsyncWrite + ?Sized,
    {
        if self.state == State::Carry {
            let before = self.pump.copied();
            let polled = self.pump.poll(cx, rounds, reader, writer);
            let bytes = self.pump.copied() - before;
            if bytes > 0 {
                watch.carried(way, usize::try_from(bytes).unwrap_or(usize::MAX));
            }
            ready!(polled)?;
            watch.ended(way);
            self.state = State::ShutDown;
        }
        if self.state == State::ShutDown {
            ready!(writer.poll_shutdown(cx))?;
            self.state = State::Over;
        }
        Poll::Ready(Ok(()))
    }
}

impl<A, B, W> Future for CopyBidirectional<'_, A, B, W>
where
    A: AsyncRead + AsyncWrite + ?Sized,
    B: AsyncRead + AsyncWrite + ?Sized,
    W: Watch + Unpin,
{
    type Output = io::Result<Carried>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        // The way that comes first could use up the budget of the task every time.
        this.first = this.first.back();
        let mut rounds = Rounds::new();
        let (to_b, to_a) = (&mut this.a_to_b, &mut this.b_to_a);
        loop {
            let mut poll = |way: Way| match way {
                Way::AToB => to_b.poll(
                    cx,
                    &mut rounds,
                    way,
                    (&mut *this.a, &mut *this.b),
                    &mut this.watch,
                ),
                Way::BToA => to_a.poll(
                    cx,
                    &mut rounds,
                    way,
                    (&mut *this.b, &mut *this.a),
                    &mut this.watch,
                ),
            };
            let there = poll(this.first)?;
            let back = poll(this.first.back())?;
            if there.is_ready() && back.is_ready() {
                return Poll::Ready(Ok(this.carried()));
            }
            if let FirstEnd::CloseBoth = this.first_end {
                let ended = |lane: &Lane| lane.state != State::Carry;
                let last = match (ended(to_b), ended(to_a)) {
                    (true, false) => Some(&mut *to_a),
                    (false, true) => Some(&mut *to_b),
                    _ => None,
                };
                if let Some(last) = last {
                    last.pump.stop();
                    this.first_end = FirstEnd::HalfClose;
                    // It waits for a reader that need not be waited for any more.
                    continue;
                }
            }
            ready!(this.watch.poll_stop(cx))?;
            return Poll::Ready(Ok(Carried {
                stopped: true,
                ..this.carried()
            }));
        }
    }
}

impl<A: ?Sized, B: ?Sized, W> fmt::Debug for CopyBidirectional<'_, A, B, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CopyBidirectional")
            .field("carried", &self.carried())
            .finish_non_exhaustive()
    }
}
