use std::{fmt, net::SocketAddr, sync::Arc, time::Duration};

use reactor::{Handle, Sleep, Timeout};

use super::{ConnectByName, Lookup, Resolve, ResolverPool, Resolving, race::Race};
use crate::{Connect, TcpStream};

/// Connects to `"host:port"`: looks the host up and tries its addresses, a little after each other,
/// until one answers (RFC 8305, "Happy Eyeballs").
///
/// The host is a name or an address; an IPv6 address stands in brackets, `"[::1]:80"`. The port is a
/// number. [`check_target`](crate::check_target) tells beforehand whether it is written like that.
/// [`Connector`] has limits, a resolver and socket options of your choice.
///
/// # Examples
///
/// ```
/// use net::{TcpListener, reactor::Core};
///
/// let mut core = Core::new()?;
/// let listener = TcpListener::bind(&"127.0.0.1:0".parse().unwrap(), &core.handle())?;
/// let target = format!("localhost:{}", listener.local_addr()?.port());
/// let stream = core.run(net::connect(&target, &core.handle()))??;
/// assert_eq!(stream.peer_addr()?, listener.local_addr()?);
/// # std::io::Result::Ok(())
/// ```
pub fn connect(target: &str, handle: &Handle) -> ConnectByName {
    Connector::new(handle).connect(target)
}

/// Looks the addresses of `"host:port"` up, which is written as for [`connect`].
///
/// The default resolver asks the operating system, on threads of its own, see [`ResolverPool`].
///
/// # Examples
///
/// ```
/// let mut core = net::reactor::Core::new()?;
/// let addrs = core.run(net::lookup("localhost:80", &core.handle()))??;
/// assert!(addrs.iter().all(|addr| addr.ip().is_loopback() && addr.port() == 80));
/// # std::io::Result::Ok(())
/// ```
pub fn lookup(target: &str, handle: &Handle) -> Lookup {
    Connector::new(handle).lookup(target)
}

/// How to connect by name: the limits, the resolver, the sockets. Cheap to clone.
///
/// | limit | unless it is set |
/// |---|---|
/// | [`lookup_limit`](Self::lookup_limit) | 10 s |
/// | [`stagger`](Self::stagger) | 250 ms |
/// | [`attempt_limit`](Self::attempt_limit) | 10 s |
/// | [`limit`](Self::limit), for all of it | 30 s |
///
/// Limits are counted from the call that makes the future, not from its first poll.
///
/// Addresses are tried in the resolver's order of preference, the two families in turn. An attempt
/// begins when the one before has failed, or when the stagger since its beginning is over; that one goes
/// on meanwhile. The first connection ends all other attempts. An address without an answer so costs a
/// stagger, not a limit.
///
/// The attempts begin when the resolver has answered for both families. RFC 8305, section 3, would begin
/// with the one that comes first, which getaddrinfo does not tell.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use net::{Connector, reactor::Core};
///
/// let core = Core::new()?;
/// let connector = Connector::new(&core.handle())
///     .attempt_limit(Duration::from_secs(3))
///     .limit(Duration::from_secs(5));
/// let connecting = connector.connect("db.example:5432");
/// # drop(connecting);
/// # std::io::Result::Ok(())
/// ```
#[derive(Clone)]
#[must_use = "a connector does nothing until it connects"]
pub struct Connector {
    handle: Handle,
    /// `None`: the pool of the reactor.
    resolve: Option<Arc<dyn Resolve>>,
    /// `None`: without options.
    attempt: Option<Arc<Begin>>,
    lookup_limit: Duration,
    attempt_limit: Duration,
    limit: Duration,
    stagger: Duration,
}

type Begin = dyn Fn(&SocketAddr, &Handle) -> Connect + Send + Sync;

impl Connector {
    /// With the limits above and the resolver of the system.
    pub fn new(handle: &Handle) -> Self {
        Self {
            handle: handle.clone(),
            resolve: None,
            attempt: None,
            lookup_limit: Duration::from_secs(10),
            attempt_limit: Duration::from_secs(10),
            limit: Duration::from_secs(30),
            stagger: Duration::from_millis(250),
        }
    }

    /// Asks another resolver.
    pub fn resolve_with(mut self, resolve: impl Resolve + 'static) -> Self {
        self.resolve = Some(Arc::new(resolve));
        self
    }

    /// Begins attempts in another way than [`TcpStream::connect`], say with socket options.
    pub fn attempt_with(
        mut self,
        begin: impl Fn(&SocketAddr, &Handle) -> Connect + Send + Sync + 'static,
    ) -> Self {
        self.attempt = Some(Arc::new(begin));
        self
    }

    /// How long a lookup may take, the time in the queue of the resolver included.
    pub fn lookup_limit(mut self, limit: Duration) -> Self {
        self.lookup_limit = limit;
        self
    }

    /// How long one attempt may take. Attempts overlap, so it does not divide the time for all.
    pub fn attempt_limit(mut self, limit: Duration) -> Self {
        self.attempt_limit = limit;
        self
    }

    /// How long everything may take: the lookup and all attempts. [`Duration::MAX`] is no limit.
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// How long after the beginning of an attempt the next one begins, if there is no answer.
    ///
    /// It is at least 10 ms: RFC 8305, section 8, forbids less.
    pub fn stagger(mut self, stagger: Duration) -> Self {
        self.stagger = stagger.max(SHORTEST_STAGGER);
        self
    }

    /// Looks the addresses of `"host:port"` up.
    ///
    /// Errors come from the future, never from this call.
    pub fn lookup(&self, target: &str) -> Lookup {
        Lookup::new(target, &self.handle, self.lookup_limit, |host| {
            self.resolve(host)
        })
    }

    /// Connects to `"host:port"`.
    ///
    /// Errors come from the future, never from this call.
    pub fn connect(&self, target: &str) -> ConnectByName {
        ConnectByName::new(self, self.lookup(target), self.handle.sleep(self.limit))
    }

    /// Connects to one of several addresses, without a lookup; from the most preferred to the least.
    ///
    /// Errors come from the future, never from this call.
    pub fn connect_any(&self, addrs: &[SocketAddr]) -> ConnectByName {
        let race = Race::new(self.clone(), None, addrs.iter().copied());
        ConnectByName::racing(race, self.handle.sleep(self.limit))
    }

    fn resolve(&self, host: &str) -> Resolving {
        match &self.resolve {
            Some(resolve) => resolve.resolve(host),
            None => self.handle.extension(ResolverPool::system).resolve(host),
        }
    }

    pub(super) fn attempt(&self, addr: &SocketAddr) -> Timeout<Connect> {
        let connect = match &self.attempt {
            Some(begin) => begin(addr, &self.handle),
            None => TcpStream::connect(addr, &self.handle),
        };
        self.handle.timeout(self.attempt_limit, connect)
    }

    pub(super) fn sleep_stagger(&self) -> Sleep {
        self.handle.sleep(self.stagger)
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector")
            .field("lookup_limit", &self.lookup_limit)
            .field("attempt_limit", &self.attempt_limit)
            .field("limit", &self.limit)
            .field("stagger", &self.stagger)
            .finish_non_exhaustive()
    }
}

const SHORTEST_STAGGER: Duration = Duration::from_millis(10);
