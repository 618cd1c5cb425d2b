//! Which task of a core this thread is polling.

use std::{
    cell::Cell,
    marker::PhantomData,
    ptr,
    sync::Arc,
    task::{RawWakerVTable, Waker},
};

use super::TaskId;
use crate::shared::Shared;

/// A task, whose it is, and what its waker looks like: while the task is being polled it is alive, so a
/// waker that looks the same wakes the same task. The pointers are only compared.
#[derive(Debug, Clone, Copy)]
struct Current {
    shared: *const Shared,
    id: TaskId,
    data: *const (),
    vtable: *const RawWakerVTable,
}

/// Makes a task the current one until it is dropped, which unwinding does too.
#[derive(Debug)]
pub(crate) struct Entered(PhantomData<*const ()>);

impl Entered {
    #[inline]
    pub(crate) fn new(shared: &Arc<Shared>, id: TaskId, waker: &Waker) -> Self {
        CURRENT.set(Some(Current {
            shared: Arc::as_ptr(shared),
            id,
            data: waker.data(),
            vtable: waker.vtable(),
        }));
        Self(PhantomData)
    }
}

impl Drop for Entered {
    #[inline]
    fn drop(&mut self) {
        CURRENT.set(None);
    }
}

/// The number of the task of `waker`, if that is the one that the loop of `shared` is polling now, on
/// this thread.
#[inline]
pub(crate) fn own_task(shared: &Arc<Shared>, waker: &Waker) -> Option<TaskId> {
    let current = CURRENT.get()?;
    let same = ptr::eq(current.shared, Arc::as_ptr(shared))
        && current.data == waker.data()
        && ptr::eq(current.vtable, waker.vtable());
    same.then_some(current.id)
}

thread_local! {
    static CURRENT: Cell<Option<Current>> = const { Cell::new(None) };
}
