use std::{
    any::Any,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use pin_project_lite::pin_project;

use super::{
    JoinError, JoinHandle, TaskHeader, TaskId,
    current::Entered,
    join::Join,
    local::{drop_quietly, end_quietly},
};
use crate::shared::Shared;

/// A spawned future and the place where its output goes.
pub(crate) trait Job {
    /// Polls the future; when it is ready, drops it and hands its output over.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()>;

    /// Looks at what a poll needs, so that it is at hand then; what it says is of no use.
    fn glance(&self) -> bool;

    /// The future has panicked.
    fn panicked(self: Pin<&mut Self>, payload: Box<dyn Any + Send>);
}

pin_project! {
    /// A job and what its wakers point to: all of a task in one box.
    pub(crate) struct Task<J: ?Sized> {
        header: Arc<TaskHeader>,
        #[pin]
        job: J,
    }
}

/// Not yet behind a trait object.
type BoxedTaskOf<F> = Pin<Box<Task<JobOf<F>>>>;
pub(crate) type BoxedTask = Pin<Box<Task<dyn Job>>>;
pub(crate) type SendTask = Pin<Box<Task<dyn Job + Send>>>;

/// Makes a task of a future, and the handle to its output.
pub(crate) fn new_task<F: Future>(
    future: F,
    shared: &Arc<Shared>,
) -> (BoxedTaskOf<F>, JoinHandle<F::Output>) {
    let header = TaskHeader::new(shared.clone());
    let join = Arc::new(Join::new());
    let task = Box::pin(Task {
        header: header.clone(),
        job: JobOf {
            future: Some(future),
            news: News(Some(join.clone())),
        },
    });
    (task, JoinHandle::new(join, header))
}

impl<J: Job + ?Sized> Task<J> {
    /// Polls the job, unless the task was aborted; `id` is its number on the core of `shared`.
    #[inline]
    pub(crate) fn poll(self: Pin<&mut Self>, shared: &Arc<Shared>, id: TaskId) -> Poll<()> {
        let this = self.project();
        let scheduled = this.header.scheduled();
        scheduled.begin_poll();
        if this.header.is_aborted() {
            return Poll::Ready(());
        }
        let waker = this.header.waker();
        let current = Entered::new(shared, id, &waker);
        let polled = this.job.poll(&mut Context::from_waker(&waker));
        drop(current);
        scheduled.end_poll();
        polled
    }

    pub(crate) fn panicked(self: Pin<&mut Self>, payload: Box<dyn Any + Send>) {
        self.project().job.panicked(payload);
    }

    /// As [`Job::glance`].
    #[inline]
    pub(crate) fn glance(&self) -> bool {
        self.header.scheduled().is_set() & self.job.glance()
    }

    #[inline]
    pub(crate) fn header(&self) -> &TaskHeader {
        &self.header
    }
}

pin_project! {
    /// In this order: the future is dropped before the news of it.
    pub(crate) struct JobOf<F: Future> {
        #[pin]
        future: Option<F>,
        news: News<F::Output>,
    }
}

impl<F: Future> Job for JobOf<F> {
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        let Some(future) = this.future.as_mut().as_pin_mut() else {
            return Poll::Ready(());
        };
        let Poll::Ready(output) = future.poll(cx) else {
            return Poll::Pending;
        };
        // First the end of the future, then the news of it.
        this.future.set(None);
        this.news.tell(Ok(output));
        Poll::Ready(())
    }

    fn glance(&self) -> bool {
        self.future.is_some()
            & self
                .news
                .0
                .as_ref()
                .is_some_and(|join| Arc::strong_count(join) > 1)
    }

    fn panicked(self: Pin<&mut Self>, payload: Box<dyn Any + Send>) {
        let mut this = self.project();
        end_quietly(|| this.future.set(None));
        this.news.tell(Err(JoinError::panicked(payload)));
    }
}

/// Tells the handle of the end: at the latest when it is dropped itself. Only the first word counts.
struct News<T>(Option<Arc<Join<T>>>);

impl<T> News<T> {
    fn tell(&mut self, result: Result<T, JoinError>) {
        if let Some(join) = self.0.take() {
            join.complete(result);
            // If there is no handle any more, the output goes.
            drop_quietly(join);
        }
    }
}

impl<T> Drop for News<T> {
    fn drop(&mut self) {
        self.tell(Err(JoinError::cancelled()));
    }
}
