use std::{
    fmt,
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use io_traits::io::Way;

use super::{Relayed, lane::Lane};

/// Carries bytes from one socket to another until the first has ended, and passes the end on; resolves to
/// how many bytes that were.
///
/// It is one way of [`relay`](super::relay()): two of them, in two tasks and maybe on two threads, are a
/// relay whose ways share no budget. What the failure of one means for the other is then the caller's
/// affair.
///
/// # Cancel safety
///
/// As [`relay`](super::relay()); [`RelayOneWay::unwritten`] tells how much is lost.
///
/// # Errors
///
/// As [`relay`](super::relay()), of which this is the way from `a` to `b`.
///
/// # Examples
///
/// ```no_run
/// # use std::rc::Rc;
/// # use net::{TcpStream, reactor::Spawner, relay_one_way};
/// # fn two_tasks(a: TcpStream, b: TcpStream, spawner: &Spawner) {
/// let (a, b) = (Rc::new(a), Rc::new(b));
/// let (from, to) = (a.clone(), b.clone());
/// spawner.spawn(async move { relay_one_way(&*from, &*to).await });
/// spawner.spawn(async move { relay_one_way(&*b, &*a).await });
/// # }
/// ```
pub fn relay_one_way<'a, F: Relayed, T: Relayed>(from: &'a F, to: &'a T) -> RelayOneWay<'a, F, T> {
    RelayOneWay {
        from,
        to,
        lane: Lane::new(),
    }
}

/// The future of [`relay_one_way()`].
#[must_use = "futures do nothing unless they are polled"]
pub struct RelayOneWay<'a, F, T> {
    from: &'a F,
    to: &'a T,
    lane: Lane,
}

impl<F, T> RelayOneWay<'_, F, T> {
    /// As [`Relay::buffer_size`](super::Relay::buffer_size).
    pub fn buffer_size(mut self, bytes: usize) -> Self {
        self.lane.set_buffer_size(bytes);
        self
    }

    /// How many bytes have been carried so far.
    pub fn carried(&self) -> u64 {
        self.lane.carried()
    }

    /// How many bytes have been taken from the one socket and not yet been given to the other.
    pub fn unwritten(&self) -> usize {
        self.lane.unwritten()
    }
}

impl<F: Relayed, T: Relayed> Future for RelayOneWay<'_, F, T> {
    type Output = io::Result<u64>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let sockets = (this.from, this.to);
        ready!(this.lane.poll(cx, Way::AToB, sockets, &mut ()))?;
        Poll::Ready(Ok(this.lane.carried()))
    }
}

impl<F, T> fmt::Debug for RelayOneWay<'_, F, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RelayOneWay")
            .field("carried", &self.carried())
            .field("unwritten", &self.unwritten())
            .finish_non_exhaustive()
    }
}
