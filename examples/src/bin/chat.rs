//! ```sh
//! cargo run --release -p examples --bin chat
//! cargo run --release -p examples --bin connect -- 127.0.0.1:7878    # in several terminals
//! ```
//!
//! Each line that a client sends goes to all other clients, as it is. A line that is too long or not
//! UTF-8 goes to nobody; its sender is told so in a line that begins with `error:`.
//!
//! # Nobody delays the others
//!
//! ```text
//!   reader of A ──┬─▶ inbox of B ─▶ queue of B ─▶ socket
//!                 ├─▶ inbox of C ─▶ queue of C ─▶ socket
//!                 └─▶ …             takes from the inbox even while the socket blocks
//! ```
//!
//! An inbox is a short bounded channel. A reader waits when one is full, so one client that floods the
//! room is slowed down to what the tasks of the others can take. But it waits for a *task*, never for a
//! *socket*: the task moves the lines on to its queue whether the socket takes them or not. A queue
//! that is full, with a socket that takes nothing more, is that of a client that does not keep up. It
//! is dropped.

#![forbid(unsafe_code)]

use std::{
    collections::HashMap,
    future::{Future, poll_fn},
    io,
    pin::pin,
    process::ExitCode,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
};

use clap::Parser;
use codec::{FramedRead, FramedWrite, LinesCodec, LinesError};
use examples::{ServerArgs, run_program, serve};
use futures::{SinkExt, StreamExt, channel::mpsc, future::try_join};
use io_traits::task::budget;
use net::TcpStream;

fn main() -> ExitCode {
    let args = Args::parse();
    let room = Arc::new(Room::default());
    run_program(|| {
        serve(&args.server, async move |stream| {
            chat(stream, &room, args.limits).await
        })
    })
}

async fn chat(stream: &TcpStream, room: &Arc<Room>, limits: Limits) -> io::Result<()> {
    let (member, inbox) = room.enter();
    let reader = read_lines(
        FramedRead::new(stream, LinesCodec::new(limits.max_line)),
        member,
    );
    // What the server says itself may be longer than what a client may.
    let longest = limits.max_line.max(LONGEST_NOTICE);
    let lines =
        FramedWrite::new(stream, LinesCodec::new(longest)).with_high_water_bytes(limits.max_queue);
    let writer = write_lines(lines, inbox);
    // Both in one task. The first error ends both, and with them the connection.
    try_join(reader, writer).await?;
    Ok(())
}

/// Hands on what the client says, until it has said everything; then its member leaves the room.
async fn read_lines(
    mut lines: FramedRead<&TcpStream, LinesCodec>,
    mut member: Member,
) -> io::Result<()> {
    while let Some(line) = lines.next().await {
        match line {
            Ok(line) => member.tell_others(line.into()).await,
            Err(LinesError::Io(error)) => return Err(error),
            Err(error) => member.tell_oneself(format!("error: {error}").into()).await,
        }
    }
    Ok(())
}

/// Writes what comes into the inbox, until its member has left and everything is written.
///
/// Flushing is cancel safe, so its future can be polled once and dropped.
///
/// # Errors
///
/// `TimedOut` if the queue is full and the client takes nothing of it. Those of the socket.
async fn write_lines(mut lines: Outgoing<'_>, mut inbox: Inbox) -> io::Result<()> {
    poll_fn(|cx| {
        loop {
            // Another thread may fill the inbox as fast as this one empties it.
            ready!(budget::poll_left(cx));
            if !make_room(&mut lines, cx)? {
                let queued = lines.write_buffer().len();
                let peer = lines.get_ref().peer_addr().ok();
                tracing::warn!(?peer, queued, "dropped: the client reads too slowly");
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            match inbox.poll_next_unpin(cx) {
                Poll::Ready(Some(line)) => lines.start_send_unpin(line)?,
                Poll::Ready(None) => return pin!(lines.close()).poll(cx),
                Poll::Pending => {
                    // One write for all lines that were in the inbox.
                    let _ = pin!(lines.flush()).poll(cx)?;
                    return Poll::Pending;
                }
            }
            budget::spend();
        }
    })
    .await
}

/// Whether the sink is ready for a line, if need be after a write that does not wait.
fn make_room(lines: &mut Outgoing<'_>, cx: &mut Context<'_>) -> io::Result<bool> {
    let limit = lines.high_water_bytes();
    if lines.write_buffer().len() < limit {
        return Ok(true);
    }
    let _ = pin!(lines.flush()).poll(cx)?;
    Ok(lines.write_buffer().len() < limit)
}

/// The clients of all threads.
#[derive(Default)]
struct Room {
    members: Mutex<Members>,
}

#[derive(Default)]
struct Members {
    inboxes: HashMap<u64, mpsc::Sender<Line>>,
    last_id: u64,
}

/// One allocation, however many clients a line goes to.
type Line = Arc<str>;
type Inbox = mpsc::Receiver<Line>;
type Outgoing<'a> = FramedWrite<&'a TcpStream, LinesCodec>;

impl Room {
    fn enter(self: &Arc<Self>) -> (Member, Inbox) {
        let (own_inbox, inbox) = mpsc::channel(INBOX);
        let mut members = self.members();
        members.last_id += 1;
        let id = members.last_id;
        members.inboxes.insert(id, own_inbox.clone());
        let member = Member {
            room: self.clone(),
            id,
            own_inbox,
        };
        (member, inbox)
    }

    fn members(&self) -> MutexGuard<'_, Members> {
        // A panic of another member's task leaves a map that is whole.
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A client that is in the room until this is dropped.
struct Member {
    room: Arc<Room>,
    id: u64,
    own_inbox: mpsc::Sender<Line>,
}

impl Member {
    /// Puts a line into the inbox of every other member; waits for those that are full.
    async fn tell_others(&mut self, line: Line) {
        for mut inbox in self.try_tell_others(&line) {
            // An error: the member has left meanwhile.
            let _ = inbox.send(line.clone()).await;
        }
    }

    /// Puts a line into the inboxes that have room, and returns the others.
    fn try_tell_others(&self, line: &Line) -> Vec<mpsc::Sender<Line>> {
        let mut full = Vec::new();
        for (id, inbox) in &mut self.room.members().inboxes {
            if *id == self.id {
                continue;
            }
            if inbox
                .try_send(line.clone())
                .is_err_and(|error| error.is_full())
            {
                full.push(inbox.clone());
            }
        }
        full
    }

    async fn tell_oneself(&mut self, line: Line) {
        // An error: the connection has failed, which its writer tells.
        let _ = self.own_inbox.send(line).await;
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.room.members().inboxes.remove(&self.id);
    }
}

/// Lines that wait in an inbox for a task to take them.
const INBOX: usize = 16;

/// Bytes of what the server tells a client of its lines, at most.
const LONGEST_NOTICE: usize = 80;

/// Send each line to all other clients
#[derive(Parser)]
#[command(version)]
struct Args {
    #[command(flatten)]
    server: ServerArgs,

    #[command(flatten)]
    limits: Limits,
}

#[derive(Clone, Copy, clap::Args)]
struct Limits {
    /// The longest line that a client may send
    #[arg(long, value_name = "BYTES", default_value_t = 8 * 1024)]
    max_line: usize,

    /// The most that may be queued for a client that does not read, before it is dropped
    #[arg(long, value_name = "BYTES", default_value_t = 256 * 1024)]
    max_queue: usize,
}
