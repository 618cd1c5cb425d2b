//! Ending a server in good order.

mod activity;
mod members;
mod stop;
mod tracked;
mod until_stopped;

use std::{future::Future, sync::Arc, time::Duration};

use futures::Stream;
use reactor::Handle;

use self::members::{Members, Membership, Role};
pub use self::{
    activity::{Activity, Busy},
    stop::Stop,
    tracked::Tracked,
    until_stopped::UntilStopped,
};

/// Knows the connections of a server, so that it can be ended in good order: it accepts no more, idle
/// connections are closed at once, busy ones may finish until a deadline.
///
/// * The loop that accepts goes over [`until_stopped`](Self::until_stopped), which ends.
/// * Each connection is served inside [`serve`](Self::serve), whose [`Activity`] says when it is busy. It is
///   idle at first, so a client that has connected and is silent holds nothing up.
/// * [`stop`](Self::stop) begins the end, and is ready when all connections have ended.
///
/// "Closed" means that the future that serves the connection is dropped, and the stream with it. What
/// is to be said to a client first (`Connection: close`) can be said while it is busy, see
/// [`Activity::is_stopping`].
///
/// It is cheap to clone, and all clones are the same. Connections may be served on any thread.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use futures::StreamExt;
/// use net::{TcpListener, Tracker, io_traits::io, reactor::Core};
///
/// # let signal = std::future::ready(());
/// let mut core = Core::new()?;
/// let (handle, spawner) = (core.handle(), core.spawner());
/// let listener = TcpListener::bind(&"127.0.0.1:0".parse().unwrap(), &handle)?;
/// # let mut client = std::net::TcpStream::connect(listener.local_addr()?)?;
/// let tracker = Tracker::new();
///
/// let server = tracker.clone();
/// let mut incoming = tracker.until_stopped(listener.incoming());
/// spawner.clone().spawn(async move {
///     while let Some(Ok((mut stream, _))) = incoming.next().await {
///         spawner.spawn(server.serve(|activity| async move {
///             let mut request = [0; 4];
///             loop {
///                 io::read_exact(&mut stream, &mut request).await?;
///                 let _busy = activity.busy();
///                 io::write_all(&mut stream, &request).await?;
///             }
/// #           #[allow(unreachable_code)]
/// #           std::io::Result::Ok(())
///         }));
///     }
/// });
///
/// core.run(async {
///     signal.await;
///     tracker.stop(Duration::from_secs(30), &handle).await
/// })??;
/// # std::io::Result::Ok(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Tracker {
    members: Arc<Members>,
}

impl Tracker {
    /// A tracker that knows no connections.
    pub fn new() -> Self {
        Self::default()
    }

    /// The items of `stream` until the end begins; then the stream is dropped, a listener in it is
    /// closed, and there are no more items.
    pub fn until_stopped<S: Stream>(&self, stream: S) -> UntilStopped<S> {
        UntilStopped::new(stream, Membership::new(&self.members, Role::Watcher))
    }

    /// Serves a connection: the future is that of `serve`, and ends earlier if the server does.
    ///
    /// The connection counts from this call until the future is done or dropped.
    pub fn serve<F: Future>(&self, serve: impl FnOnce(Activity) -> F) -> Tracked<F> {
        let membership = Membership::new(&self.members, Role::Connection);
        let future = serve(Activity::new(&membership));
        Tracked::new(future, membership)
    }

    /// Begins the end, at once: there are no more connections, and idle ones are closed. The future is
    /// ready when the last has ended; when `limit` is over, those that are still busy are closed, too.
    ///
    /// The limit is kept by the future. A second call may have another one: the earlier one counts.
    pub fn stop(&self, limit: Duration, handle: &Handle) -> Stop {
        self.members.stop();
        let membership = Membership::new(&self.members, Role::Watcher);
        Stop::new(membership, handle.sleep(limit))
    }

    /// Begins the end; somebody else sees to the limit.
    pub(crate) fn begin_end(&self) {
        self.members.stop();
    }

    /// Whether the end has begun.
    pub fn is_stopping(&self) -> bool {
        self.members.is_stopping()
    }

    /// How many connections there are.
    pub fn connections(&self) -> usize {
        self.members.connections()
    }

    /// How many connections are busy.
    pub fn busy(&self) -> usize {
        self.members.busy()
    }
}
