//! ```sh
//! cargo run --release -p examples --bin https
//! curl --insecure https://127.0.0.1:7878/
//! ```
//!
//! Serves a page, and as many bytes as are asked for, over HTTP/1.1 and TLS. The certificate is made at
//! the start and signed by nobody.
//!
//! # A blocking library on an event loop
//!
//! ```text
//!   http.rs ─▶ Layer ─▶ rustls::StreamOwned ─▶ &TcpStream
//!              async     blocking, as it is     wakes the task
//! ```
//!
//! `StreamOwned` is what rustls offers to those who block: it reads and writes its socket as if it were
//! one of std. [`Layer`] sees to the rest.

#![forbid(unsafe_code)]

mod http;

use std::{
    io::{self, ErrorKind},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use clap::Parser;
use examples::{ServerArgs, linger, run_program, serve_with};
use io_traits::{io::flush, layer::Layer};
use net::TcpStream;
use reactor::Handle;
use rustls::{
    ServerConfig, ServerConnection, StreamOwned, crypto::ring, pki_types::PrivatePkcs8KeyDer,
};

fn main() -> ExitCode {
    let args = Args::parse();
    run_program(|| {
        let config = Arc::new(tls_config()?);
        let limit = Duration::from_secs(args.handshake_seconds);
        serve_with(&args.server, move |handle| {
            let handle = handle.clone();
            async move |stream| https(stream, &config, limit, &handle).await
        })
    })
}

async fn https(
    stream: &TcpStream,
    config: &Arc<ServerConfig>,
    limit: Duration,
    handle: &Handle,
) -> io::Result<()> {
    let connection = ServerConnection::new(config.clone()).map_err(io::Error::other)?;
    let mut tls = Layer::new(StreamOwned::new(connection, stream));
    // A client that stalls before it has said who it is would hold a descriptor for nothing.
    let result = match handle.timeout(limit, handshake(&mut tls)).await? {
        Ok(()) => converse(&mut tls).await,
        // rustls has told the client already, with an alert.
        Err(error) => Err(error),
    };
    // TLS has ended, and now TCP.
    linger(stream, handle).await?;
    result
}

type Tls<'a> = Layer<StreamOwned<ServerConnection, &'a TcpStream>>;

async fn handshake(tls: &mut Tls<'_>) -> io::Result<()> {
    tls.with(|tls| {
        // One call may end in the midst of it, when the socket blocks after having given something.
        while tls.conn.is_handshaking() {
            tls.conn.complete_io(&mut tls.sock)?;
        }
        Ok(())
    })
    .await
}

/// Answers requests to the last one, and ends TLS.
async fn converse(tls: &mut Tls<'_>) -> io::Result<()> {
    match http::serve_requests(tls).await {
        // The client has ended TCP but not TLS. That hides nothing: a request says itself where it ends.
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => {}
        result => result?,
    }
    tls.get_mut().conn.send_close_notify();
    flush(tls).await
}

/// A new key, and a certificate for it that no client knows.
fn tls_config() -> io::Result<ServerConfig> {
    let names = ["localhost", "127.0.0.1", "::1"].map(String::from);
    let made = rcgen::generate_simple_self_signed(names).map_err(io::Error::other)?;
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.into()], key.into())
        .map_err(io::Error::other)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// Serve a page and random bytes over HTTP/1.1 and TLS
#[derive(Parser)]
#[command(version)]
struct Args {
    #[command(flatten)]
    server: ServerArgs,

    /// How long a handshake may take, in seconds
    #[arg(long, value_name = "N", default_value_t = 10)]
    handshake_seconds: u64,
}
