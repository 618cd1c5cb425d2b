use std::{
    fmt,
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use reactor::{Handle, ReactorGone, Timeout};

use super::{LookupError, Resolving, target::Target};

/// The addresses of a name, in the resolver's order of preference; from [`lookup`](crate::lookup) and
/// [`Connector::lookup`](crate::Connector::lookup).
///
/// There is at least one, and each has the port of the name.
///
/// # Cancel safety
///
/// Cancel safe: dropping it gives the lookup up.
///
/// # Errors
///
/// Errors with the source [`LookupError`], which lists their kinds; one with the source
/// [`ReactorGone`] if the core was dropped before there was an answer.
///
/// # Panics
///
/// When it is polled after it was ready.
#[must_use = "futures do nothing unless they are polled"]
pub struct Lookup {
    target: String,
    state: State,
}

enum State {
    /// There was nothing to look up.
    Known(io::Result<SocketAddr>),
    Asking {
        resolving: Timeout<Resolving>,
        port: u16,
    },
    Done,
}

impl Lookup {
    pub(super) fn new(
        target: &str,
        handle: &Handle,
        limit: Duration,
        resolve: impl FnOnce(&str) -> Resolving,
    ) -> Self {
        let state = match Target::parse(target) {
            Ok(Target::Addr(addr)) => State::Known(Ok(addr)),
            Ok(Target::Host(host, port)) => State::Asking {
                resolving: handle.timeout(limit, resolve(host)),
                port,
            },
            Err(error) => State::Known(Err(error)),
        };
        Self {
            target: target.to_owned(),
            state,
        }
    }

    pub(super) fn target(&self) -> &str {
        &self.target
    }

    /// The error of this lookup that `error` is the source of.
    pub(super) fn failed(&self, error: io::Error) -> io::Error {
        if ReactorGone::is_source_of(&error) {
            // Law 6: the same answer as everywhere.
            return error;
        }
        LookupError::of(&self.target, error)
    }

    fn poll_addrs(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Vec<SocketAddr>>> {
        if let State::Asking { resolving, port } = &mut self.state {
            let mut addrs = ready!(Pin::new(resolving).poll(cx))??;
            for addr in &mut addrs {
                addr.set_port(*port);
            }
            return Poll::Ready(Ok(addrs));
        }
        match std::mem::replace(&mut self.state, State::Done) {
            State::Known(addr) => Poll::Ready(addr.map(|addr| vec![addr])),
            State::Asking { .. } | State::Done => {
                panic!("a Lookup was polled after it was ready")
            }
        }
    }
}

impl Future for Lookup {
    type Output = io::Result<Vec<SocketAddr>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let result = match ready!(self.poll_addrs(cx)) {
            Ok(addrs) if addrs.is_empty() => Err(no_address()),
            result => result,
        };
        self.state = State::Done;
        Poll::Ready(result.map_err(|error| self.failed(error)))
    }
}

impl fmt::Debug for Lookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Lookup");
        debug.field("target", &self.target).finish_non_exhaustive()
    }
}

fn no_address() -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, "it has no address")
}
