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
/// waker that looks the same wakes the same task. The pointers are only compared; that of the
/// reactor is null between polls.
#[derive(Debug)]
struct Current {
    shared: Cell<*const Shared>,
    id: Cell<u64>,
    data: Cell<*const ()>,
    vtable: Cell<*const RawWakerVTable>,
}

/// Makes a task the current one until it is dropped, which unwinding does too.
#[derive(Debug)]
pub(crate) struct Entered(PhantomData<*const ()>);

impl Entered {
    #[inline]
    pub(crate) fn new(shared: &Arc<Shared>, id: TaskId, waker: &Waker) -> Self {
        CURRENT.with(|current| {
            current.shared.set(Arc::as_ptr(shared));
            current.id.set(id.to_bits());
            current.data.set(waker.data());
            current.vtable.set(waker.vtable());
        });
        Self(PhantomData)
    }
}

impl Drop for Entered {
    #[inline]
    fn drop(&mut self) {
        CURRENT.with(|current| current.shared.set(ptr::null()));
    }
}

/// The number of the task of `waker`, if that is the one that the loop of `shared` is polling now, on
/// this thread.
#[inline]
pub(crate) fn own_task(shared: &Arc<Shared>, waker: &Waker) -> Option<TaskId> {
    CURRENT.with(|current| {
        let same = ptr::eq(current.shared.get(), Arc::as_ptr(shared))
            && current.data.get() == waker.data()
            && ptr::eq(current.vtable.get(), waker.vtable());
        TaskId::from_bits(if same { current.id.get() } else { 0 })
    })
}

thread_local! {
    static CURRENT: Current = const {
        Current {
            shared: Cell::new(ptr::null()),
            id: Cell::new(0),
            data: Cell::new(ptr::null()),
            vtable: Cell::new(ptr::null()),
        }
    };
}
