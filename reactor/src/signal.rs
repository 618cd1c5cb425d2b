//! Signals of Unix, as a stream and as a future. Only with the feature `signal`.
//!
//! A signal handler may do next to nothing, so it writes a byte to a socket, and that is an I/O object like any
//! other. The handlers are `signal-hook`'s: several parts of a program, and several reactors, may listen for
//! the same signal, and each of them gets it.
//!
//! **The default action is gone** as soon as the first [`Signals`] of the process asks for a signal, and does not
//! come back when that is dropped: a program that has once listened for `SIGINT` is not ended by Ctrl-C any
//! more unless it ends itself.

use std::{
    borrow::Borrow,
    fmt, io,
    io::Read,
    os::fd::{AsRawFd, RawFd},
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures::{Stream, StreamExt, stream::FusedStream};
use mio::net::UnixStream;
use signal_hook::iterator::{
    backend::{OwningSignalIterator, PollResult, SignalDelivery, SignalIterator},
    exfiltrator::SignalOnly,
};

pub use signal_hook::consts;

use crate::{Handle, PollEvented, until_error::poll_until_error};

/// The signals that this process gets: a [`Stream`] of their numbers.
///
/// Signals that come before they are taken are kept, but one that comes twice meanwhile is one: signal(7),
/// "Queueing". In which order different ones are taken says nothing. The stream ends after an error: once the core
/// has been dropped, with the source [`ReactorGone`](crate::ReactorGone). It is over then, a [`FusedStream`], while
/// [`poll_signal`](Self::poll_signal) tells of the error each time.
///
/// # Cancel safety
///
/// Cancel safe: a signal is kept until it is taken.
///
/// # Examples
///
/// ```
/// use futures::StreamExt;
/// use reactor::{Core, signal::{Signals, consts::SIGUSR1}};
///
/// let mut core = Core::new()?;
/// let mut signals = Signals::new([SIGUSR1], &core.handle())?;
/// signal_hook::low_level::raise(SIGUSR1)?;
/// assert_eq!(core.run(signals.next())?.unwrap()?, SIGUSR1);
/// # std::io::Result::Ok(())
/// ```
pub struct Signals {
    signals: OwningSignalIterator<Bell, SignalOnly>,
    has_failed: bool,
}

impl Signals {
    /// Listens for signals from now on, until it is dropped.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) for a number that no signal has, and for signals that nobody
    /// may listen for (`SIGKILL`, `SIGSTOP`) or that tell of a mistake of the program (`SIGILL`, `SIGFPE`,
    /// `SIGSEGV`). Those of the system. An error with the source [`ReactorGone`](crate::ReactorGone) if the core
    /// has been dropped.
    pub fn new<I>(signals: I, handle: &Handle) -> io::Result<Self>
    where
        I: IntoIterator<Item: Borrow<i32>>,
    {
        let signals: Vec<i32> = signals.into_iter().map(|signal| *signal.borrow()).collect();
        if !signals.iter().all(|&signal| may_be_listened_for(signal)) {
            let message = "nobody may listen for this signal";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let (read, write) = UnixStream::pair()?;
        let bell = Bell(PollEvented::on_demand(read, handle)?);
        let write = std::os::fd::OwnedFd::from(write);
        let delivery = SignalDelivery::with_pipe(bell, write, SignalOnly, signals)?;
        Ok(Self {
            signals: SignalIterator::new(delivery),
            has_failed: false,
        })
    }

    /// Takes a signal, or has the task of `cx` woken when one comes.
    ///
    /// # Errors
    ///
    /// An error with the source [`ReactorGone`](crate::ReactorGone) once the core has been dropped, each time.
    pub fn poll_signal(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<i32>> {
        let has_signals = &mut |bell: &mut Bell| match bell.poll_rung(cx) {
            Poll::Ready(rung) => rung.map(|()| true),
            Poll::Pending => Ok(false),
        };
        match self.signals.poll_signal(has_signals) {
            PollResult::Signal(signal) => Poll::Ready(Ok(signal)),
            PollResult::Pending => Poll::Pending,
            PollResult::Err(error) => Poll::Ready(Err(error)),
            PollResult::Closed => unreachable!("nobody else has a handle to close it"),
        }
    }
}

impl Stream for Signals {
    type Item = io::Result<i32>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        poll_until_error(
            &mut *self,
            |stream| &mut stream.has_failed,
            |stream| stream.poll_signal(cx),
        )
    }
}

impl FusedStream for Signals {
    fn is_terminated(&self) -> bool {
        self.has_failed
    }
}

impl fmt::Debug for Signals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signals").finish_non_exhaustive()
    }
}

/// Waits for the next Ctrl-C (`SIGINT`) from its first poll on; read about the
/// [default action](self) first.
///
/// # Cancel safety
///
/// Dropping it loses a signal that came meanwhile; keep a [`Signals`] where that matters.
///
/// # Errors
///
/// As [`Signals::new`] and [`Signals::poll_signal`].
pub async fn ctrl_c(handle: &Handle) -> io::Result<()> {
    let mut signals = Signals::new([consts::SIGINT], handle)?;
    let signal = signals.next().await.expect("it has not failed before");
    signal.map(drop)
}

/// What a signal handler writes to, seen from the other end.
struct Bell(PollEvented<UnixStream>);

impl Bell {
    fn poll_rung(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut bytes = [0; 64];
        let read = |mut io: &UnixStream| io.read(&mut bytes);
        ready!(self.0.poll_read_with(cx, read))?;
        Poll::Ready(Ok(()))
    }
}

impl AsRawFd for Bell {
    fn as_raw_fd(&self) -> RawFd {
        self.0.get_ref().as_raw_fd()
    }
}

/// `signal-hook` panics for some of the others, and the system refuses the rest.
fn may_be_listened_for(signal: i32) -> bool {
    (1..128).contains(&signal) && !consts::FORBIDDEN.contains(&signal)
}
