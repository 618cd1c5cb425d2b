#[cfg(debug_assertions)]
use std::panic::Location;
use std::{
    error::Error,
    io,
    task::{Context, Poll},
};

use super::{Stalled, scope::enter_counted};

/// How one poll of an operation ended.
#[derive(Debug)]
pub(crate) enum Attempt<T, E> {
    Done(Result<T, E>),
    /// Would block, and somebody will wake the task.
    Registered,
    /// Would block, and nobody has been asked to wake the task.
    Unregistered,
    /// Was interrupted so often that others should have their turn.
    Interrupted,
}

/// Calls an operation with the task of `cx` as the current one, until there is something to tell.
///
/// `kind_of` gives the kind of the I/O error that an error is, or that is behind it.
#[inline]
pub(crate) fn attempt<T, E>(
    cx: &mut Context<'_>,
    kind_of: impl Fn(&E) -> Option<io::ErrorKind>,
    mut operation: impl FnMut() -> Result<T, E>,
) -> Attempt<T, E> {
    let (mut unregistered, mut interrupted) = (0, 0);
    loop {
        let (result, registrations) = enter_counted(cx, &mut operation);
        match result.as_ref().err().and_then(&kind_of) {
            Some(io::ErrorKind::WouldBlock) => {
                if registrations > 0 {
                    return Attempt::Registered;
                }
                unregistered += 1;
                if unregistered == TRIES_IN_PLACE {
                    return Attempt::Unregistered;
                }
            }
            Some(io::ErrorKind::Interrupted) => {
                interrupted += 1;
                if interrupted == INTERRUPTS_IN_PLACE {
                    return Attempt::Interrupted;
                }
            }
            _ => return Attempt::Done(result),
        }
    }
}

pub(crate) fn kind_of_io(error: &io::Error) -> Option<io::ErrorKind> {
    Some(error.kind())
}

/// The kind of the I/O error that any error is, or that is behind it.
///
/// An I/O error of kind `Other` says nothing itself: what it wraps may be an error of a library's, and
/// behind that there may be an I/O error again.
#[inline]
pub(crate) fn kind_behind<E: Error + 'static>(error: &E) -> Option<io::ErrorKind> {
    let mut kind = None;
    let mut next = Some(error as &(dyn Error + 'static));
    while let Some(error) = next {
        next = match error.downcast_ref::<io::Error>() {
            Some(io) if io.kind() != io::ErrorKind::Other => return Some(io.kind()),
            Some(io) => {
                kind = Some(io::ErrorKind::Other);
                // Its `source` would be that of the error it wraps.
                io.get_ref().map(|wrapped| wrapped as _)
            }
            None => error.source(),
        };
    }
    kind
}

/// Calls something once, and says whether it has had the task registered for a wakeup.
pub(crate) fn enter_once<R>(cx: &mut Context<'_>, f: impl FnOnce() -> R) -> (R, bool) {
    let (result, registrations) = enter_counted(cx, f);
    (result, registrations > 0)
}

/// Polls in a row that ended in a "would block" with nobody to wake the task.
///
/// A future or an object that lives from poll to poll remembers it, so that such a series ends as an
/// error and not as a spin. A debug build says at the first such poll whose operation it is.
#[derive(Debug)]
pub(crate) struct Stall {
    polls: u8,
    #[cfg(debug_assertions)]
    caller: &'static Location<'static>,
}

impl Stall {
    #[track_caller]
    #[inline]
    pub(crate) fn new() -> Self {
        Self {
            polls: 0,
            #[cfg(debug_assertions)]
            caller: Location::caller(),
        }
    }

    /// Calls an operation once a poll.
    #[inline]
    pub(crate) fn poll<T>(
        &mut self,
        cx: &mut Context<'_>,
        operation: impl FnMut() -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        let attempt = attempt(cx, kind_of_io, operation);
        self.settle(cx, attempt)
    }

    /// What an attempt means for the poll that made it.
    #[inline]
    pub(crate) fn settle<T, E: From<io::Error>>(
        &mut self,
        cx: &Context<'_>,
        attempt: Attempt<T, E>,
    ) -> Poll<Result<T, E>> {
        match attempt {
            Attempt::Done(result) => {
                self.polls = 0;
                return Poll::Ready(result);
            }
            Attempt::Registered => {
                self.polls = 0;
                return Poll::Pending;
            }
            Attempt::Interrupted => {}
            Attempt::Unregistered => {
                #[cfg(debug_assertions)]
                if self.polls == 0 {
                    tracing::warn!(
                        caller = %self.caller,
                        "an operation would block, but nobody was asked to wake the task"
                    );
                }
                self.polls += 1;
                if self.polls >= STALLED_AFTER_POLLS {
                    self.polls = 0;
                    return Poll::Ready(Err(io::Error::from(Stalled).into()));
                }
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

pub(crate) const TRIES_IN_PLACE: u32 = 3;
const INTERRUPTS_IN_PLACE: u32 = 64;
pub(crate) const STALLED_AFTER_POLLS: u8 = 16;
