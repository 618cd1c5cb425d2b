use std::{
    any::Any,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use pin_project_lite::pin_project;

use super::{JoinError, JoinHandle, TaskHeader, join::Join};

/// A spawned future, the place where its output goes, and what wakes it: all of a task in one box.
pub(crate) trait Job {
    /// Polls the future, unless the task was aborted; when it is ready, drops it and hands its output
    /// over.
    fn poll(self: Pin<&mut Self>) -> Poll<()>;

    /// The future has panicked.
    fn panicked(self: Pin<&mut Self>, payload: Box<dyn Any + Send>);

    fn header(&self) -> &TaskHeader;
}

pub(crate) type BoxedJob = Pin<Box<dyn Job>>;
pub(crate) type SendJob = Pin<Box<dyn Job + Send>>;

/// Makes a job of a future, and the handle to its output.
pub(crate) fn new_job<F: Future>(
    future: F,
    header: Arc<TaskHeader>,
) -> (Pin<Box<JobOf<F>>>, JoinHandle<F::Output>) {
    let join = Arc::new(Join::new());
    let job = Box::pin(JobOf {
        future: Some(future),
        join: join.clone(),
        waker: Waker::from(header.clone()),
        header: header.clone(),
    });
    (job, JoinHandle::new(join, header))
}

pin_project! {
    pub(crate) struct JobOf<F: Future> {
        #[pin]
        future: Option<F>,
        join: Arc<Join<F::Output>>,
        waker: Waker,
        header: Arc<TaskHeader>,
    }

    impl<F: Future> PinnedDrop for JobOf<F> {
        fn drop(this: Pin<&mut Self>) {
            // Does nothing if there is a result already.
            this.join.complete(Err(JoinError::cancelled()));
        }
    }
}

impl<F: Future> Job for JobOf<F> {
    fn poll(self: Pin<&mut Self>) -> Poll<()> {
        let mut this = self.project();
        this.header.scheduled().begin_poll();
        if this.header.is_aborted() {
            return Poll::Ready(());
        }
        let Some(future) = this.future.as_mut().as_pin_mut() else {
            return Poll::Ready(());
        };
        let current = this.header.enter(this.waker);
        let polled = future.poll(&mut Context::from_waker(this.waker));
        drop(current);
        this.header.scheduled().end_poll();
        let Poll::Ready(output) = polled else {
            return Poll::Pending;
        };
        // First the end of the future, then the news of it.
        this.future.set(None);
        this.join.complete(Ok(output));
        Poll::Ready(())
    }

    fn panicked(self: Pin<&mut Self>, payload: Box<dyn Any + Send>) {
        self.project()
            .join
            .complete(Err(JoinError::panicked(payload)));
    }

    fn header(&self) -> &TaskHeader {
        &self.header
    }
}
