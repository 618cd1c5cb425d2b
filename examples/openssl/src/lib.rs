//! OpenSSL's own blocking `SslStream` over our `TcpStream`, unchanged.
//!
//! What the library needs beyond [`Layer::new`] is its handshake, which gives back a half-made stream when it
//! would block, and its goodbye. The tests run the laws on it: `make test-openssl`.
//!
//! Two things are OpenSSL's own. A write that would block has made a record of its bytes already, and wants to be
//! called again with the same bytes and perhaps more behind them; one that is dropped and followed by another is
//! an error of the library's ("bad write retry", "bad length"). A [`BufWriter`](io_traits::BufWriter) around the
//! layer keeps to that by itself, for writes that it buffers (those below 64 KiB): what it has taken stays in
//! front until it is out. And a socket that ends without a goodbye reads as the end, `Ok(0)`: whether the peer has
//! said it is in `get_shutdown`.

use std::{io, net::Shutdown};

use io_traits::layer::{Layer, Step, handshake};
use net::TcpStream;
use openssl::ssl::{
    HandshakeError, MidHandshakeSslStream, ShutdownState, SslAcceptor, SslConnector, SslStream,
};

/// Shakes hands as the client of the server with this name.
///
/// # Errors
///
/// Those of the socket, and OpenSSL's as the source of one of kind [`Other`](io::ErrorKind::Other).
pub async fn connect(
    connector: &SslConnector,
    name: &str,
    stream: TcpStream,
) -> io::Result<Layer<SslStream<TcpStream>>> {
    let start = || step(connector.connect(name, stream));
    Ok(layer(handshake(start, |mid| step(mid.handshake())).await?))
}

/// Shakes hands as a server.
///
/// # Errors
///
/// As [`connect`].
pub async fn accept(
    acceptor: &SslAcceptor,
    stream: TcpStream,
) -> io::Result<Layer<SslStream<TcpStream>>> {
    let start = || step(acceptor.accept(stream));
    Ok(layer(handshake(start, |mid| step(mid.handshake())).await?))
}

type Mid = MidHandshakeSslStream<TcpStream>;

fn step(
    result: Result<SslStream<TcpStream>, HandshakeError<TcpStream>>,
) -> io::Result<Step<SslStream<TcpStream>, Mid>> {
    match result {
        Ok(made) => Ok(Step::Done(made)),
        Err(HandshakeError::WouldBlock(mid)) => Ok(Step::Blocked(mid)),
        Err(HandshakeError::Failure(mid)) => Err(to_io(mid.into_error())),
        Err(HandshakeError::SetupFailure(error)) => Err(io::Error::other(error)),
    }
}

/// A layer that says goodbye as TLS does, and then ends the socket's writing side.
fn layer(stream: SslStream<TcpStream>) -> Layer<SslStream<TcpStream>> {
    Layer::new(stream).on_shutdown(|tls| {
        // A second call would wait for the peer's.
        if !tls.get_shutdown().contains(ShutdownState::SENT) {
            tls.shutdown().map_err(to_io)?;
        }
        tls.get_ref().shutdown(Shutdown::Write)
    })
}

fn to_io(error: openssl::ssl::Error) -> io::Error {
    error.into_io_error().unwrap_or_else(io::Error::other)
}
