use std::task::Waker;

use crate::executor::TaskId;

/// Who is woken by a timer.
#[derive(Debug)]
pub(crate) enum Waiter {
    /// A task of the loop whose timer it is.
    Own(TaskId),
    /// Anybody else.
    Other(Waker),
}

impl Waiter {
    /// Stands in the place of a timer that is no more, and is never woken.
    pub(super) const NOBODY: Self = Self::Own(TaskId::ROOT);

    /// `own` is the number of the task of `waker`, if that is the one that the loop is polling.
    #[inline]
    pub(super) fn new(own: Option<TaskId>, waker: &Waker) -> Self {
        own.map_or_else(|| Self::Other(waker.clone()), Self::Own)
    }

    #[inline]
    pub(super) fn is(&self, own: Option<TaskId>, waker: &Waker) -> bool {
        match self {
            Self::Own(task) => own == Some(*task),
            Self::Other(other) => other.will_wake(waker),
        }
    }

    /// If it is no task of the loop.
    pub(super) fn other(self) -> Option<Waker> {
        match self {
            Self::Own(_) => None,
            Self::Other(waker) => Some(waker),
        }
    }
}
