//! Operations as closures that are about more than one direction, or about urgent data or errors.

use std::{
    io,
    task::{Context, Poll, ready},
};

use io_traits::task;
use mio::event::Source;

use super::PollEvented;
use crate::{Interest, sight::Sight};

impl<E: Source> PollEvented<E> {
    /// Calls an operation when at least one of `interest` is true, until it does not say `WouldBlock`.
    ///
    /// A `WouldBlock` takes back just what was in `interest`: reading the error queue of a socket to its
    /// end does not make it unreadable.
    ///
    /// # Errors
    ///
    /// As [`poll_read_with`](Self::poll_read_with).
    pub fn poll_with<T>(
        &self,
        interest: Interest,
        cx: &mut Context<'_>,
        mut operation: impl FnMut(&E) -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        loop {
            let seen = ready!(Sight::poll(self, interest, cx))?;
            let result = operation(self.get_ref());
            seen.judge(&self.registration, interest, &result);
            match result {
                Err(error) if is_retried(&error) => {}
                result => return Poll::Ready(result),
            }
        }
    }

    /// [`poll_with`](Self::poll_with) for an operation that needs `&mut`.
    ///
    /// # Errors
    ///
    /// As [`poll_read_with`](Self::poll_read_with).
    pub fn poll_with_mut<T>(
        &mut self,
        interest: Interest,
        cx: &mut Context<'_>,
        mut operation: impl FnMut(&mut E) -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        loop {
            let seen = ready!(Sight::poll(self, interest, cx))?;
            let result = operation(self.get_mut());
            seen.judge(&self.registration, interest, &result);
            match result {
                Err(error) if is_retried(&error) => {}
                result => return Poll::Ready(result),
            }
        }
    }

    /// [`poll_with`](Self::poll_with) on the current task.
    ///
    /// # Errors
    ///
    /// As [`read_with`](Self::read_with).
    pub fn with<T>(
        &self,
        interest: Interest,
        operation: impl FnMut(&E) -> io::Result<T>,
    ) -> io::Result<T> {
        task::poll(|cx| self.poll_with(interest, cx, operation))
    }

    /// [`with`](Self::with) for an operation that needs `&mut`.
    ///
    /// # Errors
    ///
    /// As [`read_with`](Self::read_with).
    pub fn with_mut<T>(
        &mut self,
        interest: Interest,
        operation: impl FnMut(&mut E) -> io::Result<T>,
    ) -> io::Result<T> {
        task::poll(|cx| self.poll_with_mut(interest, cx, operation))
    }

    /// Calls an operation once, with no task to wake; a `WouldBlock` takes back what was in `interest`.
    ///
    /// # Errors
    ///
    /// As [`try_read_with`](Self::try_read_with).
    pub fn try_with<T>(
        &self,
        interest: Interest,
        operation: impl FnOnce(&E) -> io::Result<T>,
    ) -> io::Result<T> {
        let seen = Sight::look(&self.registration, interest)?;
        let result = operation(self.get_ref());
        seen.judge(&self.registration, interest, &result);
        result
    }

    /// [`try_with`](Self::try_with) for an operation that needs `&mut`.
    ///
    /// # Errors
    ///
    /// As [`try_read_with`](Self::try_read_with).
    pub fn try_with_mut<T>(
        &mut self,
        interest: Interest,
        operation: impl FnOnce(&mut E) -> io::Result<T>,
    ) -> io::Result<T> {
        let seen = Sight::look(&self.registration, interest)?;
        let result = operation(self.get_mut());
        seen.judge(&self.registration, interest, &result);
        result
    }
}

fn is_retried(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}
