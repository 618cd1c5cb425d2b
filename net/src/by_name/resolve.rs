use std::{future::Future, io, net::SocketAddr, pin::Pin, sync::Arc};

/// Finds the addresses of a host.
///
/// [`ResolverPool`](crate::ResolverPool) is one, and what is used if you say nothing else. A resolver of
/// your own, say a cache or DNS over a socket of yours, is given to a [`Connector`](crate::Connector).
///
/// # Implementer notes
///
/// * The host is as it was written: a name, or an IPv6 address whose zone is a name (`fe80::1%eth0`).
///   Other addresses are never asked for.
/// * The addresses are in order of preference. Their ports are not looked at; an IPv6 address may carry
///   a scope.
/// * An empty list means that there is no address, and becomes an error of kind
///   [`NotFound`](io::ErrorKind::NotFound).
/// * Neither `resolve` nor the future may block: both run on the loop's thread. What blocks belongs
///   into a [`ResolverPool`](crate::ResolverPool). A future that is never ready ends with the
///   [limit for the lookup](crate::Connector::lookup_limit); a panic is passed on to the task.
///
/// # Examples
///
/// ```
/// use net::{Connector, Resolve, Resolving, reactor::Core};
///
/// struct OneHost;
///
/// impl Resolve for OneHost {
///     fn resolve(&self, host: &str) -> Resolving {
///         let known = host == "db.example";
///         Box::pin(async move {
///             Ok(if known { vec!["127.0.0.1:0".parse().unwrap()] } else { Vec::new() })
///         })
///     }
/// }
///
/// let mut core = Core::new()?;
/// let connector = Connector::new(&core.handle()).resolve_with(OneHost);
/// let addrs = core.run(connector.lookup("db.example:5432"))??;
/// assert_eq!(addrs, ["127.0.0.1:5432".parse().unwrap()]);
/// # std::io::Result::Ok(())
/// ```
pub trait Resolve: Send + Sync {
    /// Begins to look for the addresses of `host`. Dropping the future gives that up.
    fn resolve(&self, host: &str) -> Resolving;
}

/// The addresses of a host, once they are known; from [`Resolve::resolve`].
pub type Resolving = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

impl<R: Resolve + ?Sized> Resolve for Arc<R> {
    fn resolve(&self, host: &str) -> Resolving {
        (**self).resolve(host)
    }
}
