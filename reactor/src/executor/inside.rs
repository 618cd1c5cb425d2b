//! Which loop this thread is inside of.

use std::{cell::RefCell, mem::ManuallyDrop, rc::Rc, sync::Arc, task::Waker};

use super::{Local, TaskId, own_task};
use crate::{error::NestedRun, shared::Shared};

/// The thread is inside of a core's `run` or `turn` until this is dropped, which unwinding does too.
#[derive(Debug)]
pub(crate) struct Inside(());

impl Inside {
    pub(crate) fn enter(local: &Rc<Local>) -> Result<Self, NestedRun> {
        INSIDE.with_borrow_mut(|inside| {
            if inside.is_some() {
                return Err(NestedRun);
            }
            **inside = Some(local.clone());
            Ok(Self(()))
        })
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        if let Some(local) = INSIDE.with_borrow_mut(|inside| inside.take()) {
            local.shared().leave();
        }
    }
}

/// Whether this thread is inside of the loop of that reactor.
#[inline]
pub(crate) fn is_inside(shared: &Arc<Shared>) -> bool {
    with_inside(shared, |_| ()).is_some()
}

/// Wakes a task if this thread is inside of its loop; false otherwise.
#[inline]
pub(super) fn wake_inside(shared: &Arc<Shared>, id: TaskId) -> bool {
    with_inside(shared, |local| local.wake(id)).is_some()
}

/// Queues the task of `waker` once the poller has been asked, if it is the one that a loop of this thread is
/// polling; false otherwise.
pub(super) fn defer_current(waker: &Waker) -> bool {
    let deferred = INSIDE.with_borrow(|inside| {
        let local = inside.as_ref()?;
        let task = own_task(local.shared(), waker)?;
        local.defer(task);
        Some(())
    });
    deferred.is_some()
}

/// What `f` does with that reactor's loop, if this thread is inside of it. `f` runs no foreign code.
#[inline]
pub(crate) fn with_inside<R>(shared: &Arc<Shared>, f: impl FnOnce(&Local) -> R) -> Option<R> {
    // It is always there, but this way, unlike `with`, is inlined.
    let done = INSIDE.try_with(|inside| {
        let inside = inside.borrow();
        let local = inside.as_ref()?;
        Arc::ptr_eq(local.shared(), shared).then(|| f(local))
    });
    done.ok().flatten()
}

thread_local! {
    /// Without a drop of its own, which would have to be looked for at each access: [`Inside`] empties it. So it is
    /// there for as long as its thread is.
    static INSIDE: RefCell<ManuallyDrop<Option<Rc<Local>>>> =
        const { RefCell::new(ManuallyDrop::new(None)) };
}
