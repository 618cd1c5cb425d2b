use std::{io, time::Duration};

use io_traits::io::{read, shutdown};
use net::TcpStream;
use reactor::Handle;

/// Ends a connection in a way that lets the client read the last answer.
///
/// A socket that is closed with input unread resets the connection, and the reset overtakes what the client
/// has not read yet (RFC 9112, section 9.6). So the rest of its input is thrown away, for 2 seconds at most.
///
/// # Errors
///
/// Those of telling the client that no more comes.
pub async fn linger(mut stream: &TcpStream, handle: &Handle) -> io::Result<()> {
    shutdown(&mut stream).await?;
    let discard = async {
        let mut rest = [0; 1024];
        while read(&mut stream, &mut rest).await? > 0 {}
        io::Result::Ok(())
    };
    // A client that goes on sending is cut off; one that has reset the connection has ended it too.
    let _ = handle.timeout(LINGER, discard).await;
    Ok(())
}

const LINGER: Duration = Duration::from_secs(2);
