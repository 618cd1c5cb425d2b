use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use futures::{Stream, StreamExt, stream::FuturesUnordered};

use super::{JoinError, JoinHandle};

/// Tasks that are joined and cancelled together: a [`Stream`] of their results, in the order of their ends.
///
/// It takes the handle of any task, wherever that was spawned. Dropping the group aborts the tasks that are
/// not done, as [`JoinHandle::abort`] does: each ends at its next turn to run. [`shutdown`](Self::shutdown) waits
/// for that, and [`detach`](Self::detach) lets them go on instead.
///
/// The stream ends when no task is left, and goes on when one more is added.
///
/// # Examples
///
/// ```
/// use futures::StreamExt;
/// use reactor::{Core, TaskGroup};
///
/// let mut core = Core::new()?;
/// let spawner = core.spawner();
/// let mut group = TaskGroup::new();
/// for n in 1..=3 {
///     group.add(spawner.spawn(async move { n }));
/// }
/// let sum = core.run(async {
///     let mut sum = 0;
///     while let Some(result) = group.next().await {
///         sum += result.unwrap();
///     }
///     sum
/// })?;
/// assert_eq!(sum, 6);
/// # std::io::Result::Ok(())
/// ```
#[must_use = "dropping a group aborts its tasks"]
pub struct TaskGroup<T> {
    handles: FuturesUnordered<JoinHandle<T>>,
}

impl<T> TaskGroup<T> {
    /// A group without tasks.
    pub fn new() -> Self {
        Self {
            handles: FuturesUnordered::new(),
        }
    }

    /// Makes a task one of the group.
    pub fn add(&mut self, task: JoinHandle<T>) {
        self.handles.push(task);
    }

    /// How many tasks there are whose results have not been taken.
    pub fn len(&self) -> usize {
        self.handles.len()
    }

    /// Whether there is no task whose result has not been taken.
    pub fn is_empty(&self) -> bool {
        self.handles.is_empty()
    }

    /// Ends all tasks, each at its next turn to run. Their results still come: cancelled, unless a task was
    /// done before.
    pub fn abort_all(&self) {
        self.handles.iter().for_each(JoinHandle::abort);
    }

    /// Ends all tasks and waits until the last one is gone; their results are dropped. Their core has to be
    /// turning.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: the tasks have been aborted when it is polled first.
    pub async fn shutdown(&mut self) {
        self.abort_all();
        while self.handles.next().await.is_some() {}
    }

    /// Lets the tasks go on without the group.
    pub fn detach(mut self) {
        self.handles = FuturesUnordered::new();
    }
}

impl<T> Stream for TaskGroup<T> {
    type Item = Result<T, JoinError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.handles.poll_next_unpin(cx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.handles.size_hint()
    }
}

impl<T> Drop for TaskGroup<T> {
    fn drop(&mut self) {
        self.abort_all();
    }
}

impl<T> Default for TaskGroup<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Extend<JoinHandle<T>> for TaskGroup<T> {
    fn extend<I: IntoIterator<Item = JoinHandle<T>>>(&mut self, tasks: I) {
        self.handles.extend(tasks);
    }
}

impl<T> FromIterator<JoinHandle<T>> for TaskGroup<T> {
    fn from_iter<I: IntoIterator<Item = JoinHandle<T>>>(tasks: I) -> Self {
        Self {
            handles: tasks.into_iter().collect(),
        }
    }
}

impl<T> fmt::Debug for TaskGroup<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskGroup")
            .field("tasks", &self.len())
            .finish_non_exhaustive()
    }
}
