use std::{future::Future, io, net::TcpListener as StdListener, rc::Rc, time::Duration};

use futures::StreamExt;
use net::{TcpListener, TcpStream};
use reactor::Core;

use crate::connections::Connections;

/// Serves on one core until `stop` is ready: calls `handler` for each connection, in a task of its own.
///
/// Then it stops accepting at once, and connections end as soon as they are idle: when nothing has
/// moved for 100 ms and nothing waits to be read, a connection's handler is told that the peer's input
/// is at its end. What is still open after 5 seconds is dropped with the core.
///
/// Connections have `TCP_NODELAY` set. An error of a handler concerns its connection alone and is
/// logged.
///
/// # Errors
///
/// Those of the listener and of the poller; one connection's are no such thing.
pub fn serve_on<H>(
    core: &mut Core,
    listener: StdListener,
    handler: H,
    stop: impl Future,
) -> io::Result<()>
where
    H: AsyncFn(&TcpStream) -> io::Result<()> + 'static,
{
    let (handle, spawner) = (core.handle(), core.spawner());
    let listener = TcpListener::from_std(listener, &handle)?;
    let connections = Rc::new(Connections::default());
    let handler = Rc::new(handler);
    core.run(async {
        let mut incoming = Box::pin(listener.incoming().take_until(stop));
        while let Some(accepted) = incoming.next().await {
            let (stream, peer) = accepted?;
            tracing::debug!(%peer, "accepted");
            // An error: the peer has gone already, which the handler will find out.
            let _ = stream.set_nodelay(true);
            let connection = connections.add(stream);
            let handler = handler.clone();
            // What a block captures is used where it lies; arguments of an `async fn` would be moved, and
            // each connection would hold them twice.
            spawner.spawn(async move {
                if let Err(error) = connection.watch(handler(&connection)).await {
                    // Asked for here: kept by each connection it would be a tenth of what that holds.
                    let peer = connection.peer_addr().ok();
                    tracing::debug!(?peer, %error, "a connection has failed");
                }
            });
        }
        // The listener's socket is closed here.
        drop(incoming);
        let left = connections.drain(GRACE, &handle).await?;
        if left > 0 {
            tracing::warn!(left, "connections were busy to the last and are dropped");
        }
        Ok(())
    })?
}

/// How long connections may go on after the server was told to stop.
const GRACE: Duration = Duration::from_secs(5);
