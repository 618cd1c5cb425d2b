use std::{
    fmt,
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll},
};

use mio::event::Source;

use crate::{Direction, Interest, PollEvented, left_waker::LeftWaker, readiness::Told};

/// Waits until the peer has closed its side, or until reading has been shut down on this one; from
/// [`PollEvented::peer_closed`].
///
/// # Cancel safety
///
/// Cancel safe: it takes nothing from the object.
///
/// # Errors
///
/// [`Unsupported`](io::ErrorKind::Unsupported) with another trigger than
/// [`Edge`](crate::Trigger::Edge), and where the system's poller has no edges (poll(2)): data that nobody
/// reads would wake the task over and over. Otherwise as [`PollEvented::poll_read`].
#[must_use = "futures do nothing unless they are polled"]
pub struct PeerClosed<'a, E: Source> {
    io: &'a PollEvented<E>,
    left: LeftWaker,
}

impl<'a, E: Source> PeerClosed<'a, E> {
    pub(crate) fn new(io: &'a PollEvented<E>) -> Self {
        let left = LeftWaker::NONE;
        Self { io, left }
    }

    fn withdraw(&mut self) {
        self.left.withdraw(self.io.registration(), Interest::READ);
    }
}

impl<E: Source> Future for PeerClosed<'_, E> {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let registration = self.io.registration();
        registration.check_reports_news()?;
        let polled = self.io.poll_told(Direction::Read, Told::CLOSED, cx);
        self.left.set(registration, Interest::READ, cx.waker());
        if polled.is_ready() {
            self.withdraw();
        }
        polled.map_ok(drop)
    }
}

impl<E: Source> Drop for PeerClosed<'_, E> {
    fn drop(&mut self) {
        self.withdraw();
    }
}

impl<E: Source> fmt::Debug for PeerClosed<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerClosed").finish_non_exhaustive()
    }
}
