//! Operations between two objects, such as splice(2).

use std::{
    io,
    task::{Context, Poll, ready},
};

use io_traits::task;
use mio::event::Source;

use super::PollEvented;
use crate::{
    Direction,
    readiness::{Seen, Told},
    sys,
};

impl<E: Source> PollEvented<E> {
    /// Calls an operation that reads from this object and writes to `to` when both are worth trying,
    /// until it does not say `WouldBlock`.
    ///
    /// A `WouldBlock` does not say which of the two it was about, so the system is asked, by a call of
    /// poll(2) for each. Readiness that is still there is not lost.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) if one of the objects was registered by
    /// [`new`](Self::new), of which the poller knows no descriptor. Otherwise as
    /// [`poll_read_with`](Self::poll_read_with).
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # use std::{io, task::{Context, Poll}, os::fd::OwnedFd};
    /// # use reactor::{Fd, PollEvented};
    /// # fn splice(_: &Fd<OwnedFd>, _: &Fd<OwnedFd>) -> io::Result<usize> { Ok(0) }
    /// # fn poll_forward(socket: &PollEvented<Fd<OwnedFd>>, pipe: &PollEvented<Fd<OwnedFd>>,
    /// #     cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
    /// socket.poll_transfer_with(pipe, cx, |socket, pipe| splice(socket, pipe))
    /// # }
    /// ```
    pub fn poll_transfer_with<W: Source, T>(
        &self,
        to: &PollEvented<W>,
        cx: &mut Context<'_>,
        mut operation: impl FnMut(&E, &W) -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        let (Some(source), Some(target)) = (self.borrowed(), to.borrowed()) else {
            return Poll::Ready(Err(io::ErrorKind::Unsupported.into()));
        };
        for _ in 0..TRIES_IN_PLACE {
            // A task that waits for the one tries the other when it is woken.
            let readable = ready!(self.poll_told(Direction::Read, Told::READY, cx))?;
            let writable = ready!(to.poll_told(Direction::Write, Told::READY, cx))?;
            match operation(self.get_ref(), to.get_ref()) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.take_back_unless_ready(source, Direction::Read, readable);
                    to.take_back_unless_ready(target, Direction::Write, writable);
                }
                result => return Poll::Ready(result),
            }
        }
        // Both are said to be ready, and the operation still blocks: others have their turn first.
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// [`poll_transfer_with`](Self::poll_transfer_with) on the current task.
    ///
    /// # Errors
    ///
    /// `WouldBlock` with the task scheduled; an error with the source
    /// [`NotInTask`](io_traits::task::NotInTask) outside of a task. Otherwise as
    /// [`poll_transfer_with`](Self::poll_transfer_with).
    pub fn transfer_with<W: Source, T>(
        &self,
        to: &PollEvented<W>,
        operation: impl FnMut(&E, &W) -> io::Result<T>,
    ) -> io::Result<T> {
        task::poll(|cx| self.poll_transfer_with(to, cx, operation))
    }

    /// Calls an operation between two objects once, with no task to wake. A `WouldBlock` takes back the
    /// readiness of the one that blocks, so that [`readable`](Self::readable) of this or
    /// [`writable`](Self::writable) of the other then waits for what is new.
    ///
    /// # Errors
    ///
    /// Those of the operation, `WouldBlock` included. Otherwise as
    /// [`poll_transfer_with`](Self::poll_transfer_with).
    pub fn try_transfer_with<W: Source, T>(
        &self,
        to: &PollEvented<W>,
        operation: impl FnOnce(&E, &W) -> io::Result<T>,
    ) -> io::Result<T> {
        let (Some(source), Some(target)) = (self.borrowed(), to.borrowed()) else {
            return Err(io::ErrorKind::Unsupported.into());
        };
        let readable = self.registration.seen(Direction::Read)?;
        let writable = to.registration.seen(Direction::Write)?;
        let result = operation(self.get_ref(), to.get_ref());
        if matches!(&result, Err(error) if error.kind() == io::ErrorKind::WouldBlock) {
            self.take_back_unless_ready(source, Direction::Read, readable);
            to.take_back_unless_ready(target, Direction::Write, writable);
        }
        result
    }

    /// Takes back what was seen, unless the system says that it is so.
    fn take_back_unless_ready(&self, io: sys::Borrowed<'_>, direction: Direction, seen: Seen) {
        if !sys::is_ready(io, direction) {
            self.registration.would_block(direction, seen);
        }
    }
}

const TRIES_IN_PLACE: u32 = 8;
