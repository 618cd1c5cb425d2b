use std::{
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures::Stream;
use io_traits::task::budget;
use reactor::{Handle, Options, Sleep, Trigger, mio::net::TcpStream as MioStream};

use crate::{AcceptError, TcpListener, TcpStream, tcp::Unregistered};
#[cfg(unix)]
use crate::{UnixListener, UnixStream};

/// What accepting asks of a listener.
pub(crate) trait Accept {
    type Connection;

    fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<Self::Connection>>;

    fn handle(&self) -> &Handle;
}

/// The connections of a listener; from [`TcpListener::incoming`] or `UnixListener::incoming`.
///
/// The stream never ends, and what goes wrong with one connection is not the end of the others:
///
/// * a connection that died before it was accepted is skipped and counted;
/// * when the process or the system is out of descriptors or memory, accepting pauses, 10 ms at first
///   and up to 1 s, and then goes on by itself; nothing but the pause and a log line is seen of it.
///
/// An item is an error only if the listener itself is broken or its core has been dropped. The next
/// item will be one, too: a loop that goes on after an error would spin.
///
/// It yields to other tasks after 128 connections.
///
/// # Cancel safety
///
/// `next()` is cancel safe: a connection is accepted and returned in the same poll.
#[derive(Debug)]
#[must_use = "streams do nothing unless they are polled"]
pub struct Incoming<L = TcpListener> {
    listener: L,
    pause: Option<Sleep>,
    next_pause: Duration,
    skipped: u64,
    pauses: u64,
}

impl<L> Incoming<L> {
    pub(crate) fn new(listener: L) -> Self {
        Self {
            listener,
            pause: None,
            next_pause: FIRST_PAUSE,
            skipped: 0,
            pauses: 0,
        }
    }

    /// The listener.
    pub fn get_ref(&self) -> &L {
        &self.listener
    }

    /// Gives the listener back.
    pub fn into_inner(self) -> L {
        self.listener
    }

    /// How many connections died before they were accepted.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// How many times accepting paused for want of descriptors or memory.
    pub fn pauses(&self) -> u64 {
        self.pauses
    }

    fn poll_connection(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<L::Connection>>
    where
        L: Accept,
    {
        loop {
            if let Some(pause) = &mut self.pause {
                ready!(Pin::new(pause).poll(cx))?;
                self.pause = None;
            }
            ready!(budget::poll_left(cx));
            let accepted = ready!(self.listener.poll_accept(cx));
            budget::spend();
            let error = match accepted {
                Ok(connection) => {
                    self.next_pause = FIRST_PAUSE;
                    return Poll::Ready(Ok(connection));
                }
                Err(error) => error,
            };
            match AcceptError::of(&error) {
                AcceptError::Connection => {
                    tracing::debug!(%error, "a connection died before it was accepted");
                    self.skipped += 1;
                }
                AcceptError::Resource => self.start_pause(&error),
                AcceptError::Fatal => return Poll::Ready(Err(error)),
            }
        }
    }

    fn start_pause(&mut self, error: &io::Error)
    where
        L: Accept,
    {
        tracing::warn!(%error, pause = ?self.next_pause, "accepting pauses");
        self.pauses += 1;
        self.pause = Some(self.listener.handle().sleep(self.next_pause));
        self.next_pause = (self.next_pause * 2).min(LONGEST_PAUSE);
    }
}

impl Stream for Incoming {
    type Item = io::Result<(TcpStream, SocketAddr)>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_connection(cx).map(Some)
    }
}

impl Stream for Incoming<Unregistered> {
    type Item = io::Result<(MioStream, SocketAddr)>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_connection(cx).map(Some)
    }
}

#[cfg(unix)]
impl Stream for Incoming<UnixListener> {
    type Item = io::Result<(UnixStream, std::os::unix::net::SocketAddr)>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_connection(cx).map(Some)
    }
}

const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How a listener is registered: it is reported for as long as connections wait, so an `accept` need not
/// be followed by another one that finds nothing.
pub(crate) fn accepting() -> Options {
    Options::new().trigger(Trigger::Level)
}
