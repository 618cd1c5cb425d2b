use std::{
    mem,
    sync::{
        Arc,
        atomic::{Ordering, fence},
    },
    task::Waker,
};

use super::{TaskHeader, TaskId};
use crate::{
    fault::{Fault, seeded},
    shared::Shared,
};

/// The waker of all tasks that have not kept one: most wait for what knows them by their number, and never do.
///
/// ```text
///   lend ──▶ poll ──▶ nobody has kept it ──▶ lend to the next task
///                └──▶ somebody has: it is that task's from now on, and a new one takes its place
/// ```
#[derive(Debug)]
pub(crate) struct SpareWaker {
    header: Arc<TaskHeader>,
    waker: Waker,
}

impl SpareWaker {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        // The root is polled by a waker of its own: no wake of this one is meant for it.
        let header = TaskHeader::new(shared, TaskId::ROOT);
        let waker = header.waker().clone();
        Self { header, waker }
    }

    /// The waker for a poll of that task. Nobody has kept it before.
    #[inline]
    pub(crate) fn lend(&self, id: TaskId) -> &Waker {
        self.header.lend(id);
        &self.waker
    }

    /// Whether somebody has kept it, since it was lent. It is the task's then, and has to be replaced.
    #[inline]
    pub(crate) fn is_kept(&self) -> bool {
        // Whoever had one and has dropped it has looked before whose it was.
        let references = Arc::strong_count(&self.header);
        fence(Ordering::Acquire);
        references > OWN && !seeded(Fault::KeptWakerLentAgain)
    }

    /// Gives it to the task whose it is.
    #[cold]
    pub(crate) fn replace(&mut self, shared: &Arc<Shared>) -> Arc<TaskHeader> {
        mem::replace(self, Self::new(shared.clone())).header
    }
}

/// Its own references to the header: one as such, and one of the waker.
const OWN: usize = 2;
