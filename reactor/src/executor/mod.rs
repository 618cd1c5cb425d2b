//! The single-threaded executor inside of a core.
//!
//! Tasks live on the core's thread and need not be `Send`. What travels between threads is a task's
//! number: a wake on the core's own thread pushes it to a plain queue, without a lock and without a
//! system call; a wake from elsewhere sends it through a channel and rings the doorbell. Only a task whose waker is
//! kept by somebody has one of its own.

mod current;
mod inside;
mod job;
mod join;
mod local;
mod number;
mod queue;
mod spare_waker;
mod spawner;
mod task;
mod task_group;
mod yield_now;

pub use join::{JoinError, JoinHandle};
pub use spawner::Spawner;
pub use task_group::TaskGroup;
pub use yield_now::{YieldNow, yield_now};

pub(crate) use current::{Entered, own_task};
use inside::defer_current;
pub(crate) use inside::{Inside, is_inside, with_inside};
pub(crate) use job::{BoxedTask, SendTask, new_task};
pub(crate) use join::Join;
pub(crate) use local::{Local, drop_quietly};
#[cfg(all(test, loom))]
pub(crate) use number::Number;
pub(crate) use spare_waker::SpareWaker;
pub(crate) use task::{TaskHeader, TaskId};

/// What other threads send to the loop.
pub(crate) enum Message {
    Wake(TaskId),
    Spawn(SendTask),
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Wake(id) => f.debug_tuple("Wake").field(id).finish(),
            Self::Spawn(..) => f.debug_tuple("Spawn").finish_non_exhaustive(),
        }
    }
}
