use std::{
    cell::{Cell, RefCell},
    future::Future,
    io,
    net::Shutdown,
    ops::Deref,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use net::TcpStream;
use pin_project_lite::pin_project;
use reactor::Handle;
use slab::Slab;

/// The open connections of one core, which have to end when the server does.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    open: RefCell<Slab<Rc<Connection>>>,
}

impl Connections {
    pub(crate) fn add(self: &Rc<Self>, stream: TcpStream) -> Entry {
        let mut open = self.open.borrow_mut();
        let place = open.vacant_entry();
        let connection = Rc::new(Connection {
            stream,
            polls: Cell::new(0),
            looked_at: Cell::new(Look::Never),
            key: u32::try_from(place.key()).expect("fewer connections than descriptors"),
        });
        place.insert(connection.clone());
        Entry {
            connections: self.clone(),
            connection,
        }
    }

    /// Ends idle connections until none is open or `limit` is over; returns how many are left.
    pub(crate) async fn drain(&self, limit: Duration, handle: &Handle) -> io::Result<usize> {
        let deadline = Instant::now() + limit;
        loop {
            for (_, connection) in &*self.open.borrow() {
                connection.end_if_idle();
            }
            if self.open.borrow().is_empty() || Instant::now() >= deadline {
                return Ok(self.open.borrow().len());
            }
            handle.sleep(LOOK_EVERY).await?;
        }
    }
}

/// A connection, and how busy it is.
///
/// It is *idle* if its task was not polled between two looks and no input waits for it: whatever the
/// peer has sent has been read, and the task waits for more or for the peer to take an answer.
///
/// ```text
///   Never ──▶ At(polls) ──▶ … ──▶ At(polls) ── the same number, no input ──▶ Ended
/// ```
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    polls: Cell<u32>,
    looked_at: Cell<Look>,
    /// Its place among the open ones.
    key: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    Never,
    At { polls: u32 },
    Ended,
}

impl Connection {
    /// Runs `future`, which serves the connection, and counts how often it is polled.
    pub(crate) fn watch<F: Future>(&self, future: F) -> Watch<'_, F> {
        Watch {
            polls: &self.polls,
            future,
        }
    }

    /// Ends the reading side of an idle connection.
    ///
    /// To its handler that looks like the end of what the peer sends, so it ends as it always does:
    /// answers that are under way go out first.
    fn end_if_idle(&self) {
        let now = Look::At {
            polls: self.polls.get(),
        };
        let before = self.looked_at.get();
        if before == Look::Ended {
            return;
        }
        self.looked_at.set(now);
        if before == now && !self.has_input() {
            self.looked_at.set(Look::Ended);
            // An error: the peer has gone first.
            let _ = self.stream.shutdown(Shutdown::Read);
        }
    }

    fn has_input(&self) -> bool {
        rustix::io::ioctl_fionread(&self.stream).is_ok_and(|bytes| bytes > 0)
    }
}

pin_project! {
    /// The future of [`Connection::watch`].
    pub(crate) struct Watch<'a, F> {
        polls: &'a Cell<u32>,
        #[pin]
        future: F,
    }
}

impl<F: Future> Future for Watch<'_, F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        this.polls.set(this.polls.get().wrapping_add(1));
        this.future.poll(cx)
    }
}

impl Deref for Connection {
    type Target = TcpStream;

    fn deref(&self) -> &TcpStream {
        &self.stream
    }
}

/// A connection's place among the others, until this is dropped.
#[derive(Debug)]
pub(crate) struct Entry {
    connections: Rc<Connections>,
    connection: Rc<Connection>,
}

impl Deref for Entry {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let key = self.connection.key as usize;
        let removed = self.connections.open.borrow_mut().remove(key);
        drop(removed);
    }
}

/// More than a round trip to most peers, so that a pause between two packets does not count as idle.
const LOOK_EVERY: Duration = Duration::from_millis(100);
