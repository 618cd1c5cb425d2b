use std::{
    any::Any,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use pin_project_lite::pin_project;

use super::{
    JoinError, JoinHandle, TaskHeader, TaskId, current::Entered, join::Join, local::end_quietly,
};
use crate::shared::Shared;

/// A spawned future and the place where its output goes.
pub(crate) trait Job {
    /// The task has got its number; to be called once, unless it was known when the task was made.
    fn arrive(&self, id: TaskId);

    /// Polls the future unless the task was aborted; when it is ready, drops it and hands its output over.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()>;

    /// Looks at what a poll needs, so that it is at hand then; what it says is of no use.
    fn glance(&self) -> bool;

    /// The future has panicked.
    fn panicked(self: Pin<&mut Self>, payload: Box<dyn Any + Send>);
}

pin_project! {
    /// A job and what its wakers point to.
    pub(crate) struct Task<J: ?Sized> {
        // `None` until somebody keeps a waker.
        header: Option<Arc<TaskHeader>>,
        #[pin]
        job: J,
    }
}

/// Not yet behind a trait object.
type BoxedTaskOf<F> = Pin<Box<Task<JobOf<F>>>>;
pub(crate) type BoxedTask = Pin<Box<Task<dyn Job>>>;
pub(crate) type SendTask = Pin<Box<Task<dyn Job + Send>>>;

/// Makes a task of a future, and the handle to its output. The core gives it a number when it arrives there, if it has
/// none yet.
pub(crate) fn new_task<F: Future>(
    future: F,
    shared: &Arc<Shared>,
    id: Option<TaskId>,
) -> (BoxedTaskOf<F>, JoinHandle<F::Output>) {
    let join = Arc::new(Join::new(id));
    let task = Box::pin(Task {
        header: None,
        job: JobOf {
            future: Some(future),
            join: join.clone(),
        },
    });
    (task, JoinHandle::new(join, shared.clone()))
}

impl<J: Job + ?Sized> Task<J> {
    pub(crate) fn arrive(&self, id: TaskId) {
        self.job.arrive(id);
    }

    /// Whether somebody has kept a waker of it.
    #[inline]
    pub(crate) fn has_own_waker(&self) -> bool {
        self.header.is_some()
    }

    /// The waker that it was polled with is its own from now on.
    #[cold]
    pub(crate) fn set_own_waker(self: Pin<&mut Self>, header: Arc<TaskHeader>) {
        *self.project().header = Some(header);
    }

    /// Polls the job, with a waker that is lent to it; `id` is its number on the core of `shared`.
    #[inline]
    pub(crate) fn poll(
        self: Pin<&mut Self>,
        shared: &Arc<Shared>,
        id: TaskId,
        waker: &Waker,
    ) -> Poll<()> {
        let _current = Entered::new(shared, id, waker);
        self.project().job.poll(&mut Context::from_waker(waker))
    }

    /// Polls the job, with its own waker.
    pub(crate) fn poll_with_own_waker(
        self: Pin<&mut Self>,
        shared: &Arc<Shared>,
        id: TaskId,
    ) -> Poll<()> {
        let this = self.project();
        let Some(header) = this.header else {
            unreachable!("it was asked for");
        };
        let waker = header.waker();
        header.scheduled().begin_poll();
        let current = Entered::new(shared, id, &waker);
        let polled = this.job.poll(&mut Context::from_waker(&waker));
        drop(current);
        header.scheduled().end_poll();
        polled
    }

    pub(crate) fn panicked(self: Pin<&mut Self>, payload: Box<dyn Any + Send>) {
        self.project().job.panicked(payload);
    }

    /// As [`Job::glance`].
    #[inline]
    pub(crate) fn glance(&self) -> bool {
        self.job.glance() & self.header.is_none()
    }
}

pin_project! {
    /// The handle is told of the end when the future is no more: at the latest when this is dropped.
    pub(crate) struct JobOf<F: Future> {
        // `None` once the handle has been told.
        #[pin]
        future: Option<F>,
        join: Arc<Join<F::Output>>,
    }

    impl<F: Future> PinnedDrop for JobOf<F> {
        fn drop(this: Pin<&mut Self>) {
            if this.future.is_some() {
                this.end(Err(JoinError::cancelled()));
            }
        }
    }
}

impl<F: Future> JobOf<F> {
    /// First the end of the future, then the news of it.
    fn end(self: Pin<&mut Self>, result: Result<F::Output, JoinError>) {
        let mut this = self.project();
        end_quietly(|| this.future.set(None));
        this.join.complete(result);
    }
}

impl<F: Future> Job for JobOf<F> {
    fn arrive(&self, id: TaskId) {
        self.join.task().arrive(id);
    }

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        if this.join.task().is_aborted() {
            return Poll::Ready(());
        }
        let Some(future) = this.future.as_mut().as_pin_mut() else {
            return Poll::Ready(());
        };
        let Poll::Ready(output) = future.poll(cx) else {
            return Poll::Pending;
        };
        // A panic of its drop is a panic of the task.
        this.future.set(None);
        this.join.complete(Ok(output));
        Poll::Ready(())
    }

    fn glance(&self) -> bool {
        self.future.is_some() & !self.join.task().is_aborted()
    }

    fn panicked(self: Pin<&mut Self>, payload: Box<dyn Any + Send>) {
        self.end(Err(JoinError::panicked(payload)));
    }
}
