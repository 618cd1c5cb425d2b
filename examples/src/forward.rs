use std::{io, net::SocketAddr, time::Duration};

use net::{TcpStream, relay};
use reactor::Handle;

use crate::named;

/// Carries bytes between `client` and a connection of its own to another server, in both directions.
///
/// The end of one direction is carried over and leaves the other one open. If one side fails, so does
/// the other: both connections are closed when this returns.
///
/// # Errors
///
/// Those of connecting, with the address; [`TimedOut`](io::ErrorKind::TimedOut) if that takes longer than 10
/// seconds. Those of either connection.
pub async fn forward(client: &TcpStream, to: SocketAddr, handle: &Handle) -> io::Result<()> {
    let connect = handle.timeout(CONNECT_LIMIT, TcpStream::connect(&to, handle));
    let server = connect
        .await
        .and_then(|connected| connected)
        .map_err(|error| {
            tracing::warn!(%to, %error, "no connection to the server");
            named(to, error)
        })?;
    server.set_nodelay(true)?;
    // Both ways in one task. On Linux the bytes do not come by here at all.
    let carried = relay(client, &server).await?;
    tracing::debug!(?carried, "a connection has ended");
    Ok(())
}

const CONNECT_LIMIT: Duration = Duration::from_secs(10);
