use std::{io, time::Duration};

use net::{Connector, TcpStream, relay};

/// Carries bytes between `client` and a connection of its own to another server (`to` is `HOST:PORT`), in
/// both directions.
///
/// The end of one direction is carried over and leaves the other one open. If one side fails, so does
/// the other: both connections are closed when this returns.
///
/// # Errors
///
/// Those of the connector, which has the limit of time for that. Those of either connection;
/// [`TimedOut`](io::ErrorKind::TimedOut) if nothing has gone either way for as long as `idle_limit`.
pub async fn forward(
    client: &TcpStream,
    to: &str,
    connector: &Connector,
    idle_limit: Duration,
) -> io::Result<()> {
    let connected = connector.connect(to).await;
    let server = connected
        .inspect_err(|error| tracing::warn!(%to, %error, "no connection to the server"))?;
    server.set_nodelay(true)?;
    // Both ways in one task. On Linux the bytes do not come by here at all.
    let carried = relay(client, &server).idle_limit(idle_limit).await?;
    tracing::debug!(?carried, "a connection has ended");
    Ok(())
}
