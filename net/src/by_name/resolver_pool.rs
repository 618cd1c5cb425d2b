use std::{
    fmt,
    future::Future,
    io,
    net::{SocketAddr, ToSocketAddrs},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use super::{Resolve, Resolving, desk::Desk, waiter::Waiter};

/// Resolves names with a function that blocks, on a few threads of its own.
///
/// [`system`](Self::system) is the function of the operating system, getaddrinfo, and with it all that
/// the machine is set up for: the hosts file, search domains, mDNS. [`new`](Self::new) takes any other.
///
/// * There are at most four threads, or as many as [`threads`](Self::threads) says. They are started when
///   they are needed, and they end with the pool: the default pool ends with the last
///   [`Handle`](reactor::Handle) of its reactor. Nobody waits for a thread that is in the middle of a call.
/// * Any number of lookups of one host at one time are one call. There is no cache: the next lookup
///   after the answer is a call again.
/// * A lookup that is dropped before its turn has come is no call at all. One that is dropped later
///   leaves its thread busy, since nothing can end the call; a later lookup of the same host joins it. So
///   a host whose lookup hangs holds one thread, not all of them. When all are held, others wait in the
///   queue, within their own limits of time.
///
/// # Errors
///
/// Those of the function, given to all who wait for its answer. If the function panics, an error of kind
/// [`Other`](io::ErrorKind::Other) that says so; the thread lives on. If not even one thread can be
/// started, the error of that.
pub struct ResolverPool {
    desk: Arc<Desk>,
}

impl ResolverPool {
    /// A pool that asks the operating system.
    pub fn system() -> Self {
        // The port is not looked at.
        Self::new(|host| Ok((host, 0).to_socket_addrs()?.collect()))
    }

    /// A pool that calls a function with the name of a host. The function may block.
    pub fn new(
        resolve: impl Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static,
    ) -> Self {
        Self {
            desk: Arc::new(Desk::new(Box::new(resolve), THREADS)),
        }
    }

    /// At most so many threads, and at least one.
    pub fn threads(self, most: usize) -> Self {
        self.desk.set_threads(most.max(1));
        self
    }
}

impl Resolve for ResolverPool {
    fn resolve(&self, host: &str) -> Resolving {
        let (host, waiter) = self.desk.ask(host);
        let desk = self.desk.clone();
        Box::pin(Asked { desk, host, waiter })
    }
}

impl Drop for ResolverPool {
    fn drop(&mut self) {
        self.desk.close();
    }
}

impl fmt::Debug for ResolverPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResolverPool").finish_non_exhaustive()
    }
}

/// One of those who wait for the answer of one call.
struct Asked {
    desk: Arc<Desk>,
    host: Arc<str>,
    waiter: Arc<Waiter>,
}

impl Future for Asked {
    type Output = io::Result<Vec<SocketAddr>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.waiter.poll_answer(cx)
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.desk.leave(&self.host, &self.waiter);
    }
}

const THREADS: usize = 4;
