use std::{
    fmt,
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use io_traits::io::{Carried, Watch, Way};

use super::{Relayed, lane::Lane, limits::Limits};

/// Carries bytes both ways between two sockets until both ways have ended; resolves to what was carried.
///
/// On Linux the bytes go from socket to socket inside the system, by splice(2) and a pipe from a pool of
/// this thread. Elsewhere, and where the system refuses (it is out of descriptors, or does not know how), they
/// go through a buffer from the pool of this thread. A relay that waits for bytes holds neither.
///
/// When one way ends, the end is passed on and the other way goes on (half-close). Together they yield to
/// other tasks after 128 transfers, and take turns in who comes first.
///
/// Options are methods of the future: [`buffer_size`](Relay::buffer_size), [`close_both`](Relay::close_both),
/// [`linger`](Relay::linger), [`idle_limit`](Relay::idle_limit), [`watch`](Relay::watch). For one task per way there is
/// [`relay_one_way`](super::relay_one_way).
///
/// A splice cannot be told to raise no SIGPIPE. Rust's runtime has the process ignore that signal; in one that
/// does not, which is asked once, nothing is spliced.
///
/// Descriptors that travel with the bytes of a Unix socket are closed, as by any read that does not ask for
/// them; urgent data of TCP is left out.
///
/// For other objects than two sockets there is
/// [`copy_bidirectional`](io_traits::io::copy_bidirectional()), which does the same with buffers.
///
/// # Cancel safety
///
/// Not cancel safe while a socket takes no bytes: what was taken from the other one and not yet given is
/// dropped with the future, up to 512 KiB for each way, or the [`buffer_size`](Relay::buffer_size). It is in a
/// pipe, out of reach; [`Relay::unwritten`] tells how much it is.
///
/// # Errors
///
/// The first error of a socket ends both ways; [`RelayError`](crate::RelayError) tells which socket it was
/// and what was done. [`TimedOut`](io::ErrorKind::TimedOut) with the source [`Elapsed`](reactor::Elapsed)
/// after the idle limit. Those of the watch. When the core has been dropped,
/// [`ReactorGone`](reactor::ReactorGone) is the source: of the error of a socket, which is that of the
/// [`RelayError`](crate::RelayError), or of the error of a limit, which has none between. Never `WouldBlock`
/// nor `Interrupted`. [`Relay::carried`] tells how far it came.
///
/// # Examples
///
/// ```
/// use std::{io::{Read, Write}, net::Shutdown};
/// use net::{TcpStream, relay, reactor::Core};
///
/// # fn connection() -> std::io::Result<(std::net::TcpStream, std::net::TcpStream)> {
/// #     let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
/// #     let one = std::net::TcpStream::connect(listener.local_addr()?)?;
/// #     Ok((one, listener.accept()?.0))
/// # }
/// # let (mut client, to_client) = connection()?;
/// # let (mut server, to_server) = connection()?;
/// let mut core = Core::new()?;
/// let a = TcpStream::from_std(to_client, &core.handle())?;
/// let b = TcpStream::from_std(to_server, &core.handle())?;
/// # let server = std::thread::spawn(move || {
/// #     let mut question = String::new();
/// #     server.read_to_string(&mut question).unwrap();
/// #     server.write_all(b"answer").unwrap();
/// # });
/// client.write_all(b"question")?;
/// client.shutdown(Shutdown::Write)?;
/// let carried = core.run(relay(&a, &b))??;
/// assert_eq!((carried.a_to_b, carried.b_to_a), (8, 6));
/// # server.join().unwrap();
/// # std::io::Result::Ok(())
/// ```
pub fn relay<'a, A: Relayed, B: Relayed>(a: &'a A, b: &'a B) -> Relay<'a, A, B> {
    Relay {
        a,
        b,
        a_to_b: Lane::new(),
        b_to_a: Lane::new(),
        first_end: FirstEnd::HalfClose,
        first: Way::BToA,
        limits: Limits::default(),
        watch: (),
    }
}

/// The future of [`relay()`], with its options.
#[must_use = "futures do nothing unless they are polled"]
pub struct Relay<'a, A, B, W = ()> {
    a: &'a A,
    b: &'a B,
    a_to_b: Lane,
    b_to_a: Lane,
    first_end: FirstEnd,
    /// Which way was polled first the last time.
    first: Way,
    limits: Limits,
    watch: W,
}

/// What the end of one way means for the other.
#[derive(Debug, Clone, Copy)]
enum FirstEnd {
    HalfClose,
    CloseBoth,
}

impl<'a, A, B, W> Relay<'a, A, B, W> {
    /// Takes at most so many bytes at a time, and gives them before it takes more. If it is not said, those
    /// are 512 KiB by splice, and 64 KiB by a buffer, which is also the most for that.
    pub fn buffer_size(mut self, bytes: usize) -> Self {
        self.a_to_b.set_buffer_size(bytes);
        self.b_to_a.set_buffer_size(bytes);
        self
    }

    /// The end of one way ends the other, too: what that has taken is still given, and both are shut down.
    pub fn close_both(mut self) -> Self {
        self.first_end = FirstEnd::CloseBoth;
        self
    }

    /// How long one way may go on after the other has ended. Then the relay ends as
    /// [stopped](Carried::stopped).
    pub fn linger(mut self, limit: Duration) -> Self {
        self.limits.linger = Some(limit);
        self
    }

    /// How long it may last that nothing is carried, either way, before the relay ends with an error.
    pub fn idle_limit(mut self, limit: Duration) -> Self {
        self.limits.idle.set(limit);
        self
    }

    /// Lets somebody look on: to count, or to end the relay.
    pub fn watch<V: Watch>(self, watch: V) -> Relay<'a, A, B, V> {
        Relay {
            a: self.a,
            b: self.b,
            a_to_b: self.a_to_b,
            b_to_a: self.b_to_a,
            first_end: self.first_end,
            first: self.first,
            limits: self.limits,
            watch,
        }
    }

    /// What has been carried so far.
    pub fn carried(&self) -> Carried {
        // Whether it was stopped is known at the end.
        let mut carried = Carried::default();
        carried.a_to_b = self.a_to_b.carried();
        carried.b_to_a = self.b_to_a.carried();
        carried
    }

    /// How many bytes of a way have been taken from one socket and not yet been given to the other.
    pub fn unwritten(&self, way: Way) -> usize {
        match way {
            Way::AToB => self.a_to_b.unwritten(),
            Way::BToA => self.b_to_a.unwritten(),
        }
    }
}

impl<A: Relayed, B: Relayed, W: Watch + Unpin> Future for Relay<'_, A, B, W> {
    type Output = io::Result<Carried>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let before = this.carried();
        // The way that comes first could use up the budget of the task every time.
        this.first = this.first.back();
        loop {
            let there = this.poll_way(cx, this.first)?;
            let back = this.poll_way(cx, this.first.back())?;
            if there.is_ready() && back.is_ready() {
                return Poll::Ready(Ok(this.carried()));
            }
            let one_has_ended = this.a_to_b.has_ended() || this.b_to_a.has_ended();
            if let (FirstEnd::CloseBoth, true) = (this.first_end, one_has_ended) {
                this.first_end = FirstEnd::HalfClose;
                this.a_to_b.stop();
                this.b_to_a.stop();
                // One waits for a reader that need not be waited for any more.
                continue;
            }
            if this.carried() != before {
                this.limits.idle.moved();
            }
            let mut stopped = this.watch.poll_stop(cx)?;
            if stopped.is_pending() {
                let a = this.a;
                stopped = this.limits.poll(cx, one_has_ended, || a.handle())?;
            }
            return stopped.map(|()| {
                let mut carried = this.carried();
                carried.stopped = true;
                Ok(carried)
            });
        }
    }
}

impl<A: Relayed, B: Relayed, W: Watch> Relay<'_, A, B, W> {
    fn poll_way(&mut self, cx: &mut Context<'_>, way: Way) -> Poll<io::Result<()>> {
        let watch = &mut self.watch;
        match way {
            Way::AToB => self.a_to_b.poll(cx, way, (self.a, self.b), watch),
            Way::BToA => self.b_to_a.poll(cx, way, (self.b, self.a), watch),
        }
    }
}

impl<A, B, W> fmt::Debug for Relay<'_, A, B, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Relay")
            .field("carried", &self.carried())
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
