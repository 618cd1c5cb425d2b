//! ```sh
//! cargo run --release -p examples --bin http-file -- .
//! curl http://127.0.0.1:7878/Cargo.toml
//! ```
//!
//! Serves the files of a folder over HTTP/1.1: GET, HEAD, and ranges of bytes, so that a download can be
//! gone on with. The bytes of a file do not come by here: [`send_file`] has the system send them.
//!
//! `folder.rs` finds the files, and nothing outside; `answer.rs` decides what to say.
//!
//! # Files block
//!
//! A file that is not in memory is read from the disk, and all connections of the thread wait for that.
//! With `--threads` there are others.

#![forbid(unsafe_code)]

mod answer;
mod folder;

use std::{io, path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

use bytes::BytesMut;
use clap::Parser;
use examples::{ServerArgs, http::read_request, linger, run_program, serve_with};
use io_traits::io::write_all;
use net::{TcpStream, send_file};
use reactor::{Elapsed, Handle};
use socket2::SockRef;

use crate::{answer::Answer, folder::Folder};

fn main() -> ExitCode {
    let args = Args::parse();
    run_program(|| {
        let folder = Arc::new(Folder::open(&args.folder)?);
        let limit = Duration::from_secs(args.limit);
        serve_with(&args.server, move |handle| {
            let handle = handle.clone();
            async move |client: &TcpStream| {
                let served = serve(client, &folder, limit, &handle).await;
                if served.as_ref().is_err_and(Elapsed::is_source_of) {
                    // It has not taken its answer: the system is not to go on offering it.
                    SockRef::from(client).set_linger(Some(Duration::ZERO))?;
                }
                served?;
                linger(client, &handle).await
            }
        })
    })
}

async fn serve(
    mut client: &TcpStream,
    folder: &Folder,
    limit: Duration,
    handle: &Handle,
) -> io::Result<()> {
    let mut input = BytesMut::new();
    loop {
        let reading = read_request(&mut client, &mut input);
        // A client that is silent between two requests, or within one, has had its time.
        let request = match handle.timeout(limit, reading).await {
            Ok(request) => request?,
            Err(error) if Elapsed::is_source_of(&error) => return Ok(()),
            Err(error) => return Err(error),
        };
        let Some(request) = request else {
            return Ok(());
        };
        let Answer {
            head,
            body,
            keep_alive,
        } = Answer::to(&request, folder);
        let writing = write_all(&mut client, head.as_bytes());
        handle.timeout(limit, writing).await??;
        if let Some((file, range)) = body {
            let promised = range.end - range.start;
            let sending = send_file(client, &file, range).idle_limit(limit);
            if sending.await? < promised {
                // Somebody has cut the file off. There is no way to say so but to end.
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        if !keep_alive {
            return Ok(());
        }
    }
}

/// Serve the files of a folder
#[derive(Parser)]
#[command(version)]
struct Args {
    #[command(flatten)]
    server: ServerArgs,

    /// The folder; nothing outside of it is served
    #[arg(default_value = ".")]
    folder: PathBuf,

    /// How many seconds a client may take for a request, and may take nothing of an answer
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    limit: u64,
}
