use std::{
    cell::{Cell, RefCell},
    fmt,
    future::Future,
    hint, mem,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    rc::Rc,
    sync::Arc,
    task::Poll,
    thread,
};

use io_traits::task::budget;
use slab::Slab;

use super::{
    BoxedTask, JoinHandle, SpareWaker, TaskId, new_task,
    queue::Queue,
    task::{Generation, Label},
};
use crate::{shared::Shared, time::OwnTimers};

/// The executor's side of a core: its tasks and the queue of those that are to be polled.
pub(crate) struct Local {
    shared: Arc<Shared>,
    queue: Queue,
    /// How many in the queue nobody has looked at for long, about: a hint.
    far_away: Cell<usize>,
    /// Of tasks of this core, which are woken once the poller has been asked.
    deferred: RefCell<Vec<TaskId>>,
    tasks: RefCell<Slab<Place>>,
    last_generation: Cell<Generation>,
    spare_waker: RefCell<SpareWaker>,
    /// Whether the root is in the queue.
    root_is_queued: Cell<bool>,
    timers: OwnTimers,
    /// The core is being dropped: no task is taken any more.
    closed: Cell<bool>,
}

struct Place {
    label: Label,
    /// Taken out for the length of a poll, so that no borrow is held while foreign code runs.
    task: Option<BoxedTask>,
}

impl Local {
    pub(crate) fn new(shared: Arc<Shared>) -> Rc<Self> {
        Rc::new(Self {
            spare_waker: RefCell::new(SpareWaker::new(shared.clone())),
            shared,
            queue: Queue::default(),
            far_away: Cell::new(0),
            deferred: RefCell::default(),
            tasks: RefCell::default(),
            last_generation: Cell::new(Generation::FIRST),
            root_is_queued: Cell::new(false),
            timers: OwnTimers::new(),
            closed: Cell::new(false),
        })
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    #[inline]
    pub(crate) fn timers(&self) -> &OwnTimers {
        &self.timers
    }

    /// Spawns a future that need not be `Send`.
    pub(crate) fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        if self.closed.get() {
            let (_cancelled, handle) = new_task(future, &self.shared, None);
            return handle;
        }
        self.take_in(|id| {
            let (task, handle) = new_task(future, &self.shared, Some(id));
            (task, handle)
        })
    }

    /// Takes a task in that was made elsewhere.
    pub(crate) fn arrive(&self, task: BoxedTask) {
        if !self.closed.get() {
            self.take_in(|id| {
                task.arrive(id);
                (task, ())
            });
        }
    }

    /// `make` runs no foreign code.
    #[inline]
    fn take_in<R>(&self, make: impl FnOnce(TaskId) -> (BoxedTask, R)) -> R {
        let generation = self.last_generation.get().next();
        self.last_generation.set(generation);
        let mut tasks = self.tasks.borrow_mut();
        let entry = tasks.vacant_entry();
        let place = u32::try_from(entry.key()).expect("fewer tasks than bytes of memory");
        let id = TaskId::new(place, generation);
        let (task, made) = make(id);
        entry.insert(Place {
            label: Label::queued(id),
            task: Some(task),
        });
        self.shared.counters.spawned.add(1);
        self.queue.push(id);
        made
    }

    /// Polls the tasks in the queue, 64 at most. When it is the root's turn, `poll_root` is called; if
    /// it has an answer, that is the answer and ends it.
    #[inline]
    pub(crate) fn poll_tasks<T>(&self, mut poll_root: impl FnMut() -> Option<T>) -> Option<T> {
        let is_traced = self.shared.tracing.is_on();
        if self.far_away.get() > 0 {
            self.fetch();
        }
        // It is lent to one task at a time, and no task runs the loop that polls it.
        let spare = &mut *self.spare_waker.borrow_mut();
        for _ in 0..POLLS_PER_TURN {
            let id = self.queue.pop()?;
            match self.take(id) {
                Some(task) if is_traced => self.poll_in_span(id, task, spare),
                Some(task) => self.poll(id, task, spare),
                None if id == TaskId::ROOT => {
                    self.root_is_queued.set(false);
                    let answer = poll_root();
                    if answer.is_some() {
                        return answer;
                    }
                }
                // The task is no more.
                None => {}
            }
        }
        None
    }

    pub(crate) fn has_work(&self) -> bool {
        !self.queue.is_empty() || !self.deferred.borrow().is_empty()
    }

    /// Queues a task of this core once the poller has been asked.
    pub(super) fn defer(&self, id: TaskId) {
        self.deferred.borrow_mut().push(id);
    }

    /// The poller has been asked: those who have let others run come behind what that has woken.
    #[inline]
    pub(crate) fn queue_deferred(&self) {
        if !self.deferred.borrow().is_empty() {
            let mut deferred = self.deferred.take();
            deferred.drain(..).for_each(|id| self.wake(id));
            // Nobody has deferred meanwhile: a wake only queues the task.
            *self.deferred.borrow_mut() = deferred;
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.get()
    }

    pub(crate) fn task_count(&self) -> usize {
        self.tasks.borrow().len()
    }

    #[cold]
    fn poll_in_span(&self, id: TaskId, task: BoxedTask, spare: &mut SpareWaker) {
        let number = id.place();
        let span = || tracing::trace_span!("task", number).entered();
        // A subscriber is foreign code: its panic is none of the task's business.
        let _span = match catch_unwind(AssertUnwindSafe(span)) {
            Ok(span) => span,
            Err(payload) => {
                self.put_back(id, task);
                self.wake(id);
                resume_unwind(payload)
            }
        };
        self.poll(id, task, spare);
    }

    /// Polls a task once, with a fresh budget.
    #[inline(always)]
    fn poll(&self, id: TaskId, mut task: BoxedTask, spare: &mut SpareWaker) {
        self.shared.counters.polls.add(1);
        if task.has_own_waker() {
            return self.poll_with_own_waker(id, task);
        }
        let polled = catch(|| {
            let polled = task.as_mut().poll(&self.shared, id, spare.lend(id));
            if spare.is_kept() {
                task.as_mut().set_own_waker(spare.replace(&self.shared));
            }
            polled
        });
        if polled.is_err() && spare.is_kept() {
            // By nobody to whom it is of use: the task is no more.
            spare.replace(&self.shared);
        }
        self.end_poll(id, task, polled);
    }

    #[inline(never)]
    fn poll_with_own_waker(&self, id: TaskId, mut task: BoxedTask) {
        let polled = catch(|| task.as_mut().poll_with_own_waker(&self.shared, id));
        self.end_poll(id, task, polled);
    }

    #[inline(always)]
    fn end_poll(&self, id: TaskId, mut task: BoxedTask, polled: thread::Result<Poll<()>>) {
        match polled {
            Ok(Poll::Pending) => self.put_back(id, task),
            Ok(Poll::Ready(())) => self.finish(id, task),
            Err(payload) => {
                task.as_mut().panicked(payload);
                self.finish(id, task);
            }
        }
    }

    /// Wakes a task of this core, on its thread.
    #[inline(always)]
    pub(crate) fn wake(&self, id: TaskId) {
        let mut tasks = self.tasks.borrow_mut();
        let place = tasks.get_mut(id.place());
        if let Some(place) = place.filter(|place| place.label == Label::waiting(id)) {
            place.label = Label::queued(id);
        } else if id != TaskId::ROOT || self.root_is_queued.replace(true) {
            // It is in the queue, or no more.
            return;
        }
        self.queue.push(id);
    }

    /// As [`wake`](Self::wake), for many at once that nobody has looked at for long.
    pub(crate) fn wake_all(&self, ids: &[TaskId]) {
        let before = self.queue.len();
        ids.iter().for_each(|id| self.wake(*id));
        let woken = self.queue.len() - before;
        if woken > 1 {
            self.far_away.set(self.far_away.get() + woken);
        }
    }

    /// Fetches what the polls of this turn are going to need, all at once, which takes hardly longer than for one of
    /// them. Not earlier, because there is not much room so near.
    #[cold]
    fn fetch(&self) {
        let tasks = self.tasks.borrow();
        let task = |id: &TaskId| tasks.get(id.place())?.task.as_ref();
        self.queue.look_ahead(POLLS_PER_TURN, |ids| {
            self.far_away
                .set(self.far_away.get().saturating_sub(ids.len()));
            let looked_at = ids.iter().filter_map(task);
            hint::black_box(looked_at.filter(|task| task.glance()).count());
        });
    }

    #[inline]
    fn take(&self, id: TaskId) -> Option<BoxedTask> {
        let mut tasks = self.tasks.borrow_mut();
        let place = tasks.get_mut(id.place())?;
        if place.label != Label::queued(id) {
            return None;
        }
        place.label = Label::waiting(id);
        place.task.take()
    }

    #[inline]
    fn put_back(&self, id: TaskId, task: BoxedTask) {
        if let Some(place) = self.tasks.borrow_mut().get_mut(id.place()) {
            // Nothing is not dropped: that costs a look.
            mem::forget(place.task.replace(task));
        }
    }

    /// Frees the task's place, then drops what is left of it; a panic of that drop ends there.
    #[cold]
    fn finish(&self, id: TaskId, task: BoxedTask) {
        self.shared.counters.finished.add(1);
        let place = self.tasks.borrow_mut().try_remove(id.place());
        drop_quietly((place, task));
    }

    /// Drops all tasks, on this thread. Their drops may wake, spawn and use timers.
    pub(crate) fn close(&self) {
        self.closed.set(true);
        let tasks = self.tasks.take();
        for (_, task) in tasks {
            self.shared.counters.finished.add(1);
            drop_quietly(task);
        }
        self.queue.clear();
        self.root_is_queued.set(false);
        self.deferred.take();
    }
}

impl fmt::Debug for Local {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Local")
            .field("tasks", &self.task_count())
            .finish_non_exhaustive()
    }
}

/// Polls with a fresh budget; a panic of the poll ends here.
#[inline]
fn catch(poll: impl FnOnce() -> Poll<()>) -> thread::Result<Poll<()>> {
    catch_unwind(AssertUnwindSafe(|| budget::with(BUDGET, poll)))
}

/// Drops what is foreign, such as a future or a waker; a panic of its drop ends here.
pub(crate) fn drop_quietly<T>(value: T) {
    end_quietly(|| drop(value));
}

/// As [`drop_quietly`], for what is dropped in its place.
pub(super) fn end_quietly(end: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(end)) {
        tracing::error!("a future or waker has panicked while it was dropped");
        // The payload's own drop may panic once more; leaking it ends the series.
        mem::forget(payload);
    }
}

/// Polls of tasks between two visits of the poller.
const POLLS_PER_TURN: usize = 64;
/// Operations of the async forms that a task may do in one poll before it lets others run.
const BUDGET: u32 = 128;
