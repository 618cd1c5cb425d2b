//! ```sh
//! cargo run --release -p examples --bin socks5
//! curl --socks5-hostname 127.0.0.1:1080 http://example.org/
//! ```
//!
//! ```sh
//! SOCKS5_PASSWORD=secret cargo run --release -p examples --bin socks5 -- --user me
//! curl --proxy socks5h://me:secret@127.0.0.1:1080 http://example.org/
//! ```
//!
//! Connects clients to where they want to go (RFC 1928, CONNECT), by IPv4 or IPv6 address or by name, and
//! asks for a user and a password if it was told one (RFC 1929). It is meant for its own machine: neither
//! the password nor the bytes are encrypted, and it connects to whatever it can reach.
//!
//! `protocol.rs` has what is said before; then a [`relay`] carries the bytes.

#![forbid(unsafe_code)]

mod protocol;

use std::{io, process::ExitCode, time::Duration};

use clap::Parser;
use examples::{ServerArgs, linger, run_program, serve_with};
use net::{Connector, TcpStream, relay};
use reactor::Handle;

use crate::protocol::{Login, Reply, Request, Says, greet, read_request, reply};

fn main() -> ExitCode {
    let args = Args::parse();
    run_program(|| {
        let login = match args.user {
            None => None,
            Some(user) => Some(Login::new(&user, &password()?)?),
        };
        let limits = Limits {
            ask: Duration::from_secs(args.ask_limit),
            idle: Duration::from_secs(args.idle_limit),
        };
        serve_with(&args.server, move |handle| {
            let handle = handle.clone();
            let connector = Connector::new(&handle).limit(CONNECT_LIMIT);
            async move |client: &TcpStream| {
                serve(client, login.as_ref(), limits, &connector, &handle).await
            }
        })
    })
}

#[derive(Debug, Clone, Copy)]
struct Limits {
    /// How long a client may take to say what it wants.
    ask: Duration,
    /// How long it may last that nothing goes either way.
    idle: Duration,
}

async fn serve(
    client: &TcpStream,
    login: Option<&Login>,
    limits: Limits,
    connector: &Connector,
    handle: &Handle,
) -> io::Result<()> {
    // A client that stalls before it has said what it wants would hold a descriptor for nothing.
    let asking = handle.timeout(limits.ask, ask(client, login));
    let Says::Goes(target) = asking.await?? else {
        return linger(client, handle).await;
    };
    let server = match connector.connect(&target).await {
        Ok(server) => server,
        Err(error) => {
            tracing::debug!(%target, %error, "no connection");
            reply(client, Reply::of(&error), None).await?;
            return linger(client, handle).await;
        }
    };
    server.set_nodelay(true)?;
    reply(client, Reply::Succeeded, server.local_addr().ok()).await?;
    let carried = relay(client, &server).idle_limit(limits.idle).await?;
    tracing::debug!(%target, ?carried, "a connection has ended");
    Ok(())
}

/// What the client wants, if it may have it; otherwise it has been told so.
async fn ask(client: &TcpStream, login: Option<&Login>) -> io::Result<Says<String>> {
    if let Says::Stops = greet(client, login).await? {
        return Ok(Says::Stops);
    }
    match read_request(client).await? {
        Request::Connect(target) => Ok(Says::Goes(target)),
        Request::Refused(why) => {
            reply(client, why, None).await?;
            Ok(Says::Stops)
        }
    }
}

/// Not on the command line, which others can read.
fn password() -> io::Result<String> {
    std::env::var(PASSWORD).map_err(|_| {
        let message = format!("the password of --user has to be in {PASSWORD}");
        io::Error::new(io::ErrorKind::InvalidInput, message)
    })
}

const PASSWORD: &str = "SOCKS5_PASSWORD";

const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// Connect clients to where they want to go
#[derive(Parser)]
#[command(version, mut_arg("listen", |arg| arg.default_value("127.0.0.1:1080")))]
struct Args {
    #[command(flatten)]
    server: ServerArgs,

    /// Serve this user alone, with the password in SOCKS5_PASSWORD
    #[arg(long, value_name = "NAME")]
    user: Option<String>,

    /// How many seconds a client may take to say what it wants
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    ask_limit: u64,

    /// After how many seconds without a byte either way a connection is ended
    // RFC 5382, section 5: whoever stands between two should wait for at least 2 hours and 4 minutes.
    #[arg(long, value_name = "SECONDS", default_value_t = 7_440)]
    idle_limit: u64,
}
