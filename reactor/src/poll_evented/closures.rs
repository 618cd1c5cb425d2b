//! Operations of one direction as closures. A table of all forms is in `guide/own_io_object.rs`.

use std::{
    io,
    task::{Context, Poll},
};

use io_traits::task;
use mio::event::Source;

use super::{PRESENT, PollEvented, drive::drive};
use crate::{Direction, Interest, Progress};

impl<E: Source> PollEvented<E> {
    /// Calls a reading operation when it is worth trying, until it does not say `WouldBlock`.
    ///
    /// # Errors
    ///
    /// Those of the operation, but never `WouldBlock` nor `Interrupted`. Otherwise as
    /// [`poll_read`](Self::poll_read).
    #[inline]
    pub fn poll_read_with<T>(
        &self,
        cx: &mut Context<'_>,
        mut operation: impl FnMut(&E) -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        self.poll_read_draining(cx, |io| operation(io).map(Progress::more))
    }

    /// [`poll_read_with`](Self::poll_read_with) for an operation that needs `&mut`.
    ///
    /// # Errors
    ///
    /// As [`poll_read_with`](Self::poll_read_with).
    #[inline]
    pub fn poll_read_with_mut<T>(
        &mut self,
        cx: &mut Context<'_>,
        mut operation: impl FnMut(&mut E) -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        self.poll_read_draining_mut(cx, |io| operation(io).map(Progress::more))
    }

    /// [`poll_read_with`](Self::poll_read_with) for an operation that may know that nothing is left.
    ///
    /// That knowledge is used only where it can be relied upon: not after the peer's close or urgent
    /// data has been seen, and not on a platform whose poller reports nothing new after a short
    /// transfer. With [`Trigger::Level`](crate::Trigger::Level) it can always be.
    ///
    /// # Errors
    ///
    /// As [`poll_read_with`](Self::poll_read_with).
    #[inline]
    pub fn poll_read_draining<T>(
        &self,
        cx: &mut Context<'_>,
        mut operation: impl FnMut(&E) -> io::Result<Progress<T>>,
    ) -> Poll<io::Result<T>> {
        let (io, direction) = (self.get_ref(), Direction::Read);
        drive(&self.registration, self.borrow, direction, io, cx, |io| {
            operation(io)
        })
    }

    /// [`poll_read_draining`](Self::poll_read_draining) for an operation that needs `&mut`.
    ///
    /// # Errors
    ///
    /// As [`poll_read_with`](Self::poll_read_with).
    #[inline]
    pub fn poll_read_draining_mut<T>(
        &mut self,
        cx: &mut Context<'_>,
        mut operation: impl FnMut(&mut E) -> io::Result<Progress<T>>,
    ) -> Poll<io::Result<T>> {
        let io = self.io.as_mut().expect(PRESENT);
        let direction = Direction::Read;
        drive(&self.registration, self.borrow, direction, io, cx, |io| {
            operation(io)
        })
    }

    /// [`poll_read_with`](Self::poll_read_with) on the current task; with
    /// [`task::io`](io_traits::task::io()) around it, it is a future.
    ///
    /// # Errors
    ///
    /// `WouldBlock` with the task scheduled; an error with the source
    /// [`NotInTask`](io_traits::task::NotInTask) outside of a task. Otherwise as
    /// [`poll_read_with`](Self::poll_read_with).
    #[inline]
    pub fn read_with<T>(&self, operation: impl FnMut(&E) -> io::Result<T>) -> io::Result<T> {
        task::poll(|cx| self.poll_read_with(cx, operation))
    }

    /// [`read_with`](Self::read_with) for an operation that needs `&mut`.
    ///
    /// # Errors
    ///
    /// As [`read_with`](Self::read_with).
    #[inline]
    pub fn read_with_mut<T>(
        &mut self,
        operation: impl FnMut(&mut E) -> io::Result<T>,
    ) -> io::Result<T> {
        task::poll(|cx| self.poll_read_with_mut(cx, operation))
    }

    /// Calls a reading operation once, with no task to wake; a `WouldBlock` takes readiness back, so
    /// that [`readable`](Self::readable) then waits for what is new.
    ///
    /// # Errors
    ///
    /// Those of the operation, `WouldBlock` included. An error with the source
    /// [`ReactorGone`](crate::ReactorGone) once the core has been dropped.
    pub fn try_read_with<T>(&self, operation: impl FnOnce(&E) -> io::Result<T>) -> io::Result<T> {
        self.try_with(Interest::READ, operation)
    }

    /// [`try_read_with`](Self::try_read_with) for an operation that needs `&mut`.
    ///
    /// # Errors
    ///
    /// As [`try_read_with`](Self::try_read_with).
    pub fn try_read_with_mut<T>(
        &mut self,
        operation: impl FnOnce(&mut E) -> io::Result<T>,
    ) -> io::Result<T> {
        self.try_with_mut(Interest::READ, operation)
    }

    /// Calls a writing operation when it is worth trying, until it does not say `WouldBlock`.
    ///
    /// # Errors
    ///
    /// Those of the operation, but never `WouldBlock` nor `Interrupted`. Otherwise as
    /// [`poll_write`](Self::poll_write).
    #[inline]
    pub fn poll_write_with<T>(
        &self,
        cx: &mut Context<'_>,
        mut operation: impl FnMut(&E) -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        self.poll_write_draining(cx, |io| operation(io).map(Progress::more))
    }

    /// [`poll_write_with`](Self::poll_write_with) for an operation that needs `&mut`.
    ///
    /// # Errors
    ///
    /// As [`poll_write_with`](Self::poll_write_with).
    #[inline]
    pub fn poll_write_with_mut<T>(
        &mut self,
        cx: &mut Context<'_>,
        mut operation: impl FnMut(&mut E) -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        self.poll_write_draining_mut(cx, |io| operation(io).map(Progress::more))
    }

    /// [`poll_write_with`](Self::poll_write_with) for an operation that may know that there is no more room.
    ///
    /// That knowledge is used only where it can be relied upon: not after the peer's close or urgent
    /// data has been seen, and not on a platform whose poller reports nothing new after a short
    /// transfer. With [`Trigger::Level`](crate::Trigger::Level) it can always be.
    ///
    /// # Errors
    ///
    /// As [`poll_write_with`](Self::poll_write_with).
    #[inline]
    pub fn poll_write_draining<T>(
        &self,
        cx: &mut Context<'_>,
        mut operation: impl FnMut(&E) -> io::Result<Progress<T>>,
    ) -> Poll<io::Result<T>> {
        let (io, direction) = (self.get_ref(), Direction::Write);
        drive(&self.registration, self.borrow, direction, io, cx, |io| {
            operation(io)
        })
    }

    /// [`poll_write_draining`](Self::poll_write_draining) for an operation that needs `&mut`.
    ///
    /// # Errors
    ///
    /// As [`poll_write_with`](Self::poll_write_with).
    #[inline]
    pub fn poll_write_draining_mut<T>(
        &mut self,
        cx: &mut Context<'_>,
        mut operation: impl FnMut(&mut E) -> io::Result<Progress<T>>,
    ) -> Poll<io::Result<T>> {
        let io = self.io.as_mut().expect(PRESENT);
        let direction = Direction::Write;
        drive(&self.registration, self.borrow, direction, io, cx, |io| {
            operation(io)
        })
    }

    /// [`poll_write_with`](Self::poll_write_with) on the current task; with
    /// [`task::io`](io_traits::task::io()) around it, it is a future.
    ///
    /// # Errors
    ///
    /// `WouldBlock` with the task scheduled; an error with the source
    /// [`NotInTask`](io_traits::task::NotInTask) outside of a task. Otherwise as
    /// [`poll_write_with`](Self::poll_write_with).
    #[inline]
    pub fn write_with<T>(&self, operation: impl FnMut(&E) -> io::Result<T>) -> io::Result<T> {
        task::poll(|cx| self.poll_write_with(cx, operation))
    }

    /// [`write_with`](Self::write_with) for an operation that needs `&mut`.
    ///
    /// # Errors
    ///
    /// As [`write_with`](Self::write_with).
    #[inline]
    pub fn write_with_mut<T>(
        &mut self,
        operation: impl FnMut(&mut E) -> io::Result<T>,
    ) -> io::Result<T> {
        task::poll(|cx| self.poll_write_with_mut(cx, operation))
    }

    /// Calls a writing operation once, with no task to wake; a `WouldBlock` takes readiness back, so
    /// that [`writable`](Self::writable) then waits for what is new.
    ///
    /// # Errors
    ///
    /// Those of the operation, `WouldBlock` included. An error with the source
    /// [`ReactorGone`](crate::ReactorGone) once the core has been dropped.
    pub fn try_write_with<T>(&self, operation: impl FnOnce(&E) -> io::Result<T>) -> io::Result<T> {
        self.try_with(Interest::WRITE, operation)
    }

    /// [`try_write_with`](Self::try_write_with) for an operation that needs `&mut`.
    ///
    /// # Errors
    ///
    /// As [`try_write_with`](Self::try_write_with).
    pub fn try_write_with_mut<T>(
        &mut self,
        operation: impl FnOnce(&mut E) -> io::Result<T>,
    ) -> io::Result<T> {
        self.try_with_mut(Interest::WRITE, operation)
    }
}
