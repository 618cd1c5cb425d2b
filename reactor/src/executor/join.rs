use std::{
    any::Any,
    error, fmt,
    future::Future,
    io, mem,
    pin::Pin,
    sync::{Arc, PoisonError},
    task::{Context, Poll, Waker, ready},
};

use super::{TaskId, number::Number, task::wake};
use crate::{
    fault::{Fault, seeded},
    shared::{Shared, wake_quietly},
    sync::{Mutex, lock},
};

/// The output of a spawned task, once it is there.
///
/// Dropping it lets the task go on. The task's panic stays in here: it harms neither the loop nor other
/// tasks.
///
/// # Cancel safety
///
/// Cancel safe: the output stays until it is taken.
///
/// # Errors
///
/// [`JoinError`] if the task has panicked, was aborted, or its core was dropped before it was done. When that
/// is told, the task's future has been dropped.
///
/// # Panics
///
/// When it is polled after it was ready.
pub struct JoinHandle<T> {
    /// `None` once the output has been taken.
    join: Option<Arc<Join<T>>>,
    shared: Arc<Shared>,
}

impl<T> JoinHandle<T> {
    pub(crate) fn new(join: Arc<Join<T>>, shared: Arc<Shared>) -> Self {
        Self {
            join: Some(join),
            shared,
        }
    }

    /// Ends the task at its next turn to run: its future is dropped on its core's thread.
    ///
    /// A task that is done already is not changed by it.
    pub fn abort(&self) {
        if let Some(task) = self.join.as_ref().and_then(|join| join.task.abort()) {
            wake(&self.shared, task);
        }
    }

    /// Whether the task is done.
    pub fn is_finished(&self) -> bool {
        self.join.as_ref().is_none_or(|join| join.is_complete())
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // A task that is done has let go of it, and then there is nobody to be locked out.
        if let Some(join) = (self.join).take_if(|join| Arc::strong_count(join) == 1) {
            let join = Arc::into_inner(join).expect("nobody else has it");
            return Poll::Ready(join.into_result());
        }
        let Some(join) = &self.join else {
            panic!("a JoinHandle was polled after it was ready");
        };
        let result = match join.poll(cx.waker()) {
            // It is done there, and nobody would tell of it here.
            Poll::Pending if self.shared.check_process().is_err() => Err(JoinError::cancelled()),
            polled => ready!(polled),
        };
        self.join = None;
        Poll::Ready(result)
    }
}

impl<T> Drop for JoinHandle<T> {
    fn drop(&mut self) {
        if let Some(join) = &self.join {
            join.forget_waker();
        }
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle")
            .field("finished", &self.is_finished())
            .finish_non_exhaustive()
    }
}

/// Where a task leaves its output and its handle finds it.
///
/// ```text
///   Running(waker?) ── complete ──▶ Done(result) ── poll ──▶ Taken
/// ```
///
/// Either lets go of it as soon as it has nothing more to do with it.
pub(crate) struct Join<T> {
    task: Number,
    state: Mutex<State<T>>,
}

enum State<T> {
    Running(Option<Waker>),
    Done(Result<T, JoinError>),
    Taken,
}

impl<T> Join<T> {
    /// Of a task that has that number, or gets one later; or of none.
    pub(crate) fn new(task: Option<TaskId>) -> Self {
        Self {
            task: Number::new(task),
            state: Mutex::new(State::Running(None)),
        }
    }

    #[inline]
    pub(super) fn task(&self) -> &Number {
        &self.task
    }

    /// Leaves the result and wakes the handle; only the first result counts.
    pub(crate) fn complete(&self, result: Result<T, JoinError>) {
        let before = {
            let mut state = lock(&self.state);
            if !matches!(*state, State::Running(_)) {
                drop(state);
                // The later result is dropped here, outside of the lock.
                return;
            }
            mem::replace(&mut *state, State::Done(result))
        };
        if let State::Running(Some(waker)) = before
            && !seeded(Fault::CompleteWithoutWake)
        {
            wake_quietly(waker);
        }
    }

    pub(crate) fn is_complete(&self) -> bool {
        !matches!(*lock(&self.state), State::Running(_))
    }

    /// The result, if it is there; otherwise whoever asks is woken for it.
    pub(crate) fn poll(&self, waker: &Waker) -> Poll<Result<T, JoinError>> {
        // Cloning and dropping wakers is foreign code, so neither happens under the lock; and a task that is done
        // needs none.
        let mut mine = None;
        loop {
            let mut state = lock(&self.state);
            match &mut *state {
                State::Running(Some(stored)) if stored.will_wake(waker) => return Poll::Pending,
                State::Running(stored) if mine.is_some() => {
                    mem::swap(stored, &mut mine);
                    drop(state);
                    return Poll::Pending;
                }
                State::Running(_) => {
                    drop(state);
                    mine = Some(waker.clone());
                }
                State::Done(_) | State::Taken => {
                    let taken = mem::replace(&mut *state, State::Taken);
                    drop(state);
                    return Poll::Ready(taken.into_result());
                }
            }
        }
    }

    /// Of a task that has let go of it, which it does when it has left a result.
    fn into_result(self) -> Result<T, JoinError> {
        let state = self.state.into_inner();
        state.unwrap_or_else(PoisonError::into_inner).into_result()
    }

    /// The handle is gone: nobody is to be woken, however long the task goes on.
    fn forget_waker(&self) {
        let forgotten = match &mut *lock(&self.state) {
            State::Running(waker) => waker.take(),
            State::Done(_) | State::Taken => None,
        };
        // Foreign code, outside of the lock.
        drop(forgotten);
    }
}

impl<T> State<T> {
    fn into_result(self) -> Result<T, JoinError> {
        match self {
            Self::Done(result) => result,
            Self::Running(_) | Self::Taken => Err(JoinError::cancelled()),
        }
    }
}

impl<T> fmt::Debug for Join<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Join").finish_non_exhaustive()
    }
}

/// Why a task has no output.
pub struct JoinError(Reason);

enum Reason {
    Panicked(Box<dyn Any + Send>),
    Cancelled,
}

impl JoinError {
    pub(crate) fn panicked(payload: Box<dyn Any + Send>) -> Self {
        Self(Reason::Panicked(payload))
    }

    pub(crate) fn cancelled() -> Self {
        Self(Reason::Cancelled)
    }

    /// Whether the task has panicked.
    pub fn is_panic(&self) -> bool {
        matches!(self.0, Reason::Panicked(_))
    }

    /// Whether the task was aborted, or its core dropped, before it was done.
    pub fn is_cancelled(&self) -> bool {
        matches!(self.0, Reason::Cancelled)
    }

    /// What the task has panicked with, for [`resume_unwind`](std::panic::resume_unwind).
    ///
    /// # Errors
    ///
    /// The error itself, if it is not a panic.
    pub fn try_into_panic(self) -> Result<Box<dyn Any + Send>, Self> {
        match self.0 {
            Reason::Panicked(payload) => Ok(payload),
            Reason::Cancelled => Err(self),
        }
    }

    /// The text of the panic, if it has one.
    fn message(&self) -> Option<&str> {
        let Reason::Panicked(payload) = &self.0 else {
            return None;
        };
        let text = payload.downcast_ref::<&str>().copied();
        text.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
    }
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.0, self.message()) {
            (Reason::Cancelled, _) => f.write_str("the task was cancelled before it was done"),
            (Reason::Panicked(_), Some(message)) => write!(f, "the task has panicked: {message}"),
            (Reason::Panicked(_), None) => f.write_str("the task has panicked"),
        }
    }
}

impl fmt::Debug for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JoinError({self})")
    }
}

impl error::Error for JoinError {}

/// Of kind [`Other`](io::ErrorKind::Other), with the text alone: what a task has panicked with cannot be shared
/// between threads, as the source of an error is.
impl From<JoinError> for io::Error {
    fn from(error: JoinError) -> Self {
        Self::other(error.to_string())
    }
}
